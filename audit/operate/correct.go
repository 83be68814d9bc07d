package operate

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"

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
	History(ctx context.Context, accountID string) (audit.History, error)
	Narrow(ctx context.Context, id int64, claim audit.Claim, keep []string) error
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
// if there is no such run. With accounts it takes back only what was told of these.
func (d *Desk) Correct(ctx context.Context, key, who, why string, accounts ...string) (Corrected, error) {
	var out Corrected
	if _, err := d.Ledger.LoadRun(ctx, key); err != nil {
		return out, err
	}
	target := key
	if len(accounts) > 0 {
		target += ": " + strings.Join(accounts, ", ")
	}
	if err := d.act(ctx, who, "notices correct", target, why); err != nil {
		return out, err
	}
	if len(accounts) > 0 {
		err := d.correctSome(ctx, key, accounts, &out)
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
	err = d.takeBack(ctx, key, nil, &out)
	return out, err
}

// correctSome takes back what the run told of some accounts. What it has not sent yet leaves without them.
func (d *Desk) correctSome(ctx context.Context, key string, accounts []string, out *Corrected) error {
	for _, state := range []audit.NoticeState{audit.NoticeQueued, audit.NoticeHeld} {
		waiting, err := d.Ledger.ListNotices(ctx, key, state, math.MaxInt32)
		if err != nil {
			return err
		}
		for _, n := range waiting {
			rest := slices.DeleteFunc(n.Accounts(), func(id string) bool { return slices.Contains(accounts, id) })
			switch {
			case len(rest) == len(n.Items):
				continue
			case len(rest) == 0:
				err = d.Ledger.Withdraw(ctx, n.ID, "its accounts were declared wrong by an operator")
			default:
				err = d.Ledger.Narrow(ctx, n.ID, audit.NoClaim, rest)
			}
			if err != nil {
				return err
			}
			out.Withdrawn++
		}
	}
	return d.takeBack(ctx, key, accounts, out)
}

// takeBack writes the corrections of what the run has told of some accounts, or of all where none are named.
func (d *Desk) takeBack(ctx context.Context, key string, accounts []string, out *Corrected) error {
	var mails outbox.Mails
	for _, state := range []audit.NoticeState{audit.NoticeSent, audit.NoticeAmbiguous} {
		told, err := d.Ledger.ListNotices(ctx, key, state, math.MaxInt32)
		if err != nil {
			return err
		}
		for _, n := range told {
			if len(accounts) > 0 {
				n.Items = slices.DeleteFunc(n.Items, func(i audit.NoticeItem) bool { return !slices.Contains(accounts, i.AccountID) })
			}
			if len(n.Items) == 0 {
				continue
			}
			out.Told++
			if n, err = d.withoutCorrected(ctx, n); err != nil {
				return err
			}
			if len(n.Items) == 0 {
				continue
			}
			mail, err := d.correction(ctx, n)
			if err != nil {
				return err
			}
			mails.Add(mail)
		}
	}
	occasion := "correction of " + key
	if len(accounts) > 0 {
		occasion += " for " + strings.Join(slices.Sorted(slices.Values(accounts)), ",")
	}
	var err error
	_, out.Written, err = d.Outbox.Enqueue(ctx, occasion, mails)
	return err
}

// withoutCorrected leaves of a notice the accounts that no correction has taken back since.
func (d *Desk) withoutCorrected(ctx context.Context, n audit.Notice) (audit.Notice, error) {
	var items []audit.NoticeItem
	for _, item := range n.Items {
		h, err := d.Ledger.History(ctx, item.AccountID)
		if err != nil {
			return n, err
		}
		if !slices.ContainsFunc(h.Notices, func(c audit.Notice) bool {
			return c.Kind == audit.KindCorrection && c.ID > n.ID && c.Thread == cmp.Or(n.Thread, n.ID)
		}) {
			items = append(items, item)
		}
	}
	n.Items = items
	return n, nil
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
