package app

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/persist"
	"mailaudit/audit/postgres"
	"mailaudit/audit/queue"
	"mailaudit/providers/catalog"
	"mailaudit/report/notice"
)

// Worker works on the store's jobs: runs, notices, summaries.
type Worker struct {
	*App
	engine          Engine
	Publisher       *Publisher
	meters          *Metrics
	dispatcher      *notice.Dispatcher // nil without a relay
	draining        chan struct{}
	closeDispatcher func() error
	// OnlyOwed: no run is worked on, only mails and summaries.
	OnlyOwed bool
	trouble  troubles
	mailing  underWay
	failing  failing
	alarms   alarms

	started time.Time // when it began to work
	met     sync.Map  // runs for which the columns of the source were read
	settled bool      // when it was last looked, nothing was owed

	beatMu  audit.Lock
	beaten  time.Time
	claimed time.Time // when the claims of this process were last renewed
}

const (
	lookEvery   = 200 * time.Millisecond // how often the agenda and the run are looked at
	drainWithin = 25 * time.Second       // how long dialogues may go on after a signal
	awayAtMost  = persist.AwayAtMost     // how long a night waits for its database before it is left to the next start
)

// NewWorker makes the worker of one process: its engine, publisher, meters and, where a relay is configured, its dispatcher.
func (a *App) NewWorker() (*Worker, error) {
	poster, err := a.Slack()
	if err != nil {
		return nil, err
	}
	if _, err := a.Signer(); err != nil {
		return nil, err
	}
	n := &Worker{App: a, draining: make(chan struct{}), Publisher: &Publisher{App: a, slack: poster, Stdout: a.Env.Stdout}}
	if n.dispatcher, n.closeDispatcher, err = a.dispatcher(); err != nil {
		return nil, err
	}
	n.meters = NewMetrics()
	a.Auditor.Ask.Converse = n.meters.counting(a.Auditor.Ask.Converse)
	a.Auditor.Night.Draining = n.draining
	if a.Heard != nil {
		a.Heard.Ending = n.draining
	}
	names := make([]string, 0, len(catalog.All()))
	for _, p := range catalog.All() {
		names = append(names, p.Name)
	}
	n.engine, err = a.Store.NewEngine(queue.Options{
		Steps: n, Agenda: n.lookAround, Providers: names, Every: a.Env.look(), Log: a.patientLog,
		Conversation: a.Config.Network.Timeout,
		Failed:       n.failed,
		Done:         n.succeeded,
	})
	return n, err
}

// lookAround is agenda, and sees that the database is back: it has been read and written, and nothing waits to be written.
func (n *Worker) lookAround(ctx context.Context) ([]audit.Task, error) {
	tasks, err := n.agenda(ctx)
	if err == nil && n.Heard.Waiting() == 0 {
		n.away.own.Works()
	}
	return tasks, err
}

// agenda lists what is there to be done: the next steps of the oldest unfinished run, and of later ones where it is
// passed, summaries that are owed, and mails whose hour has come. What cannot be read keeps nothing else waiting: the
// rest is given with the error.
func (n *Worker) agenda(ctx context.Context) ([]audit.Task, error) {
	failed := n.beat(ctx)
	runs, err := n.Store.UndoneRuns(ctx, RunsLookedAt)
	if err != nil {
		return nil, err
	}
	var tasks []audit.Task
	for _, r := range runs {
		if r.Open() {
			continue
		}
		owed, err := n.Auditor.Night.RunTasks(ctx, r)
		failed = errors.Join(failed, err)
		tasks = append(tasks, owed...)
	}
	if !n.OnlyOwed {
		next, err := n.openTasks(ctx)
		failed = errors.Join(failed, err)
		tasks = append(tasks, next...)
	}
	if n.dispatcher == nil {
		return tasks, failed
	}
	mails, err := n.Auditor.Outbox.DueNotices(ctx, n.Caps())
	return append(tasks, mails...), errors.Join(failed, err)
}

// openTasks are the next steps of the open runs, oldest first. No run waits behind one that is stuck.
func (n *Worker) openTasks(ctx context.Context) (tasks []audit.Task, failed error) {
	open, err := n.Store.ListRuns(ctx, RunsLookedAt, true)
	if err != nil {
		return nil, err
	}
	for _, r := range slices.Backward(open) {
		next, err := n.Auditor.Night.RunTasks(ctx, r)
		failed = errors.Join(failed, err)
		tasks = append(tasks, next...)
		if err == nil && !n.passed(r) {
			break
		}
	}
	return tasks, failed
}

// beat says every so often that this process works on the open runs and on the mails in its hand, also while nothing is
// to be done but wait, and takes over the mails that dead processes left.
func (n *Worker) beat(ctx context.Context) error {
	if err := n.beatMu.Lock(ctx); err != nil {
		return err
	}
	defer n.beatMu.Unlock()
	if err := n.renewClaims(ctx); err != nil {
		return err
	}
	if n.OnlyOwed || time.Since(n.beaten) < beatEvery && !n.away.own.Open() {
		return nil
	}
	n.beaten = time.Now()
	open, err := n.Store.ListRuns(ctx, RunsLookedAt, true)
	if err != nil {
		return err
	}
	var failed error
	for _, run := range open {
		failed = errors.Join(failed, n.Store.Beat(ctx, run.Key, n.Now()))
	}
	return failed
}

