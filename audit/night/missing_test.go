package night

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/aside"
	"mailaudit/audit/decide"
)

// emptied is a source that had a hundred accounts when the run was planned, and has none of those that left.
type emptied struct {
	Ledger
	audit.Accounts
	left    []string
	facts   map[string]string
	settled map[string]audit.Verdict
}

func (e *emptied) AccountsByID(context.Context, []string) ([]audit.Account, error) { return nil, nil }

func (e *emptied) Blame(error) (audit.Blame, string) { return audit.BlameAway, "" }

func (e *emptied) Departed(_ context.Context, _ audit.Run, after string, _ int) ([]string, error) {
	if after != "" {
		return nil, nil
	}
	return e.left, nil
}

func (e *emptied) Facts(_ context.Context, _, prefix string) (map[string]string, error) {
	if v, ok := e.facts[prefix]; ok {
		return map[string]string{prefix: v}, nil
	}
	return nil, nil
}

func (e *emptied) KeepFact(_ context.Context, _, name, value string) (string, error) {
	if e.facts[name] == "" {
		e.facts[name] = value
	}
	return e.facts[name], nil
}

func (e *emptied) ConcludedBefore(context.Context, int64) (audit.Run, error) {
	return audit.Run{Key: "before", Numbers: &audit.Numbers{Accounts: 100}}, nil
}

func (e *emptied) LoadStates(_ context.Context, ids []string) (map[string]audit.State, error) {
	states := map[string]audit.State{}
	for _, id := range ids {
		states[id] = audit.State{AccountID: id, Settled: audit.Settled{Verdict: audit.Compliant}}
	}
	return states, nil
}

func (e *emptied) Settle(_ context.Context, _ audit.Run, all []audit.Settlement, _ []audit.Draft) error {
	for _, s := range all {
		e.settled[s.State.AccountID] = s.State.Settled.Verdict
	}
	return nil
}

// A source that is filled anew while a run is at work has lost nobody: where more are gone at the conclusion than
// max_source_loss allows, none of them has left; where they are few, they have.
func TestTooManyWhoLeaveWhileARunWorksHaveNotLeft(t *testing.T) {
	for left, want := range map[int]audit.Verdict{1: audit.Gone, 5: audit.Gone, 6: audit.Compliant, 60: audit.Compliant} {
		e := &emptied{facts: map[string]string{}, settled: map[string]audit.Verdict{}}
		for i := range left {
			e.left = append(e.left, fmt.Sprintf("a-%02d", i))
		}
		a := &Auditor{Ledger: e, Accounts: e, Log: slog.New(slog.DiscardHandler), Now: time.Now}
		a.Aside = &aside.Keeper{Accounts: e, Log: a.Log, Now: a.Now}
		a.Policy.Guard.MaxSourceLoss = 0.05
		for range 2 { // a conclusion that is begun again says the same
			if _, err := a.settleDeparted(t.Context(), audit.Run{Key: "k", Seq: 2}, decide.Rulings{}, time.Now().Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
			e.left = e.left[:1]
		}
		for id, verdict := range e.settled {
			if verdict != want {
				t.Errorf("of %d that are gone, %s is %q, want %q", left, id, verdict, want)
			}
		}
	}
}
