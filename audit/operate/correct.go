package operate

import (
	"context"
	"math"

	"mailaudit/audit"
	"mailaudit/audit/aside"
	"mailaudit/audit/decide"
	"mailaudit/audit/outbox"
)

// correctStore is what this file needs of the store. The contracts are in package audit.
type correctStore interface {
	Withdraw(ctx context.Context, id int64, detail string) error
	LoadRun(ctx context.Context, key string) (audit.Run, error)
	ListNotices(ctx context.Context, key string, state audit.NoticeState, limit int) ([]audit.Notice, error)
}

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
func (d *Desk) Correct(ctx context.Context, key, who, why string) (Corrected, error) {
	var out Corrected
	if _, err := d.Ledger.LoadRun(ctx, key); err != nil {
		return out, err
	}
	if err := d.act(ctx, who, "notices correct", key, why); err != nil {
		return out, err
	}
	queued, err := d.Ledger.ListNotices(ctx, key, audit.NoticeQueued, math.MaxInt32)
	if err != nil {
		return out, err
	}
	for _, n := range queued {
		if err := d.Ledger.Withdraw(ctx, n.ID, "its run was declared wrong by "+who); err != nil {
			return out, err
		}
		out.Withdrawn++
	}
	held, err := d.Ledger.ListNotices(ctx, key, audit.NoticeHeld, math.MaxInt32)
	if err != nil {
		return out, err
	}
	out.Held = len(held)
	var mails outbox.Mails
	for _, state := range []audit.NoticeState{audit.NoticeSent, audit.NoticeAmbiguous} {
		told, err := d.Ledger.ListNotices(ctx, key, state, math.MaxInt32)
		if err != nil {
			return out, err
		}
		out.Told += len(told)
		for _, n := range told {
			mail, err := d.correction(ctx, n)
			if err != nil {
				return out, err
			}
			mails.Add(mail)
		}
	}
	_, out.Written, err = d.Outbox.Enqueue(ctx, "correction of "+key, mails)
	return out, err
}

// correction is the mail that takes n back. It ends what n has told: whoever still fails is told anew.
func (d *Desk) correction(ctx context.Context, n audit.Notice) (audit.Notice, error) {
	accounts, _, err := aside.ReadAccounts(ctx, d.Accounts, n.Accounts())
	if err != nil {
		return audit.Notice{}, err
	}
	zone := d.Outbox.ZoneOf(n, accounts)
	now := d.Now()
	c := audit.Notice{
		Kind: audit.KindCorrection, TenantID: n.TenantID, ContactEmail: n.ContactEmail, Provider: n.Provider,
		Thread: n.Thread, CreatedAt: now, DueAt: decide.NextHour(d.Policy.Hours, now, zone),
	}
	if c.Thread == 0 {
		c.Thread = n.ID
	}
	sent := n.SentAt
	if sent.IsZero() {
		sent = audit.Latest(n.DueAt, n.CreatedAt)
	}
	for _, item := range n.Items {
		c.Items = append(c.Items, audit.NoticeItem{AccountID: item.AccountID, Verdict: item.Verdict, Since: sent})
	}
	return c, nil
}
