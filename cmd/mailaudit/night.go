package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/queue"
	"mailaudit/providers/catalog"
	"mailaudit/report/notice"
)

// night works on the store's jobs: runs, notices, summaries.
type night struct {
	*app
	engine    engine
	publisher *publisher
	meters    *meters
	desk      *notice.Desk // nil without a relay
	draining  chan struct{}
	closeDesk func() error
	// onlyOwed: no run is worked on, only mails and summaries.
	onlyOwed bool
	trouble  troubles
	mailing  inHand
	failing  failing
	alarms   alarms

	beatMu audit.Lock
	beaten time.Time
}

const (
	lookEvery   = 200 * time.Millisecond // how often the agenda and the run are looked at
	drainWithin = 25 * time.Second       // how long dialogues may go on after a signal
	// awayAtMost is how long the database may be away, or full, before a night that waits for it is left to the
	// next start: longer than a restart takes, or a move to another machine.
	awayAtMost = 5 * time.Minute
)

func (a *app) newNight() (*night, error) {
	poster, err := a.slack()
	if err != nil {
		return nil, err
	}
	n := &night{app: a, draining: make(chan struct{}), publisher: &publisher{app: a, slack: poster, stdout: a.around.stdout}}
	if n.desk, n.closeDesk, err = a.desk(); err != nil {
		return nil, err
	}
	n.meters = newMeters()
	a.auditor.Ask = n.meters.counting(a.auditor.Ask)
	a.auditor.Draining = n.draining
	names := make([]string, 0, len(catalog.All()))
	for _, p := range catalog.All() {
		names = append(names, p.Name)
	}
	n.engine, err = a.store.newEngine(queue.Options{
		Steps: n, Agenda: n.agenda, Providers: names, Every: a.around.look(), Log: a.log,
		Conversation: a.config.Network.Timeout,
		Failed:       n.failed,
		Done:         n.succeeded,
	})
	return n, err
}

// agenda lists what is there to be done: the next steps of the oldest unfinished run, and of later ones where it is
// passed, summaries that are owed, and mails whose hour has come. What cannot be read keeps nothing else waiting: the
// rest is given with the error.
func (n *night) agenda(ctx context.Context) ([]audit.Task, error) {
	failed := n.beat(ctx)
	runs, err := n.store.UndoneRuns(ctx, runsLookedAt)
	if err != nil {
		return nil, err
	}
	var tasks []audit.Task
	for _, r := range runs {
		if r.Open() {
			continue
		}
		owed, err := n.auditor.RunTasks(ctx, r)
		failed = errors.Join(failed, err)
		tasks = append(tasks, owed...)
	}
	if !n.onlyOwed {
		next, err := n.openTasks(ctx)
		failed = errors.Join(failed, err)
		tasks = append(tasks, next...)
	}
	if n.desk == nil {
		return tasks, failed
	}
	mails, err := n.auditor.DueNotices(ctx, n.caps())
	return append(tasks, mails...), errors.Join(failed, err)
}

// openTasks are the next steps of the open runs, oldest first. No run waits behind one that is stuck.
func (n *night) openTasks(ctx context.Context) (tasks []audit.Task, failed error) {
	open, err := n.store.ListRuns(ctx, runsLookedAt, true)
	if err != nil {
		return nil, err
	}
	for _, r := range slices.Backward(open) {
		next, err := n.auditor.RunTasks(ctx, r)
		failed = errors.Join(failed, err)
		tasks = append(tasks, next...)
		if err == nil && !n.passed(r) {
			break
		}
	}
	return tasks, failed
}

// beat says every so often that this process works on the open runs, also while nothing is to be done but
// wait, and takes over what dead processes left.
func (n *night) beat(ctx context.Context) error {
	if err := n.beatMu.Lock(ctx); err != nil {
		return err
	}
	defer n.beatMu.Unlock()
	if n.onlyOwed || time.Since(n.beaten) < beatEvery {
		return nil
	}
	n.beaten = time.Now()
	open, err := n.store.ListRuns(ctx, runsLookedAt, true)
	if err != nil {
		return err
	}
	var failed error
	for _, run := range open {
		failed = errors.Join(failed, n.store.Beat(ctx, run.Key, n.now()))
	}
	_, err = n.store.ReclaimNotices(ctx, n.now().Add(-unsentAfter))
	return errors.Join(failed, err)
}

// runsLookedAt bounds how far back a start looks for what is owed.
const runsLookedAt = 30

func (n *night) Plan(ctx context.Context, key string) (bool, error) { return n.auditor.Plan(ctx, key) }
func (n *night) Verify(ctx context.Context, key string, batch int) (bool, error) {
	return n.auditor.Verify(ctx, key, batch)
}
func (n *night) Conclude(ctx context.Context, key string) (bool, error) {
	return n.auditor.Conclude(ctx, key)
}

func (n *night) Post(ctx context.Context, key string) error {
	err := n.trouble.note("summary", n.meters.failed(n.publisher.Post(ctx, key)))
	if err == nil {
		n.publisher.discardOld(ctx)
	}
	return err
}

// Recheck renews the evidence of a notice that may leave now and whose refusal is too old. What has nothing to be asked
// any more, since its accounts work again or have changed, is the desk's to suppress.
func (n *night) Recheck(ctx context.Context, id int64) error {
	if n.desk == nil {
		return nil
	}
	may, err := n.auditor.MayMail(ctx, n.caps(), id)
	if err != nil || !may {
		return err
	}
	queued, err := n.store.LoadNotice(ctx, id)
	if err != nil || queued.State != audit.NoticeQueued {
		return err
	}
	stale, err := n.desk.Stale(ctx, queued)
	if b, _ := n.store.Blame(err); b == audit.BlameRow {
		return n.Notify(ctx, id) // the desk sets it aside
	}
	if err != nil {
		return err
	}
	if len(stale) == 0 {
		return n.Notify(ctx, id)
	}
	return n.auditor.Recheck(ctx, queued, stale)
}

func (n *night) Notify(ctx context.Context, id int64) error {
	if n.desk == nil {
		return nil
	}
	n.mailing.begun.Add(1)
	defer n.mailing.ended.Add(1)
	may, err := n.auditor.MayMail(ctx, n.caps(), id)
	if err != nil || !may {
		return err
	}
	return n.trouble.note("mail", n.meters.failed(n.desk.Notify(ctx, id)))
}

// work runs the engine until done says so or ctx ends. A signal lets dialogues end and hands the rest back.
// An error of done, which reads the database, is waited out: jobs that met the same are tried again.
func (n *night) work(ctx context.Context, done func(context.Context) (bool, error)) (err error) {
	if err := n.store.recover(ctx, n.now()); err != nil {
		if b, _ := n.store.Blame(err); b != audit.BlameRow {
			return err
		}
		n.log.Error("not all that a former process left is taken over", "err", err)
	}
	if err := n.engine.Start(ctx); err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, n.stop(ctx), n.closeDesk())
	}()
	tick := time.NewTicker(n.around.look())
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
			n.log.Warn("the database does not answer; the night waits for it", "at_most", awayAtMost.String(), "err", err)
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

func (n *night) stop(ctx context.Context) error {
	close(n.draining)
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainWithin)
	defer cancel()
	defer n.alarms.under.Wait()
	return n.engine.Stop(grace)
}
