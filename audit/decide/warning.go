package decide

import (
	"fmt"
	"slices"
	"time"

	"mailaudit/audit"
	"mailaudit/providers"
)

const (
	Day = 24 * time.Hour
)

// WarningDue gives which warning of a change is due on a night that starts at now; false if none is. After the day
// nobody is warned any more: who fails then has a finding.
func WarningDue(c providers.Change, now time.Time) (audit.Warning, bool) {
	left := daysBetween(now, c.Day)
	for _, days := range slices.Backward(audit.WarningDays[:]) {
		if left >= 0 && left <= days {
			return audit.Warning{Change: c, Days: days}, true
		}
	}
	return audit.Warning{}, false
}

func daysBetween(from, to time.Time) int {
	return int(to.UTC().Truncate(Day).Sub(from.UTC().Truncate(Day)) / Day)
}

// warnAhead are the days before, each of which is worth one warning.
var warnAhead = [...]int{30, 14, 7, 1}

// ExpiryWarning is what operations are told on a run that starts at now, the one before it having started at before
// (zero: there was none). Each of the days is told once, by the first run that sees it come; an expired secret,
// every night.
func ExpiryWarning(e audit.ClientExpiry, before, now time.Time) (audit.Trouble, bool) {
	left := daysLeft(e, now)
	fix := "make a new one in " + e.Owner + "'s console, and set " + e.Key + ".client_secret and secret_expires"
	if left <= 0 {
		return audit.Trouble{What: fmt.Sprintf("the OAuth client secret of %s expired on %s", e.Owner, e.At.Format(time.DateOnly)), Fix: fix}, true
	}
	for _, days := range warnAhead {
		if left <= days && (before.IsZero() || daysLeft(e, before) > days) {
			return audit.Trouble{What: fmt.Sprintf("the OAuth client secret of %s expires on %s, in %s", e.Owner, e.At.Format(time.DateOnly), audit.Plural(left, "day")), Fix: fix}, true
		}
	}
	return audit.Trouble{}, false
}

func daysLeft(e audit.ClientExpiry, t time.Time) int {
	return daysBetween(t, e.At)
}
