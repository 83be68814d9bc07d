package operate

import (
	"context"
	"fmt"
	"strings"

	"mailaudit/audit"
)

// approvedFact keeps, with the run that opened a hold, who wants it decided and how.
const approvedFact = "hold/approved/"

// Approve keeps that a person wants an open hold released or discarded, and returns the ids of all who want the same. It decides
// nothing. It returns ErrNoHold with the open holds named.
func (d *Desk) Approve(ctx context.Context, key, provider string, as audit.HoldState, person, who, why string) ([]string, error) {
	if _, err := d.OpenHold(ctx, key, provider); err != nil {
		return nil, err
	}
	if err := d.act(ctx, who, "notices approve", fmt.Sprintf("%s %s %s", key, provider, as), why); err != nil {
		return nil, err
	}
	prefix := fmt.Sprintf("%s%s/%s/", approvedFact, provider, as)
	if _, err := d.Ledger.KeepFact(ctx, key, prefix+person, who); err != nil {
		return nil, err
	}
	facts, err := d.Ledger.Facts(ctx, key, prefix)
	if err != nil {
		return nil, err
	}
	var all []string
	for name := range facts {
		all = append(all, strings.TrimPrefix(name, prefix))
	}
	return all, nil
}

// Decided says in words how a hold was decided; "" while nobody has.
func (d *Desk) Decided(ctx context.Context, key, provider string) (string, error) {
	facts, err := d.Ledger.Facts(ctx, key, audit.DecidedFact+provider)
	return facts[audit.DecidedFact+provider], err
}
