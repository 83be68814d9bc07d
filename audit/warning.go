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

// WarningDays are how long before the day they are told.
var WarningDays = [...]int{30, 7}

const (
	WarningFact = "ahead/"
)

// Warning is one of the mails that are sent ahead of a change, to those whom it concerns.
type Warning struct {
	providers.Change
	Days int // 30 or 7: which of them it is
}

// Occasion is the purpose of the warning's mails, and Series what the purposes of all of the change's warnings
// begin with.
func (w Warning) Occasion() string { return fmt.Sprintf("%s%d", w.Series(), w.Days) }
func (w Warning) Series() string   { return "ahead/" + w.ID + "/" }

// First is the occasion of the warning that came first.
func (w Warning) First() string { return fmt.Sprintf("%s%d", w.Series(), WarningDays[0]) }

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
	return fmt.Sprintf("%s on %s: %s left", l.Title, l.Day.Format("2 Jan"), Plural(l.Accounts, "mailbox"))
}

// Remainders returns what a run counted of the ways of signing in that end, by day.
func Remainders(ctx context.Context, facts interface {
	Facts(ctx context.Context, key, prefix string) (map[string]string, error)
}, key string) ([]Remaining, error) {
	kept, err := facts.Facts(ctx, key, WarningFact)
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