// renewClaims keeps the mails that this process is sending, and queues those again whose process is gone.
func (n *Worker) renewClaims(ctx context.Context) error {
	if n.dispatcher == nil || time.Since(n.claimed) < claimEvery {
		return nil
	}
	n.claimed = time.Now()
	if ids := n.mailing.ids(); len(ids) > 0 {
		if err := n.Store.KeepClaims(ctx, ids, n.Now()); err != nil {
			return err
		}
	}
	return n.Store.Reclaim(ctx, n.Now())
}

// RunsLookedAt bounds how far back a start looks for what is owed.
const RunsLookedAt = 30

// meets has the columns of the accounts' relation read anew once for each run. A source that is away is met at the next step.
func (n *Worker) meets(ctx context.Context, key string) error {
	if _, met := n.met.Load(key); met {
		return nil
	}
	err := SourceAnew(ctx, n.Source)
	if err == nil {
		n.met.Store(key, true)
	}
	if errors.As(err, new(*postgres.RelationError)) {
		return err
	}
	return nil
}

func (n *Worker) Plan(ctx context.Context, key string) (bool, error) {
	if err := n.meets(ctx, key); err != nil {
		return false, err
	}
	return n.Auditor.Night.Plan(ctx, key)
}
func (n *Worker) Verify(ctx context.Context, key string, batch int) (bool, error) {
	if err := n.meets(ctx, key); err != nil {
		return false, err
	}
	return n.Auditor.Night.Verify(ctx, key, batch)
}
func (n *Worker) Conclude(ctx context.Context, key string) (bool, error) {
	if err := n.meets(ctx, key); err != nil {
		run, loadErr := n.Store.LoadRun(ctx, key)
		if loadErr != nil || n.Now().Before(run.Deadline) {
			return false, errors.Join(err, loadErr)
		} // after the window the run ends without its source
	}
	return n.Auditor.Night.Conclude(ctx, key)
}

func (n *Worker) Post(ctx context.Context, key string) error {
	err := n.trouble.note("summary", n.meters.failed(n.Publisher.Post(ctx, key)))
	if err == nil {
		n.Publisher.discardOld(ctx)
	}
	return err
}

// Recheck renews the evidence of a notice that may leave now and whose refusal is too old. What has nothing to be asked
// any more, since its accounts work again or have changed, is the dispatcher's to suppress.
func (n *Worker) Recheck(ctx context.Context, id int64) error {
	if n.dispatcher == nil {
		return nil
	}
	may, err := n.Auditor.Outbox.MayMail(ctx, n.Caps(), id)
	if err != nil || !may {
		return err
	}
	queued, err := n.Store.LoadNotice(ctx, id)
	if err != nil || queued.State != audit.NoticeQueued {
		return err
	}
	stale, err := n.dispatcher.Stale(ctx, queued)
	if b, _ := n.Store.Blame(err); b == audit.BlameRow {
		return n.Notify(ctx, id) // the dispatcher sets it aside
	}
	if err != nil {
		return err
	}
	if len(stale) == 0 {
		return n.Notify(ctx, id)
	}
	return n.Auditor.Operate.Recheck(ctx, queued, stale)
}

func (n *Worker) Notify(ctx context.Context, id int64) error {
	if n.dispatcher == nil {
		return nil
	}
	defer n.mailing.begin(id)()
	may, err := n.Auditor.Outbox.MayMail(ctx, n.Caps(), id)
	if err != nil || !may {
		return err
	}
	return n.trouble.note("mail", n.meters.failed(n.dispatcher.Notify(ctx, id)))
}

// Work runs the engine until done says so or ctx ends. A signal lets dialogues end and hands the rest back.
// An error of done, which reads the database, is waited out: jobs that met the same are tried again.
func (n *Worker) Work(ctx context.Context, done func(context.Context) (bool, error)) (err error) {
	n.started = time.Now()
	if err := n.Patient(ctx, func(ctx context.Context) error { return n.Store.RecoverAll(ctx, n.Now()) }); err != nil {
		if b, _ := n.Store.Blame(err); b != audit.BlameRow {
			return err
		}
		n.Log.Error("not all that a former process left is taken over", "err", err)
	}
	if err := n.Patient(ctx, n.engine.Start); err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, n.stop(ctx), n.closeDispatcher())
	}()
	tick := time.NewTicker(n.Env.look())
	defer tick.Stop()
	var away time.Time // since when done gives errors; zero: it does not
	for {
		finished, err := done(ctx)
		switch {
		case finished:
			return err
		case err == nil:
			away = time.Time{}
		case away.IsZero():
			away = time.Now()
			n.patientLog.Warn("the database does not answer; the run waits for it", "at_most", awayAtMost.String(), "err", err)
		case time.Since(away) > awayAtMost:
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

func (n *Worker) stop(ctx context.Context) error {
	close(n.draining)
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainWithin)
	defer cancel()
	defer n.alarms.under.Wait()
	return n.engine.Stop(grace)
}
