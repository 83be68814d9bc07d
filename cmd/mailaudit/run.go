package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"mailaudit/audit"
	"mailaudit/report"
)

type runCmd struct {
	Key      string `help:"Name of the run; default: the night's date."`
	DryRun   bool   `help:"Verify and report to the terminal; store nothing but the attempts, mail and post nothing."`
	Limit    int    `help:"At most so many accounts."`
	Provider string `help:"Only this provider's accounts."`
	Tenant   string `help:"Only this tenant's accounts."`
	Migrate  bool   `help:"Bring a PostgreSQL database's tables up to date first."`
	ExitCode bool   `help:"Exit with 3 if the run concludes while a hold is open, whichever run opened it."`

	Changed      bool `help:"Verify only accounts with an open finding and a changed secret, and tell their customers at once. Makes no run; for every 15 minutes."`
	AcceptSource bool `help:"After the source guard has stopped a run: take the accounts as they are, once."`
	doer
}

var keyForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

func (r *runCmd) check() error {
	if r.Key != "" && (!keyForm.MatchString(r.Key) || r.Key == "." || r.Key == "..") {
		return usageError("--key %q is not 1 to 64 letters, digits, dots, dashes or underscores", r.Key)
	}
	if r.Limit < 0 {
		return usageError("--limit %d is negative", r.Limit)
	}
	if r.Provider != "" {
		if _, err := mustProvider(r.Provider); err != nil {
			return err
		}
	}
	switch {
	case r.Changed && (r.Key != "" || r.DryRun || r.Limit > 0 || r.ExitCode || r.AcceptSource):
		return usageError("--changed makes no run: it goes with --provider and --tenant alone")
	case r.DryRun && r.AcceptSource:
		return usageError("--dry-run looks at no source guard: --accept-source does not go with it")
	}
	return nil
}

func (r *runCmd) wants() wants {
	if r.Migrate {
		return wants{tables: migrating, asks: true}
	}
	return wants{asks: true}
}

func (r *runCmd) scope() audit.Scope {
	return audit.Scope{Tenant: r.Tenant, Provider: r.Provider, Limit: r.Limit}
}

// Run opens the app by itself: a night whose database is away is one that outside watchers are told has failed.
func (r *runCmd) Run(ctx context.Context, s *setup) error {
	if r.Changed || r.DryRun {
		return s.with(ctx, r.wants(), func(a *app) error { return r.work(ctx, a, nil) })
	}
	return s.watched(ctx, r.Key, func(begun func(key string)) error {
		return s.with(ctx, r.wants(), func(a *app) error { return r.work(ctx, a, begun) })
	})
}

// work is the command on an app; begun is told the key of the run that is worked on.
func (r *runCmd) work(ctx context.Context, a *app, begun func(key string)) error {
	if r.Changed || r.DryRun {
		if err := a.checkKeys(ctx); err != nil {
			return err
		}
	}
	switch {
	case r.Changed:
		return r.changed(ctx, a)
	case r.DryRun:
		return a.rehearse(ctx, r.scope())
	}
	if err := a.mayBegin(ctx); err != nil {
		return err
	}
	// Before the lock: the run that another process works on is the one to join, also once it is concluded.
	key, err := r.chooseKey(ctx, a)
	if err != nil {
		return err
	}
	unlock, err := lockStore(ctx, a.store, false)
	if errors.Is(err, errLocked) {
		a.log.Warn("another mailaudit works on this database; the run waits for its end. If that is serve, stop it first", "run", key)
		unlock, err = lockStore(ctx, a.store, true)
	}
	if err != nil {
		return err
	}
	defer unlock()
	begun(key)
	return r.night(ctx, a, key)
}

// checkKeys refuses a keyset that opens nothing, before anything is dialled. An opener that is down is a
// failure and no wrong keyset.
func (a *app) checkKeys(ctx context.Context) error {
	err := a.auditor.CheckKeys(ctx)
	if errors.Is(err, audit.ErrWrongKeyset) && !isDown(err) {
		return usageError("keyset: %w", err)
	}
	return err
}

// mayBegin is checkKeys for a run, which begins also while the accounts cannot be read: it waits for them, and says so
// at its window's end.
func (a *app) mayBegin(ctx context.Context) error {
	err := a.checkKeys(ctx)
	if errors.Is(err, audit.ErrSource) && ctx.Err() == nil && !errors.As(err, new(*exitError)) {
		a.log.Warn("the keyset is not tried before the run", "err", err)
		return nil
	}
	return err
}

func (r *runCmd) night(ctx context.Context, a *app, key string) error {
	if run, err := a.store.LoadRun(ctx, key); err == nil && run.Status == audit.RunConcluded {
		fmt.Fprintf(a.around.stdout, "run %s is %s already; it is not repeated\n", key, describeRun(run))
	} else if err := r.begin(ctx, a, key); err != nil {
		return err
	}
	n, err := a.newNight()
	if err != nil {
		return err
	}
	defer n.handOver(ctx)
	stopProgress := a.showProgress(ctx, key)
	defer stopProgress()
	var until time.Time
	err = n.work(ctx, func(ctx context.Context) (bool, error) {
		run, err := a.store.LoadRun(ctx, key)
		if err != nil {
			return false, err
		}
		if run.Open() {
			err := n.givenUp(run)
			return err != nil, err
		}
		stopProgress()
		if until.IsZero() {
			until = time.Now().Add(a.config.DeliverWithin)
		}
		return n.waited(ctx, until)
	})
	if ctx.Err() != nil || errors.Is(err, errStuck) {
		return errors.Join(err, a.store.Interrupt(context.WithoutCancel(ctx), key))
	}
	if err == nil {
		err = cmp.Or(n.undelivered(ctx), n.publisher.files.last())
	}
	if err != nil {
		return err
	}
	return r.outcome(ctx, a, key)
}

