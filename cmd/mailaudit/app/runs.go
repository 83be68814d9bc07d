package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/ask"
	"mailaudit/cmd/mailaudit/exit"
)

// CheckKeys refuses a keyset that opens nothing, before anything is dialled. An opener that is down is a
// failure and no wrong keyset.
func (a *App) CheckKeys(ctx context.Context) error {
	err := a.Auditor.Ask.CheckKeys(ctx)
	if errors.Is(err, ask.ErrWrongKeyset) && !IsDown(err) {
		return exit.Usagef("keyset: %w", err)
	}
	return err
}

// DescribeRun writes a run's status and numbers as one line.
func DescribeRun(run audit.Run) string {
	text := string(run.Status)
	if run.Numbers != nil {
		text += fmt.Sprintf(", %d accounts, %d verified, %d newly failing, %d works again", run.Numbers.Accounts, run.Numbers.Verified,
			run.Numbers.Changes.NewlyFailing, run.Numbers.Changes.Recovered)
	}
	if !run.Scope.Whole() {
		text += fmt.Sprintf(" (narrowed: provider %q, tenant %q, limit %d; give --key NAME for another)", run.Scope.Provider, run.Scope.Tenant, run.Scope.Limit)
	}
	return text
}

// NightKey is the local date that lies 12 hours before the window's end, so that starts around midnight
// share a night. It is counted on the clock of zone, where a DST change takes no hour from any day.
func NightKey(now time.Time, window time.Duration, zone *time.Location) string {
	return asUTC(now.In(zone)).Add(window - 12*time.Hour).Format(time.DateOnly)
}

// ExpireOlder has older unfinished runs concluded before the new one begins.
func (a *App) ExpireOlder(ctx context.Context, key string) error {
	open, err := a.Store.ListRuns(ctx, RunsLookedAt, true)
	if err != nil {
		return err
	}
	for _, run := range open {
		if run.Key == key || a.Store.WorkedOn(run, a.Now()) && !a.Alone() {
			continue
		}
		a.Log.Warn("an older run was not finished; it is concluded first", "run", run.Key)
		if err := a.Store.Expire(ctx, run.Key, a.Now()); err != nil {
			if b, _ := a.Store.Blame(err); b == audit.BlameAway || ctx.Err() != nil {
				return err
			}
			a.Log.Error("an older run keeps its window; the new one does not wait for it", "run", run.Key, "err", err)
		}
	}
	return nil
}

const lateAfter = 24 * time.Hour

// LateMails counts mails that were due a day ago and have not been sent, though the caps left them room: nothing runs
// deliver, or not in their hours.
func (a *App) LateMails(ctx context.Context) (int, error) {
	if a.Config.Notices.Mode != string(audit.ModeLive) {
		return 0, nil
	}
	return a.Auditor.Outbox.Late(ctx, a.Caps(), a.Now().Add(-lateAfter))
}

// LateError is the error for n mails that have been due for 24 hours; nil for none.
func (a *App) LateError(ctx context.Context, n int) error {
	stopped, err := a.Store.Setting(ctx, audit.SettingStopped)
	switch {
	case err != nil || n == 0:
		return err
	case stopped != "":
		return fmt.Errorf("%d customer mails have been due for 24 hours and are not sent: mails are stopped %s; mailaudit notices start --by WHO lets them leave", n, stopped)
	}
	return fmt.Errorf("%d customer mails have been due for 24 hours and are not sent: run mailaudit deliver every hour, or serve", n)
}
