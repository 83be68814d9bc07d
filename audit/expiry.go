package audit

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ClientExpiry is the day on which the secret of one of our OAuth clients ends. From then on every mailbox that
// signs in through it is refused.
type ClientExpiry struct {
	Owner string    // "Microsoft"
	Key   string    // where it is configured
	At    time.Time // the day, in UTC
}

// warnAhead are the days before, each of which is worth one warning.
var warnAhead = [...]int{30, 14, 7, 1}

// Warning is what operations are told on a run that starts at now, the one before it having started at before
// (zero: there was none). Each of the days is told once, by the first run that sees it come; an expired secret,
// every night.
func (e ClientExpiry) Warning(before, now time.Time) (Trouble, bool) {
	left := e.daysLeft(now)
	mend := "make a new one in " + e.Owner + "'s console, and set " + e.Key + ".client_secret and secret_expires"
	if left <= 0 {
		return Trouble{What: fmt.Sprintf("the OAuth client secret of %s expired on %s", e.Owner, e.At.Format(time.DateOnly)), Mend: mend}, true
	}
	for _, days := range warnAhead {
		if left <= days && (before.IsZero() || e.daysLeft(before) > days) {
			return Trouble{What: fmt.Sprintf("the OAuth client secret of %s expires on %s, in %s", e.Owner, e.At.Format(time.DateOnly), plural(left, "day")), Mend: mend}, true
		}
	}
	return Trouble{}, false
}

func (e ClientExpiry) daysLeft(t time.Time) int {
	return daysBetween(t, e.At)
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	if word == "mailbox" {
		word += "e"
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// warnOfExpiries notes with a run which of our client secrets end soon.
func (a *Auditor) warnOfExpiries(ctx context.Context, run Run) error {
	if len(a.Policy.OAuthClients) == 0 {
		return nil
	}
	before, err := a.Ledger.ConcludedBefore(ctx, run.Seq)
	if err != nil && !errors.Is(err, ErrNoRun) {
		return err
	}
	for _, e := range a.Policy.OAuthClients {
		if t, due := e.Warning(before.StartedAt, run.StartedAt); due {
			if err := a.NoteTrouble(ctx, run.Key, t); err != nil {
				return err
			}
		}
	}
	return nil
}
