package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"mailaudit/audit"
	"mailaudit/cmd/mailaudit/app"
	"mailaudit/cmd/mailaudit/exit"
)

type runCmd struct {
	Key      string `help:"Key of the run; default: the date of the night."`
	DryRun   bool   `help:"Verify and report to the terminal; e-mail and post nothing. Uses the day's attempts; that day's run takes its answers."`
	Limit    int    `help:"Verify at most N accounts."`
	Provider string `help:"Only this provider's accounts."`
	Tenant   string `help:"Only this tenant's accounts."`
	Migrate  bool   `help:"Bring a PostgreSQL database's tables up to date first."`
	ExitCode bool   `help:"Exit with 3 if the run concludes while a hold is open, whichever run opened it."`

	Changed      bool `help:"Verify only accounts with an open finding and a changed secret, and notify their customers at once. Makes no run; for every 15 minutes."`
	AcceptSource bool `help:"After the source guard stopped a run: accept the accounts as they are, once."`
	doer
}

var keyForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

func (r *runCmd) check() error {
	if r.Key != "" && (!keyForm.MatchString(r.Key) || r.Key == "." || r.Key == "..") {
		return exit.Usagef("--key %q is not 1 to 64 letters, digits, dots, dashes or underscores", r.Key)
	}
	if r.Limit < 0 {
		return exit.Usagef("--limit %d is negative", r.Limit)
	}
	if r.Provider != "" {
		if _, err := app.MustProvider(r.Provider); err != nil {
			return err
		}
	}
	switch {
	case r.Changed && (r.Key != "" || r.DryRun || r.Limit > 0 || r.ExitCode || r.AcceptSource):
		return exit.Usagef("--changed makes no run: it goes with --provider and --tenant alone")
	case r.DryRun && r.AcceptSource:
		return exit.Usagef("--dry-run looks at no source guard: --accept-source does not go with it")
	}
	return nil
}

func (r *runCmd) wants() app.Wants {
	if r.Migrate {
		return app.Wants{Tables: app.Migrating, Asks: true, Waits: true}
	}
	return app.Wants{Asks: true, Waits: true}
}

func (r *runCmd) scope() audit.Scope {
	return audit.Scope{Tenant: r.Tenant, Provider: r.Provider, Limit: r.Limit}
}

// Run opens the app by itself: a night whose database is away is one that outside watchers are told has failed.
func (r *runCmd) Run(ctx context.Context, s *app.Setup) error {
	if r.Changed || r.DryRun {
		return s.With(ctx, r.wants(), func(a *app.App) error { return r.work(ctx, a, nil) })
	}
	return s.Watched(ctx, r.Key, func(begun func(key string)) error {
		return s.With(ctx, r.wants(), func(a *app.App) error { return r.work(ctx, a, begun) })
	})
}

// work is the command on an app; begun is told the key of the run that is worked on.
func (r *runCmd) work(ctx context.Context, a *app.App, begun func(key string)) error {
	if r.Changed || r.DryRun {
		if err := a.CheckKeys(ctx); err != nil {
			return err
		}
	}
	switch {
	case r.Changed:
		return r.changed(ctx, a)
	case r.DryRun:
		return a.DryRun(ctx, r.scope())
	}
	if err := a.MayBegin(ctx); err != nil {
		return err
	}
	// Before the lock: the run that another process works on is the one to join, also once it is concluded.
	var key string
	err := a.Patient(ctx, func(ctx context.Context) (err error) { key, err = r.chooseKey(ctx, a); return err })
	if err != nil {
		return err
	}
	unlock, err := app.LockStore(ctx, a.Store, false)
	if errors.Is(err, app.ErrLocked) {
		a.Log.Warn("another mailaudit works on this database; the run waits for its end. If that is serve, stop it first", "run", key)
		unlock, err = app.LockStore(ctx, a.Store, true)
	}
	if err != nil {
		return err
	}
	defer unlock()
	begun(key)
	return r.night(ctx, a, key)
}

