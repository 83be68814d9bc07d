package operate

import (
	"context"

	"mailaudit/audit"
	"mailaudit/audit/ask"
	"mailaudit/audit/decide"
)

// nowStore is what this file needs of the store. The contracts are in package audit.
type nowStore interface {
	Tried(ctx context.Context, prints map[string]string) error
}

// AskNow asks one account at this moment, since the product asks for it. An acceptance ends an open finding as [Desk.Changed] does,
// and a secret that is refused is not asked again between two runs. ErrNoAccount if there is none.
func (d *Desk) AskNow(ctx context.Context, id string) (ask.Checked, error) {
	got, err := d.Ask.Check(ctx, id)
	if err != nil || !got.Before.Settled.Verdict.Failing() {
		return got, err
	}
	ctx = context.WithoutCancel(ctx) // what was learned is kept even while we are being stopped
	switch v := got.Result.Verdict; {
	case v.Fine():
		_, _, err = d.remedy(ctx, []audit.State{decide.Remedy(got.Before, got.Result, d.Now())})
	case v != audit.Unverified:
		err = d.Ledger.Tried(ctx, map[string]string{id: got.Result.Fingerprint})
	}
	return got, err
}
