package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"mailaudit/audit"
	"mailaudit/report"
)

// underWay counts the mails that this process has begun and ended to hand over. What becomes of one in between is
// open: it is neither queued nor settled.
type underWay struct {
	begun, ended atomic.Int64

	mu  sync.Mutex
	now map[int64]bool // the notices in hand
}

func (u *underWay) begin(id int64) (end func()) {
	u.begun.Add(1)
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.now == nil {
		u.now = map[int64]bool{}
	}
	u.now[id] = true
	return func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		delete(u.now, id)
		u.ended.Add(1)
	}
}

func (u *underWay) ids() []int64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Collect(maps.Keys(u.now))
}

// debt is what is due and not delivered.
type debt struct {
	summaries, mails int
	sending          int // of mails: begun and not settled, by whichever process
	putOff           int // of mails
	rechecks         int // mails that are re-checked first: they are waited for, and not owed
	inHand           bool
	// later is when the first of the mails is tried again, where none of what is owed can be tried now.
	later time.Time
}

func (d debt) none() bool { return d.summaries+d.mails == 0 && !d.inHand }

// settled tells that there is nothing to wait for either.
func (d debt) settled() bool { return d.none() && d.rechecks == 0 }

// owed tells what is due now and not delivered yet. A mail that a passing refusal has put off was due.
func (n *Worker) owed(ctx context.Context) (d debt, err error) {
	ended := n.mailing.ended.Load()
	// What is put off is read first: what becomes due between the two looks is in both, and not in none.
	var putOff []audit.Notice
	if n.dispatcher != nil {
		if putOff, err = n.Auditor.Outbox.Deferred(ctx, n.Caps()); err != nil {
			return d, err
		}
	}
	tasks, err := n.agenda(ctx)
	if err != nil {
		return d, err
	}
	for _, t := range tasks {
		switch t.Kind {
		case audit.TaskPost:
			d.summaries++
		case audit.TaskRecheck:
			d.rechecks++
		case audit.TaskNotify:
			d.mails++
		}
	}
	if n.dispatcher == nil {
		return d, nil
	}
	// A mail that is being sent is owed, whoever left it: nobody knows what becomes of it.
	sending, err := n.Store.ListNotices(ctx, "", audit.NoticeSending, RunsLookedAt)
	if err != nil {
		return d, err
	}
	d.sending = len(sending)
	d.mails += d.sending
	// Whatever was begun until now had ended before the first look.
	d.inHand = n.mailing.begun.Load() != ended
	if len(putOff) > 0 && d.settled() {
		d.later = putOff[0].DueAt
	}
	d.putOff = len(putOff)
	d.mails += d.putOff
	return d, nil
}

// Waited reports whether to wait for deliveries no longer: nothing is owed, or no more will come of it until then.
func (n *Worker) Waited(ctx context.Context, until time.Time) (bool, error) {
	d, err := n.owed(ctx)
	n.settled = err == nil && d.settled()
	if err != nil || n.settled {
		return err == nil, err
	}
	left := time.Until(until)
	return left < 0 || d.later.Sub(n.Now()) > left, nil
}

// Deliver waits until nothing is owed, at most for deliver_within.
func (n *Worker) Deliver(ctx context.Context) error {
	until := time.Now().Add(n.Config.DeliverWithin)
	err := n.Work(ctx, func(ctx context.Context) (bool, error) { return n.Waited(ctx, until) })
	if err != nil {
		return err
	}
	return n.Undelivered(ctx)
}

// Undelivered is the error where something is still owed after all has been waited for. What has become due since nothing
// was is the next start's.
func (n *Worker) Undelivered(ctx context.Context) error {
	if n.settled {
		return nil
	}
	d, err := n.owed(ctx)
	if err != nil || d.none() {
		return err
	}
	text := fmt.Sprintf("not delivered within %v: %s, %s; the next run, deliver or serve sends them", n.Config.DeliverWithin,
		report.Number(d.summaries, "summary", "summaries"), report.Number(d.mails, "mail", "mails"))
	if waiting := n.behindSummary(ctx, d); waiting > 0 {
		text += fmt.Sprintf("; %s for the summary, at most 12 hours after the run", report.Number(waiting, "more mail waits", "more mails wait"))
	}
	if cause := n.trouble.Last(); cause != nil {
		return fmt.Errorf("%s: %w", text, cause)
	}
	if d.sending > 0 {
		text += fmt.Sprintf("; %s being sent by a process that is gone or at work", report.Number(d.sending, "mail is", "mails are"))
	}
	if d.putOff > 0 {
		text += fmt.Sprintf(": the relay has put %d off; mailaudit notices list --state queued shows its words", d.putOff)
	}
	return errors.New(text)
}

// behindSummary counts the mails whose hour has come and that wait until operations have the summary.
func (n *Worker) behindSummary(ctx context.Context, d debt) (waiting int) {
	if d.summaries == 0 || n.dispatcher == nil {
		return 0
	}
	queued, err := n.Store.ListNotices(ctx, "", audit.NoticeQueued, behindAtMost)
	if err != nil {
		return 0 // the error at hand says more
	}
	now := n.Now()
	for _, q := range queued {
		if q.RunKey != "" && !q.DueAt.After(now) {
			waiting++
		}
	}
	return max(0, waiting-(d.mails-d.sending))
}

// behindAtMost bounds one look into the outbox.
const behindAtMost = 1000
