package night

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/aside"
	"mailaudit/audit/decide"
	"mailaudit/providers"
)

// warnStore is what this file needs of the store. The contracts are in package audit.
type warnStore interface {
	Blame(err error) (b audit.Blame, code string)
	KeepFact(ctx context.Context, key, name, value string) (string, error)
	OpenHolds(ctx context.Context) ([]audit.Hold, error)
	CountConcerned(ctx context.Context, run audit.Run, c providers.Change) (int, error)
	Unwarned(ctx context.Context, run audit.Run, w audit.Warning, shadow bool, after string, limit int) ([]audit.Unwarned, error)
	Draft(ctx context.Context, run audit.Run, drafts []audit.Draft) error
}

const (
	aheadOutlook = 60 * 24 * time.Hour // how long before the day operations see how many are left
)

// warnAll has the run go on without warnings that cannot be written.
func (a *Auditor) warnAll(ctx context.Context, run audit.Run, rulings decide.Rulings, until time.Time) (more bool, err error) {
	more, err = a.warnAhead(ctx, run, rulings, until)
	return more, a.goOnWithout(ctx, run, "the warnings ahead of announced changes", err)
}

// warnAhead writes the run's warnings. A provider whose results are inconclusive, or whose notices are held, has none
// written: its customers are warned once the way is free.
func (a *Auditor) warnAhead(ctx context.Context, run audit.Run, rulings decide.Rulings, until time.Time) (more bool, err error) {
	held, err := a.Ledger.OpenHolds(ctx)
	if err != nil {
		return false, err
	}
	for _, c := range a.Policy.Changes {
		if left := c.Day.Sub(run.StartedAt); left < -decide.Day || left > aheadOutlook {
			continue
		}
		if err := a.countRemaining(ctx, run, c); err != nil {
			return false, err
		}
		w, due := decide.WarningDue(c, run.StartedAt)
		ruling := rulings.Providers[c.Provider]
		isHeld := slices.ContainsFunc(held, func(h audit.Hold) bool { return h.Provider == c.Provider })
		if !due || ruling.Void != "" || ruling.Held || isHeld || rulings.Silenced != "" || a.Policy.Mode == audit.ModeOff {
			continue
		}
		for after := ""; ; {
			if time.Now().After(until) {
				return true, nil
			}
			page, err := a.Ledger.Unwarned(ctx, run, w, a.Policy.Mode == audit.ModeShadow, after, settlePage)
			if err != nil {
				return false, err
			}
			if len(page) == 0 {
				break
			}
			after = page[len(page)-1].AccountID
			if err := a.draftWarnings(ctx, run, w, page); err != nil {
				return false, err
			}
		}
	}
	return false, nil
}

func (a *Auditor) draftWarnings(ctx context.Context, run audit.Run, w audit.Warning, page []audit.Unwarned) error {
	wanted := audit.IDs(page, func(u audit.Unwarned) string { return u.AccountID })
	accounts, unread, err := a.Aside.ReadAccounts(ctx, run, wanted)
	if err == nil {
		err = a.Aside.SetRowsAside(ctx, run, wanted, unread)
	}
	if err != nil {
		return err
	}
	var drafts []audit.Draft
	for _, u := range page {
		acc, there := accounts[u.AccountID]
		if !there || acc.Auth == audit.AuthOAuth2 {
			continue
		}
		drafts = append(drafts, audit.Draft{
			Kind: audit.KindAhead, Occasion: w.Occasion(), TenantID: acc.TenantID, ContactEmail: audit.FoldAddress(acc.ContactEmail),
			Provider: w.Provider, Thread: u.Thread,
			Item: audit.NoticeItem{AccountID: acc.ID, Verdict: u.Verdict, Since: u.Since, Step: w.Days},
		})
	}
	return aside.Apart(drafts, a.Aside.Spares(ctx, run, a.Ledger), func(some []audit.Draft) error {
		return a.Ledger.Draft(ctx, run, some)
	}, func(d audit.Draft, err error) error {
		return a.Aside.SetAside(ctx, run, audit.AsideMail, "for account "+d.Item.AccountID, a.Ledger, err)
	})
}

func (a *Auditor) countRemaining(ctx context.Context, run audit.Run, c providers.Change) error {
	n, err := a.Ledger.CountConcerned(ctx, run, c)
	if err != nil || n == 0 {
		return err
	}
	text, err := json.Marshal(audit.Remaining{Title: c.Title, Day: c.Day, Accounts: n})
	if err != nil {
		return err
	}
	_, err = a.Ledger.KeepFact(ctx, run.Key, audit.WarningFact+c.ID, string(text))
	return err
}

const settlePage = 500
