package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"mailaudit/providers"
)

// Some ways of signing in end on a day that the provider has announced. Those who still use one are told before
// it, while all is well: once each, some weeks and some days ahead.

// aheadDays are how long before the day they are told.
var aheadDays = [...]int{30, 7}

const (
	aheadFact    = "ahead/"
	aheadOutlook = 60 * 24 * time.Hour // how long before the day operations see how many are left
	day          = 24 * time.Hour
)

// Warning is one of the mails that are sent ahead of a change, to those whom it concerns.
type Warning struct {
	providers.Change
	Days int // 30 or 7: which of them it is
}

// warningDue gives which warning of a change is due on a night that starts at now; false if none is. After the day
// nobody is warned any more: who fails then has a finding.
func warningDue(c providers.Change, now time.Time) (Warning, bool) {
	left := daysBetween(now, c.Day)
	for _, days := range slices.Backward(aheadDays[:]) {
		if left >= 0 && left <= days {
			return Warning{c, days}, true
		}
	}
	return Warning{}, false
}

func daysBetween(from, to time.Time) int {
	return int(to.UTC().Truncate(day).Sub(from.UTC().Truncate(day)) / day)
}

// Occasion is the purpose of the warning's mails, and Series what the purposes of all of the change's warnings
// begin with.
func (w Warning) Occasion() string { return fmt.Sprintf("%s%d", w.Series(), w.Days) }
func (w Warning) Series() string   { return "ahead/" + w.ID + "/" }

// First is the occasion of the warning that came first.
func (w Warning) First() string { return fmt.Sprintf("%s%d", w.Series(), aheadDays[0]) }

// Unwarned is an account that a warning concerns and that has not been told.
type Unwarned struct {
	AccountID string
	Verdict   Verdict // tonight's
	Since     time.Time
	Thread    int64 // the notice that warned it first; 0 if none did
}

// Remaining is how many accounts still sign in by a way that ends.
type Remaining struct {
	Title    string    `json:"title"`
	Day      time.Time `json:"day"`
	Accounts int       `json:"accounts"`
}

func (l Remaining) String() string {
	return fmt.Sprintf("%s on %s: %s left", l.Title, l.Day.Format("2 Jan"), plural(l.Accounts, "mailbox"))
}

// warnAll has the run go on without warnings that cannot be written.
func (a *Auditor) warnAll(ctx context.Context, run Run, rulings Rulings, until time.Time) (more bool, err error) {
	more, err = a.warnAhead(ctx, run, rulings, until)
	return more, a.goOnWithout(ctx, run, "the warnings ahead of announced changes", err)
}

// warnAhead writes the run's warnings. A provider whose night does not count, or whose notices are held, has none
// written: its customers are warned once the way is free.
func (a *Auditor) warnAhead(ctx context.Context, run Run, rulings Rulings, until time.Time) (more bool, err error) {
	held, err := a.Ledger.OpenHolds(ctx)
	if err != nil {
		return false, err
	}
	for _, c := range a.Policy.Changes {
		if left := c.Day.Sub(run.StartedAt); left < -day || left > aheadOutlook {
			continue
		}
		if err := a.countRemaining(ctx, run, c); err != nil {
			return false, err
		}
		w, due := warningDue(c, run.StartedAt)
		ruling := rulings.Providers[c.Provider]
		isHeld := slices.ContainsFunc(held, func(h Hold) bool { return h.Provider == c.Provider })
		if !due || ruling.Void != "" || ruling.Held || isHeld || rulings.Silenced != "" || a.Policy.Mode == ModeOff {
			continue
		}
		for after := ""; ; {
			if time.Now().After(until) {
				return true, nil
			}
			page, err := a.Ledger.Unwarned(ctx, run, w, a.Policy.Mode == ModeShadow, after, settlePage)
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

func (a *Auditor) draftWarnings(ctx context.Context, run Run, w Warning, page []Unwarned) error {
	wanted := ids(page, func(u Unwarned) string { return u.AccountID })
	accounts, unread, err := a.accounts(ctx, run, wanted)
	if err == nil {
		err = a.setRowsAside(ctx, run, wanted, unread)
	}
	if err != nil {
		return err
	}
	var drafts []Draft
	for _, u := range page {
		acc, there := accounts[u.AccountID]
		if !there || acc.Auth == AuthOAuth2 {
			continue
		}
		drafts = append(drafts, Draft{
			Kind: KindAhead, Occasion: w.Occasion(), TenantID: acc.TenantID, ContactEmail: FoldAddress(acc.ContactEmail),
			Provider: w.Provider, Thread: u.Thread,
			Item: NoticeItem{AccountID: acc.ID, Verdict: u.Verdict, Since: u.Since, Step: w.Days},
		})
	}
	return apart(drafts, a.spares(ctx, run, a.Ledger), func(some []Draft) error {
		return a.Ledger.Draft(ctx, run, some)
	}, func(d Draft, err error) error {
		return a.setAside(ctx, run, AsideMail, "for account "+d.Item.AccountID, a.Ledger, err)
	})
}

func (a *Auditor) countRemaining(ctx context.Context, run Run, c providers.Change) error {
	n, err := a.Ledger.CountConcerned(ctx, run, c)
	if err != nil || n == 0 {
		return err
	}
	text, err := json.Marshal(Remaining{Title: c.Title, Day: c.Day, Accounts: n})
	if err != nil {
		return err
	}
	_, err = a.Ledger.KeepFact(ctx, run.Key, aheadFact+c.ID, string(text))
	return err
}

// Remainders returns what a run counted of the ways of signing in that end, by day.
func Remainders(ctx context.Context, facts interface {
	Facts(ctx context.Context, key, prefix string) (map[string]string, error)
}, key string) ([]Remaining, error) {
	kept, err := facts.Facts(ctx, key, aheadFact)
	if err != nil {
		return nil, err
	}
	var all []Remaining
	for _, name := range slices.Sorted(maps.Keys(kept)) {
		var l Remaining
		if err := json.Unmarshal([]byte(kept[name]), &l); err != nil {
			return nil, fmt.Errorf("%s of run %s: %w", name, key, err)
		}
		all = append(all, l)
	}
	slices.SortStableFunc(all, func(x, y Remaining) int { return x.Day.Compare(y.Day) })
	return all, nil
}
