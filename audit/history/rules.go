package history

import (
	"context"

	"mailaudit/audit"
	"mailaudit/audit/decide"
	"mailaudit/providers"
)

// rulesStore is what this file needs of the store. The contracts are in package audit.
type rulesStore interface {
	ChangesAfter(ctx context.Context, accountID string, seq int64, limit int) ([]audit.Change, error)
	ListRuns(ctx context.Context, limit int, openOnly bool) ([]audit.Run, error)
	LoadStates(ctx context.Context, ids []string) (map[string]audit.State, error)
	NotesAfter(ctx context.Context, key, after string, limit int) ([]audit.Finding, error)
}

// Reread is a past verdict that other rules would alter, or of which too little is kept to tell.
type Reread struct {
	AccountID string
	TenantID  string
	RunKey    string
	Provider  string
	Past      decide.Past
	decide.Rereading
}

// RereadCount is over how many past verdicts [Reader.Reread] went.
type RereadCount struct {
	Verdicts int // with a reply that rules read
	Same     int // that would stay as they are
}

// RulesFor returns a provider with the rules of one set.
type RulesFor func(provider string) (*providers.Provider, bool)

const (
	rereadPage = 500
	rereadRuns = 10_000 // more than six years of them
)

// Reread reads the evidence of every past verdict that is kept by other rules, and calls each for what they would alter
// and for what cannot be told. known are the sets of rules that may have read it then.
func (a *Reader) Reread(ctx context.Context, then RulesFor, known []RulesFor, each func(Reread) error) (RereadCount, error) {
	r := rereader{Reader: a, then: then, known: known, each: each}
	if err := r.changes(ctx); err != nil {
		return r.count, err
	}
	runs, err := a.Ledger.ListRuns(ctx, rereadRuns, false)
	if err != nil {
		return r.count, err
	}
	for _, run := range runs {
		if err := r.notes(ctx, run.Key); err != nil {
			return r.count, err
		}
	}
	return r.count, nil
}

type rereader struct {
	*Reader
	then  RulesFor
	known []RulesFor
	each  func(Reread) error
	count RereadCount
}

func (r *rereader) changes(ctx context.Context) error {
	for id, seq := "", int64(0); ; {
		page, err := r.Ledger.ChangesAfter(ctx, id, seq, rereadPage)
		if err != nil || len(page) == 0 {
			return err
		}
		findings := make([]Reread, len(page))
		for i, c := range page {
			findings[i] = Reread{AccountID: c.AccountID, TenantID: c.TenantID, RunKey: c.RunKey, Provider: c.Provider,
				Past: decide.Past{Verdict: c.Verdict, Previous: c.Previous, Certainty: c.Certainty, Rule: c.Rule, Reply: c.Reply}}
		}
		if err := r.page(ctx, findings); err != nil {
			return err
		}
		id, seq = page[len(page)-1].AccountID, page[len(page)-1].Seq
	}
}

func (r *rereader) notes(ctx context.Context, key string) error {
	for after := ""; ; {
		page, err := r.Ledger.NotesAfter(ctx, key, after, rereadPage)
		if err != nil || len(page) == 0 {
			return err
		}
		var findings []Reread
		for _, f := range page {
			if !f.Carried && f.Verdict == audit.Unverified { // what else is noted stands in the history too
				findings = append(findings, Reread{AccountID: f.AccountID, TenantID: f.TenantID, RunKey: key, Provider: f.Provider,
					Past: decide.Past{Verdict: f.Verdict, Previous: f.Previous, Certainty: f.Certainty, Rule: f.Rule, Reply: f.Reply}})
			}
		}
		if err := r.page(ctx, findings); err != nil {
			return err
		}
		after = page[len(page)-1].AccountID
	}
}

func (r *rereader) page(ctx context.Context, findings []Reread) error {
	ids := make([]string, len(findings))
	for i, f := range findings {
		ids[i] = f.AccountID
	}
	states, err := r.Ledger.LoadStates(ctx, ids)
	if err != nil {
		return err
	}
	for _, f := range findings {
		then, ok := r.then(f.Provider)
		if !ok || f.Past.Reply == "" {
			continue
		}
		var known []providers.Rules
		for _, of := range r.known {
			if p, ok := of(f.Provider); ok {
				known = append(known, p.Rules)
			}
		}
		f.Past.Foreign = f.Provider == audit.ProviderOther
		f.Past.Brand, _ = then.Brand(states[f.AccountID].Brand)
		f.Rereading = decide.Reread(f.Past, then.Rules, known...)
		r.count.Verdicts++
		if f.Alters == decide.AltersNothing && f.NotEnough == "" {
			r.count.Same++
			continue
		}
		if err := r.each(f); err != nil {
			return err
		}
	}
	return nil
}
