package audit

import (
	"context"
	"encoding/json"
	"slices"
)

const rulingsFact = "rulings"

// rule has the guards look at the run's results before anything is settled. What they say is kept: a
// conclusion that is begun again goes by the same word.
func (a *Auditor) rule(ctx context.Context, run Run) (Rulings, error) {
	if kept, ok, err := a.keptRulings(ctx, run.Key); ok || err != nil {
		return kept, err
	}
	before, looked, err := a.preflightOf(ctx, run.Key)
	if err != nil {
		return Rulings{}, err
	}
	tallies, err := a.Ledger.Tallies(ctx, run)
	if err != nil {
		return Rulings{}, err
	}
	r := Rulings{Silenced: before.Silenced, Providers: map[string]Ruling{}, Mode: a.Policy.Mode, Cadence: a.Policy.Cadence, Blind: !looked}
	canaries, err := a.canaryVoids(ctx, run)
	if err != nil {
		return r, err
	}
	for provider, tally := range tallies {
		r.Recorded += tally.Accounts
		ruling := a.Policy.Guard.Rule(tally)
		if v, ok := canaries[provider]; ok {
			ruling = ruling.voided(v.Void, v.Why)
		}
		if why := before.Unreachable[provider]; why != "" {
			ruling = ruling.voided(VoidAll, why)
		}
		r.Providers[provider] = ruling
	}
	text, err := json.Marshal(r)
	if err != nil {
		return r, err
	}
	if _, err := a.Ledger.KeepFact(ctx, run.Key, rulingsFact, string(text)); err != nil {
		return r, err
	}
	if kept, ok, err := a.keptRulings(ctx, run.Key); ok || err != nil {
		return kept, err
	}
	return r, nil
}

// keptRulings returns what the guards have said of a run; ok is false if that is not kept, or cannot be read.
func (a *Auditor) keptRulings(ctx context.Context, key string) (r Rulings, ok bool, err error) {
	facts, err := a.Ledger.Facts(ctx, key, rulingsFact)
	if err != nil || facts[rulingsFact] == "" {
		return r, false, err
	}
	if err := json.Unmarshal([]byte(facts[rulingsFact]), &r); err != nil {
		a.Log.Error("what the guards have said of a run cannot be read", "run", key, "err", err)
		return Rulings{}, false, nil
	}
	return r, true, nil
}

// void replaces tonight's result by "unverified" where the provider's night does not count.
func (r Rulings) void(st State) State {
	ruling := r.Providers[st.Tonight.Provider]
	if why, deaf := ruling.DeafHosts[st.Tonight.Host]; deaf {
		ruling = ruling.voided(VoidChanges, why)
	}
	if !ruling.Void.Voids(st.Settled.Verdict, st.Tonight.Verdict) {
		return st
	}
	voided := *st.Tonight
	voided.Judgement = Judgement{Verdict: Unverified, TwoFactor: "unknown", Certainty: "ambiguous"}
	voided.Reason = "the provider's night does not count: " + ruling.Why
	st.Tonight = &voided
	return st
}

// held marks tonight's result where a guard holds the provider's notices, by tonight's ruling or since an earlier
// night.
func (r Rulings) held(st State, open []Hold) State {
	provider := st.Tonight.Provider
	if !r.Providers[provider].Held && !slices.ContainsFunc(open, func(h Hold) bool { return h.Provider == provider }) {
		return st
	}
	doubted := *st.Tonight
	doubted.Held = true
	st.Tonight = &doubted
	return st
}

// openUp has even the quiet accounts settled where a void takes acceptances away.
func (a *Auditor) openUp(ctx context.Context, run Run, r Rulings) error {
	for provider, ruling := range r.Providers {
		if ruling.Void == VoidAcceptances || ruling.Void == VoidAll {
			if err := a.Ledger.Unquiet(ctx, run, provider); err != nil {
				return err
			}
		}
	}
	return nil
}