// begin starts the run, joins it, or has it go on after a guard has stopped it.
func (r *runCmd) begin(ctx context.Context, a *app, key string) error {
	if err := a.expireOlder(ctx, key); err != nil {
		return err
	}
	run, _, err := a.auditor.Begin(ctx, key, r.scope())
	if err != nil {
		return err
	}
	if run.Status == audit.RunStopped {
		if err := a.auditor.Resume(ctx, run); err != nil {
			return err
		}
	}
	if r.AcceptSource {
		return a.auditor.AcceptSourceBy(ctx, key, r.who(a.around), r.Why)
	}
	return nil
}

// outcome is the code of a concluded run, the same however often it is started.
func (r *runCmd) outcome(ctx context.Context, a *app, key string) error {
	run, err := a.store.LoadRun(ctx, key)
	if err != nil {
		return err
	}
	if run.Status == audit.RunStopped {
		return fmt.Errorf("run %s was stopped: %s", key, run.StopReason)
	}
	if late, err := a.lateMails(ctx); err != nil || late > 0 {
		return errors.Join(err, a.lateError(ctx, late))
	}
	if a.publishes() {
		fmt.Fprintf(a.around.stdout, "run %s: %s\n", key, describeRun(run))
	}
	if !r.ExitCode {
		return nil
	}
	return a.heldError(ctx, run)
}

// heldError has exit code 3 where a concluded run left a hold open, its own or an earlier run's, that nobody has
// decided since. A hold that a later run opened is that run's.
func (a *app) heldError(ctx context.Context, run audit.Run) error {
	open, err := a.store.OpenHolds(ctx)
	if err != nil {
		return err
	}
	open = slices.DeleteFunc(open, func(h audit.Hold) bool { return h.OpenedAt.After(run.FinishedAt) })
	if len(open) == 0 {
		return nil
	}
	var names []string
	for _, h := range open {
		names = append(names, fmt.Sprintf("--run %s --provider %s (%s)", h.RunKey, h.Provider, report.Number(h.Notices, "notice", "notices")))
	}
	return &exitError{exitHeld, fmt.Errorf("run %s concluded while a hold is open: %s; mailaudit notices preview shows the notices, notices release or discard decides",
		run.Key, strings.Join(names, ", "))}
}

func describeRun(run audit.Run) string {
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

// chooseKey is the run that is to be worked on: the named one, else an unfinished one that is younger than
// the window, else the night's date.
func (r *runCmd) chooseKey(ctx context.Context, a *app) (string, error) {
	if r.Key != "" {
		return r.Key, nil
	}
	if r.AcceptSource {
		latest, err := a.store.ListRuns(ctx, 1, false)
		if err != nil {
			return "", err
		}
		if len(latest) == 1 && latest[0].Status == audit.RunStopped {
			return latest[0].Key, nil
		}
	}
	now := a.now()
	open, err := a.store.ListRuns(ctx, 1, true)
	if err != nil {
		return "", err
	}
	if len(open) == 1 && now.Sub(open[0].StartedAt) < a.config.Window {
		return open[0].Key, nil
	}
	return nightKey(now, a.config.Window, a.config.TimeZone), nil
}

// nightKey is the local date that lies 12 hours before the window's end, so that starts around midnight
// share a night. It is counted on the clock of zone, where a DST change takes no hour from any day.
func nightKey(now time.Time, window time.Duration, zone *time.Location) string {
	return asUTC(now.In(zone)).Add(window - 12*time.Hour).Format(time.DateOnly)
}

// expireOlder has older unfinished runs concluded before the new one begins.
func (a *app) expireOlder(ctx context.Context, key string) error {
	open, err := a.store.ListRuns(ctx, runsLookedAt, true)
	if err != nil {
		return err
	}
	for _, run := range open {
		if run.Key == key || a.store.workedOn(run, a.now()) && !a.alone() {
			continue
		}
		a.log.Warn("an older run was not finished; it is concluded first", "run", run.Key)
		if err := a.store.Expire(ctx, run.Key, a.now()); err != nil {
			if b, _ := a.store.Blame(err); b == audit.BlameAway || ctx.Err() != nil {
				return err
			}
			a.log.Error("an older run keeps its window; the new one does not wait for it", "run", run.Key, "err", err)
		}
	}
	return nil
}

const lateAfter = 24 * time.Hour

// lateMails counts mails that were due a day ago and have not been sent: nothing runs deliver.
func (a *app) lateMails(ctx context.Context) (int, error) {
	if a.config.Notices.Mode != string(audit.ModeLive) {
		return 0, nil
	}
	since := a.now().Add(-lateAfter)
	late, err := a.store.DueNotices(ctx, since, 1000)
	if err != nil || len(late) == 0 {
		return 0, err
	}
	// Where mails leave, the others wait for their turn: the caps let so many go a day.
	sent, err := a.store.SentSince(ctx, since, "", "")
	if err != nil || sent > 0 {
		return 0, err
	}
	return len(late), nil
}

func (a *app) lateError(ctx context.Context, n int) error {
	stopped, err := a.store.Setting(ctx, audit.SettingStopped)
	switch {
	case err != nil || n == 0:
		return err
	case stopped != "":
		return fmt.Errorf("%d customer mails have been due for 24 hours and are not sent: mails are stopped %s; mailaudit notices start --by WHO lets them leave", n, stopped)
	}
	return fmt.Errorf("%d customer mails have been due for 24 hours and are not sent: run mailaudit deliver every hour, or serve", n)
}

// publishes tells whether summaries go to Slack, so that standard output is free for one line.
func (s *setup) publishes() bool {
	return !s.config.Slack.Token.Empty() || !s.config.Slack.Webhook.Empty()
}
