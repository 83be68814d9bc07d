package audit

import (
	"context"
	"slices"
	"strings"
)

// Trouble is a fault of our own that a run met: one alarm to operations, never a finding. Its texts stand in
// Slack, so they have no mailbox, no customer's host and nothing that a provider has said.
type Trouble struct {
	What string // "the keyset opens none of the stored secrets"
	Fix  string // what to do
}

const troubleFact = "trouble/"

// NoteTrouble keeps a trouble with the run, once.
func NoteTrouble(ctx context.Context, facts FactKeeper, key string, t Trouble) error {
	_, err := facts.KeepFact(ctx, key, troubleFact+t.What, t.Fix)
	return err
}

// Troubles returns what a run met of our own faults, what it set aside among them.
func Troubles(ctx context.Context, facts interface {
	Facts(ctx context.Context, key, prefix string) (map[string]string, error)
}, key string) ([]Trouble, error) {
	noted, err := facts.Facts(ctx, key, troubleFact)
	if err != nil {
		return nil, err
	}
	var all []Trouble
	for name, fix := range noted {
		all = append(all, Trouble{What: strings.TrimPrefix(name, troubleFact), Fix: fix})
	}
	aside, err := AsidesOf(ctx, facts, key)
	if err != nil {
		return nil, err
	}
	all = append(all, aside.Troubles()...)
	slices.SortFunc(all, func(x, y Trouble) int { return strings.Compare(x.What, y.What) })
	return all, nil
}