func (r *runCmd) night(ctx context.Context, a *app.App, key string) error {
	if run, err := a.Store.LoadRun(ctx, key); err == nil && run.Status == audit.RunConcluded {
		fmt.Fprintf(a.Env.Stdout, "run %s is %s already; it is not repeated\n", key, app.DescribeRun(run))
	} else if err := a.Patient(ctx, func(ctx context.Context) error { return r.begin(ctx, a, key) }); err != nil {
		return err
	}
	n, err := a.NewWorker()
	if err != nil {
		return err
	}
	defer n.HandOver(ctx)
	stopProgress := a.ShowProgress(ctx, key)
	defer stopProgress()
	var until time.Time
	err = n.Work(ctx, func(ctx context.Context) (bool, error) {
		run, err := a.Store.LoadRun(ctx, key)
		if err != nil {
			return false, err
		}
		if run.Open() {
			err := n.GivenUp(run)
			return err != nil, err
		}
		stopProgress()
		if until.IsZero() {
			until = time.Now().Add(a.Config.DeliverWithin)
		}
		return n.Waited(ctx, until)
	})
	if ctx.Err() == nil && errors.Is(err, app.ErrStuck) {
		n.GaveUp(ctx, key, err)
	}
	if ctx.Err() != nil || errors.Is(err, app.ErrStuck) {
		return errors.Join(err, a.Store.Interrupt(context.WithoutCancel(ctx), key))
	}
	if err == nil {
		err = cmp.Or(n.Undelivered(ctx), n.Publisher.Files.Last())
	}
	if err != nil {
		return err
	}
	return r.outcome(ctx, a, key)
}

// begin starts the run, joins it, or has it go on after a guard has stopped it.
func (r *runCmd) begin(ctx context.Context, a *app.App, key string) error {
	if err := a.ExpireOlder(ctx, key); err != nil {
		return err
	}
	run, _, err := a.Auditor.Night.Begin(ctx, key, r.scope())
	if err != nil {
		return err
	}
	if run.Status == audit.RunStopped {
		if err := a.Auditor.Night.Resume(ctx, run); err != nil {
			return err
		}
	}
	if r.AcceptSource {
		return a.Auditor.Operate.AcceptSourceBy(ctx, key, r.who(a.Env), r.Why)
	}
	return nil
}

// outcome is the code of a concluded run, the same however often it is started.
func (r *runCmd) outcome(ctx context.Context, a *app.App, key string) error {
	run, err := a.Store.LoadRun(ctx, key)
	if err != nil {
		return err
	}
	if run.Status == audit.RunStopped {
		return fmt.Errorf("run %s was stopped: %s", key, run.StopReason)
	}
	if late, err := a.LateMails(ctx); err != nil || late > 0 {
		return errors.Join(err, a.LateError(ctx, late))
	}
	if a.Publishes() {
		fmt.Fprintf(a.Env.Stdout, "run %s: %s\n", key, app.DescribeRun(run))
	}
	if !r.ExitCode {
		return nil
	}
	return a.HeldError(ctx, run)
}

// chooseKey is the run that is to be worked on: the named one, else an unfinished one that is younger than
// the window, else the night's date.
func (r *runCmd) chooseKey(ctx context.Context, a *app.App) (string, error) {
	if r.Key != "" {
		return r.Key, nil
	}
	if r.AcceptSource {
		latest, err := a.Store.ListRuns(ctx, 1, false)
		if err != nil {
			return "", err
		}
		if len(latest) == 1 && latest[0].Status == audit.RunStopped {
			return latest[0].Key, nil
		}
	}
	now := a.Now()
	open, err := a.Store.ListRuns(ctx, 1, true)
	if err != nil {
		return "", err
	}
	if len(open) == 1 && now.Sub(open[0].StartedAt) < a.Config.Window {
		return open[0].Key, nil
	}
	return app.NightKey(now, a.Config.Window, a.Config.TimeZone), nil
}
