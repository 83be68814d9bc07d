package night

import (
	"context"
	"encoding/json"

	"mailaudit/audit"
	"mailaudit/audit/decide"
)

// rulingsStore is what this file needs of the store. The contracts are in package audit.
type rulingsStore interface {
	KeepFact(ctx context.Context, key, name, value string) (string, error)
	Facts(ctx context.Context, key, prefix string) (map[string]string, error)
	Tallies(ctx context.Context, run audit.Run) (map[string]audit.Tally, error)
	MarkForSettlement(ctx context.Context, run audit.Run, provider string) error
}

// rule has the guards look at the run's results before anything is settled. What they say is kept: a
// conclusion that is begun again goes by the same word.
func (a *Auditor) rule(ctx context.Context, run audit.Run) (decide.Rulings, error) {
	if kept, ok, err := a.keptRulings(ctx, run.Key); ok || err != nil {
		return kept, err
	}
	before, looked, err := a.preflightOf(ctx, run.Key)
	if err != nil {
		return decide.Rulings{}, err
	}
	tallies, err := a.Ledger.Tallies(ctx, run)
	if err != nil {
		return decide.Rulings{}, err
	}
	r := decide.Rulings{Silenced: before.Silenced, Providers: map[string]decide.Ruling{}, Mode: a.Policy.Mode, Cadence: a.Policy.Cadence, Blind: !looked}
	canaries, err := a.canaryVoids(ctx, run)
	if err != nil {
		return r, err
	}
	for provider, tally := range tallies {
		r.Recorded += tally.Accounts
		ruling := decide.Rule(a.Policy.Guard, tally)
		if v, ok := canaries[provider]; ok {
			ruling = ruling.Voided(v.Void, v.Why)
		}
		if why := before.Unreachable[provider]; why != "" {
			ruling = ruling.Voided(decide.VoidAll, why)
		}
		r.Providers[provider] = ruling
	}
	if r.Doubted, err = a.doubted(ctx, run, r); err != nil {
		return r, err
	}
	if err := a.tellDoubts(ctx, run, r.Doubted); err != nil {
		return r, err
	}
	text, err := json.Marshal(r)
	if err != nil {
		return r, err
	}
	if _, err := a.Ledger.KeepFact(ctx, run.Key, decide.RulingsFact, string(text)); err != nil {
		return r, err
	}
	if kept, ok, err := a.keptRulings(ctx, run.Key); ok || err != nil {
		return kept, err
	}
	return r, nil
}

// keptRulings returns what the guards have said of a run; ok is false if that is not kept, or cannot be read.
func (a *Auditor) keptRulings(ctx context.Context, key string) (r decide.Rulings, ok bool, err error) {
	facts, err := a.Ledger.Facts(ctx, key, decide.RulingsFact)
	if err != nil {
		return r, false, err
	}
	r, ok, unread := decide.KeptRulings(facts)
	if unread != nil {
		a.Log.Error("what the guards have said of a run cannot be read", "run", key, "err", unread)
	}
	return r, ok, nil
}

// openUp has even the quiet accounts settled where a void takes acceptances away.
func (a *Auditor) openUp(ctx context.Context, run audit.Run, r decide.Rulings) error {
	for provider, ruling := range r.Providers {
		if ruling.Void == decide.VoidAcceptances || ruling.Void == decide.VoidAll {
			if err := a.Ledger.MarkForSettlement(ctx, run, provider); err != nil {
				return err
			}
		}
	}
	return nil
}
