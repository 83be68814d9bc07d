package operate

import (
	"context"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/aside"
	"mailaudit/audit/ask"
	"mailaudit/audit/decide"
	"mailaudit/audit/outbox"
)

// changedStore is what this file needs of the store. The contracts are in package audit.
type changedStore interface {
	Blame(err error) (b audit.Blame, code string)
	Failing(ctx context.Context, after string, limit int) ([]audit.State, error)
	Remedy(ctx context.Context, states []audit.State) ([]string, error)
	Tried(ctx context.Context, prints map[string]string) error
	Mailing(ctx context.Context, ids []string, since time.Time) (map[string]audit.Mailing, error)
}

// Changed is what run --changed did.
type Changed struct {
	Asked     int // accounts with an open finding and a changed secret
	Recovered int // asked and accepted
	Refused   int // asked and not accepted; the next run judges them
	Notices   []int64
}

// Changed asks the accounts that have an open finding and another secret than the one that was refused. It
// is no run and opens nothing: an acceptance ends the finding and its customer is told at once, every other
// answer is left to the next run. A secret is asked once so, and the day's last attempt is left to the night.
func (d *Desk) Changed(ctx context.Context, scope audit.Scope) (Changed, error) {
	var out Changed
	for after := ""; ; {
		page, err := d.Ledger.Failing(ctx, after, settlePage)
		if err != nil || len(page) == 0 {
			return out, err
		}
		after = page[len(page)-1].AccountID
		changed, err := d.withChangedSecret(ctx, page, scope)
		if err != nil {
			return out, err
		}
		if _, err := d.askChanged(ctx, changed, &out); err != nil {
			return out, err
		}
	}
}

func (d *Desk) withChangedSecret(ctx context.Context, page []audit.State, scope audit.Scope) ([]ask.Subject, error) {
	accounts, sealed, err := d.Ask.WithSecrets(ctx, audit.Run{}, audit.IDs(page, func(s audit.State) string { return s.AccountID }))
	if err != nil {
		return nil, err
	}
	var changed []ask.Subject
	for _, st := range page {
		acc, ok := accounts[st.AccountID]
		if !ok || scope.Tenant != "" && acc.TenantID != scope.Tenant || scope.Provider != "" && st.Provider != scope.Provider {
			continue
		}
		secret, err := d.Ask.Open(acc.ID, sealed[acc.ID])
		if err != nil {
			d.Log.Error("secret not opened", "account", acc.ID, "err", err)
			continue
		}
		same := func(stored string) bool { return ask.IsSecret(d.Ask.Fingerprints, st, acc.ID, secret, stored) }
		if secret.Empty() || st.Fingerprint == "" || same(st.Fingerprint) || same(st.Tried) {
			continue
		}
		c, reason := d.Ask.Candidate(ctx, acc, st, sealed[acc.ID])
		if reason != "" {
			d.Log.Warn("changed secret not asked", "account", acc.ID, "why", reason)
			continue
		}
		changed = append(changed, ask.Subject{Candidate: c, Before: st})
	}
	return changed, nil
}

// askChanged returns, of the accounts about which nothing definite was said, when each may be asked again.
func (d *Desk) askChanged(ctx context.Context, changed []ask.Subject, out *Changed) (later map[string]time.Time, err error) {
	limit := d.Policy.Attempts
	limit.PerSecret = max(1, limit.PerSecret-1)
	results, unasked, interrupted := d.Ask.AskAll(ctx, changed, d.Ask.Asker(limit))
	var remedied []audit.State
	tried := map[string]string{}
	later = map[string]time.Time{}
	for _, ask := range changed {
		r, asked := results[ask.Account.ID]
		if again := d.laterFor(r, unasked[ask.Account.ID]); !again.IsZero() {
			later[ask.Account.ID] = again
		}
		switch {
		case !asked:
			continue
		case r.Verdict.Fine():
			remedied = append(remedied, decide.Remedy(ask.Before, r, d.Now()))
		case r.Verdict != audit.Unverified:
			tried[ask.Account.ID] = r.Fingerprint
			out.Refused++
		}
		out.Asked++
	}
	ctx = context.WithoutCancel(ctx) // what was learned is kept even while we are being stopped
	if err := d.Ledger.Tried(ctx, tried); err != nil {
		return later, err
	}
	n, notices, err := d.remedy(ctx, remedied)
	out.Recovered += n
	out.Notices = append(out.Notices, notices...)
	if err != nil {
		return later, err
	}
	return later, interrupted
}

// remedy stores accounts that were accepted between two runs, and writes the mails that say so.
func (d *Desk) remedy(ctx context.Context, remedied []audit.State) (n int, notices []int64, err error) {
	var stored []string
	err = aside.Apart(remedied, d.Aside.Spares(ctx, audit.Run{}, d.Ledger), func(some []audit.State) error {
		ids, err := d.Ledger.Remedy(ctx, some)
		stored = append(stored, ids...)
		return err
	}, func(st audit.State, err error) error {
		d.Log.Error("an acceptance cannot be stored; the next run judges the account", "account", st.AccountID, "err", err)
		return nil
	})
	if err != nil || len(stored) == 0 || d.Policy.Mode == audit.ModeOff {
		return len(stored), nil, err
	}
	now := d.Now()
	mailing, err := d.Ledger.Mailing(ctx, stored, now.Add(-decide.MailWindow))
	if err != nil {
		return len(stored), nil, err
	}
	accounts, _, err := aside.ReadAccounts(ctx, d.Accounts, stored)
	if err != nil {
		return len(stored), nil, err
	}
	states := map[string]audit.State{}
	for _, st := range remedied {
		states[st.AccountID] = st
	}
	cadence := d.Policy.Cadence
	cadence.Shadow = d.Policy.Mode == audit.ModeShadow
	var mails outbox.Mails
	for _, id := range stored {
		acc, there := accounts[id]
		st := states[id]
		if !there {
			continue // gone, or unreadable: then the next run tells
		}
		if decide.NextMail(cadence, now, st.Settled, st.Told, true, mailing[acc.ID]).Kind != audit.KindRecovered {
			continue
		}
		mails.Add(audit.Notice{
			Kind: audit.KindRecovered, TenantID: acc.TenantID, ContactEmail: audit.FoldAddress(acc.ContactEmail), Provider: st.Provider,
			Thread: st.Told.NoticeID, CreatedAt: now, DueAt: now,
			Items: []audit.NoticeItem{{AccountID: acc.ID, Verdict: st.Told.Verdict, Since: now}},
		})
	}
	notices, _, err = d.Outbox.Enqueue(ctx, "accepted "+now.UTC().Format(time.RFC3339Nano), mails)
	return len(stored), notices, err
}

const settlePage = 500
