package audit

import (
	"context"
	"math"
)

// Corrected is what the correction of a run did.
type Corrected struct {
	Told      int // mails of the run that reached, or may have reached, their customers
	Written   int // corrections that were written now
	Withdrawn int // mails of the run that had not left
	Held      int // mails of the run that still wait for a person
}

// Correct has everyone who was told something by the run told that it was wrong, once: calling it again
// writes to those alone whom a mail has reached since. What the run has not sent yet is withdrawn. ErrNoRun
// if there is no such run.
func (a *Auditor) Correct(ctx context.Context, key, who, why string) (Corrected, error) {
	var out Corrected
	if _, err := a.Ledger.LoadRun(ctx, key); err != nil {
		return out, err
	}
	if err := a.act(ctx, who, "notices correct", key, why); err != nil {
		return out, err
	}
	queued, err := a.Ledger.ListNotices(ctx, key, NoticeQueued, math.MaxInt32)
	if err != nil {
		return out, err
	}
	for _, n := range queued {
		if err := a.Ledger.Withdraw(ctx, n.ID, "its run was declared wrong by "+who); err != nil {
			return out, err
		}
		out.Withdrawn++
	}
	held, err := a.Ledger.ListNotices(ctx, key, NoticeHeld, math.MaxInt32)
	if err != nil {
		return out, err
	}
	out.Held = len(held)
	var mails envelopes
	for _, state := range []NoticeState{NoticeSent, NoticeAmbiguous} {
		told, err := a.Ledger.ListNotices(ctx, key, state, math.MaxInt32)
		if err != nil {
			return out, err
		}
		out.Told += len(told)
		for _, n := range told {
			mail, err := a.correction(ctx, n)
			if err != nil {
				return out, err
			}
			mails.put(mail)
		}
	}
	_, out.Written, err = a.enqueue(ctx, "correction of "+key, mails)
	return out, err
}

// correction is the mail that takes n back. It ends what n has told: whoever still fails is told anew.
func (a *Auditor) correction(ctx context.Context, n Notice) (Notice, error) {
	accounts, _, err := ReadAccounts(ctx, a.Accounts, n.accounts())
	if err != nil {
		return Notice{}, err
	}
	zone := a.zoneOf(n, accounts)
	now := a.Now()
	c := Notice{
		Kind: KindCorrection, TenantID: n.TenantID, ContactEmail: n.ContactEmail, Provider: n.Provider,
		Thread: n.Thread, CreatedAt: now, DueAt: a.Policy.Hours.Next(now, zone),
	}
	if c.Thread == 0 {
		c.Thread = n.ID
	}
	sent := n.SentAt
	if sent.IsZero() {
		sent = latest(n.DueAt, n.CreatedAt)
	}
	for _, item := range n.Items {
		c.Items = append(c.Items, NoticeItem{AccountID: item.AccountID, Verdict: item.Verdict, Since: sent})
	}
	return c, nil
}
