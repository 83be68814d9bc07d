package outbox

import (
	"context"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/decide"
	"mailaudit/providers"
)

// shownStore is what this file needs of the store. The contracts are in package audit.
type shownStore interface {
	ListRuns(ctx context.Context, limit int, openOnly bool) ([]audit.Run, error)
	OpenHolds(ctx context.Context) ([]audit.Hold, error)
	Mailing(ctx context.Context, ids []string, since time.Time) (map[string]audit.Mailing, error)
}

// openRuns is more than ever work at once.
const openRuns = 100

// Readings are what the product may show of accounts, in their order. Screens, events and whoever asks by the API read here.
// What a run has settled is shown once it has concluded: until then a guard may still hold it. So the runs are read before
// the holds.
func (o *Outbox) Readings(ctx context.Context, states []audit.State) ([]audit.Reading, error) {
	runs, err := o.Ledger.ListRuns(ctx, openRuns, true)
	if err != nil || len(states) == 0 {
		return nil, err
	}
	concluding := map[int64]bool{}
	for _, r := range runs {
		concluding[r.Seq] = true
	}
	open, err := o.Ledger.OpenHolds(ctx)
	if err != nil {
		return nil, err
	}
	held := map[string]bool{}
	for _, h := range open {
		held[h.Provider] = true
	}
	mailing, err := o.Ledger.Mailing(ctx, audit.IDs(states, func(s audit.State) string { return s.AccountID }), o.Now().Add(-decide.MailWindow))
	if err != nil {
		return nil, err
	}
	all := make([]audit.Reading, len(states))
	for i, st := range states {
		all[i] = o.reading(st, held[st.Provider] || concluding[st.SettledSeq], mailing[st.AccountID])
	}
	return all, nil
}

func (o *Outbox) reading(st audit.State, held bool, m audit.Mailing) audit.Reading {
	r := audit.Reading{AccountID: st.AccountID, TenantID: st.TenantID, Provider: st.Provider, Verdict: audit.Unverified, TwoFactor: providers.TwoFactorUnknown}
	failing := st.Settled.Verdict.Failing()
	if st.Settled.Verdict == "" || st.Settled.Verdict == audit.Gone || failing && !decide.Shown(o.Policy, st, held, m) {
		return r
	}
	r.Verdict, r.TwoFactor, r.Since = st.Settled.Verdict, st.Settled.TwoFactor, st.Settled.Since
	r.Shadow = failing && o.Policy.Mode == audit.ModeShadow
	if failing && st.Told.Step > 0 && !st.Told.Shadow {
		r.Notice, r.ToldAt = st.Told.NoticeID, st.Told.At
	}
	return r
}
