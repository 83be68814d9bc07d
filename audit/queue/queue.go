// Package queue runs the night's steps as jobs of River, over one process or many. The jobs carry no state:
// what is there to be done is read from the run itself, and a job that was lost is put in again. So the
// queue's own housekeeping, a crash, or a queue that was emptied by hand costs time and nothing else.
package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"

	"mailaudit/audit"
)

// Steps is the work itself. Each step may be called again after it was cut off. more tells that it used up
// its turn and wants to go on.
type Steps interface {
	Plan(ctx context.Context, key string) (more bool, err error)
	Verify(ctx context.Context, key string, batch int) (more bool, err error)
	Conclude(ctx context.Context, key string) (more bool, err error)
	Recheck(ctx context.Context, notice int64) error
	Notify(ctx context.Context, notice int64) error
	Post(ctx context.Context, key string) error
}

// Options set an engine up.
type Options struct {
	Steps Steps
	// Agenda lists what is there to be done now. With an error it lists what it knows of.
	Agenda func(ctx context.Context) ([]audit.Task, error)
	// Providers have a queue each, so that one which is down does not hold up the others.
	Providers []string
	// Every is how often the agenda is read.
	Every time.Duration
	// Conversation is how long the longest conversation with a provider may take.
	Conversation time.Duration
	// Schema holds River's tables; "" is where the database looks by itself.
	Schema string
	// PollOnly: the database is asked for jobs every so often instead of telling of them. So it must be behind
	// a pooler that shares sessions.
	PollOnly bool
	Log      *slog.Logger

	// Failed is told of a job that failed, and how often in a row with the same error, numbers aside, in whichever
	// process; Done of one that did not. They must not block. Either may be nil.
	Failed func(t audit.Task, inARow int, err error)
	Done   func(t audit.Task)
}

// Engine works on the jobs of one database. TTx is the driver's transaction type.
type Engine[TTx any] struct {
	client *river.Client[TTx]
	opts   Options
	put    *put
	wake   chan struct{}
	spare  *slog.Logger // for what may fail at every look
	unread agendaWatch
	done   chan struct{}
	stop   context.CancelFunc
}

const (
	houseQueue   = "house"   // planning, concluding
	recheckQueue = "recheck" // accounts of notices: a provider that hangs must not hold up the mails of others
	mailQueue    = "mail"    // notices and summaries

	// A step hands back after 45 s, a batch after 20 s and the longest conversation; what goes on for longer
	// than jobTimeout hangs, and what a killed process left is taken over after rescueAfter.
	leastTimeout = 60 * time.Second
	rescueLater  = 15 * time.Second
	// maxAttempts is never reached: work that fails is put in again as long as its run is open.
	maxAttempts = 1000
	// batchWorkers per provider and process overlap the end of one batch with the start of the next.
	batchWorkers   = 2
	recheckWorkers = 4
)

// Migrate brings River's own tables in the schema up to date.
func Migrate[TTx any](ctx context.Context, driver riverdriver.Driver[TTx], schema string, log *slog.Logger) error {
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Schema: schema, Logger: quiet(log)})
	if err != nil {
		return fmt.Errorf("prepare the queue's tables: %w", err)
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("migrate the queue's tables: %w", err)
	}
	return nil
}

// ErrNotMigrated: River's tables are missing or old.
var ErrNotMigrated = errors.New("the queue's tables are not up to date: run mailaudit migrate")

// CheckTables returns ErrNotMigrated unless River's tables in the schema are up to date.
func CheckTables[TTx any](ctx context.Context, driver riverdriver.Driver[TTx], schema string, log *slog.Logger) error {
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Schema: schema, Logger: quiet(log)})
	if err != nil {
		return fmt.Errorf("check the queue's tables: %w", err)
	}
	checked, err := migrator.Validate(ctx, nil)
	if err != nil {
		return fmt.Errorf("check the queue's tables: %w", err)
	}
	if !checked.OK {
		return ErrNotMigrated
	}
	return nil
}

// New makes an engine that is not started yet.
func New[TTx any](driver riverdriver.Driver[TTx], opts Options) (*Engine[TTx], error) {
	queues := map[string]river.QueueConfig{
		houseQueue:   {MaxWorkers: 1},
		recheckQueue: {MaxWorkers: recheckWorkers},
		mailQueue:    {MaxWorkers: 1},
	}
	for _, p := range opts.Providers {
		queues[providerQueue(p)] = river.QueueConfig{MaxWorkers: batchWorkers}
	}
	e := &Engine[TTx]{opts: opts, put: &put{until: map[work]time.Time{}}, wake: make(chan struct{}, 1), spare: sparingly(opts.Log)}
	workers := river.NewWorkers()
	river.AddWorker(workers, &planWorker{steps: opts.Steps, ended: e.ended})
	river.AddWorker(workers, &verifyWorker{steps: opts.Steps, ended: e.ended})
	river.AddWorker(workers, &concludeWorker{steps: opts.Steps, ended: e.ended})
	river.AddWorker(workers, &recheckWorker{steps: opts.Steps, ended: e.ended})
	river.AddWorker(workers, &notifyWorker{steps: opts.Steps, ended: e.ended})
	river.AddWorker(workers, &postWorker{steps: opts.Steps, ended: e.ended})
	jobTimeout := max(leastTimeout, opts.Conversation+30*time.Second)
	client, err := river.NewClient(driver, &river.Config{
		Queues:               queues,
		Workers:              workers,
		FetchCooldown:        min(opts.Every, 100*time.Millisecond),
		FetchPollInterval:    pollEvery(opts),
		JobTimeout:           jobTimeout,
		RescueStuckJobsAfter: jobTimeout + rescueLater,
		MaxAttempts:          maxAttempts,
		RetryPolicy:          backoff{},
		Schema:               opts.Schema,
		PollOnly:             opts.PollOnly,
		ErrorHandler:         &failures{log: opts.Log},
		Middleware:           []rivertype.Middleware{river.WorkerMiddlewareFunc(e.watch)},
		Logger:               quiet(opts.Log),
	})
	if err != nil {
		return nil, fmt.Errorf("prepare the queue: %w", err)
	}
	e.client = client
	return e, nil
}

// Start begins to work. It goes on until Stop; ctx ends only the values that jobs may need.
func (e *Engine[TTx]) Start(ctx context.Context) error {
	base := context.WithoutCancel(ctx)
	if err := e.client.Start(base); err != nil {
		return fmt.Errorf("start the queue: %w", err)
	}
	keep, stop := context.WithCancel(base)
	e.stop, e.done = stop, make(chan struct{})
	go e.keepAgenda(keep)
	return nil
}

// Stop lets running jobs end until ctx ends, then cancels them and waits.
func (e *Engine[TTx]) Stop(ctx context.Context) error {
	if e.stop == nil {
		return nil
	}
	e.stop()
	<-e.done
	if err := e.client.Stop(ctx); err == nil {
		return nil
	}
	if err := e.client.StopAndCancel(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("stop the queue: %w", err)
	}
	return nil
}

// Wake has the agenda read at once.
func (e *Engine[TTx]) Wake() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

func (e *Engine[TTx]) keepAgenda(ctx context.Context) {
	defer close(e.done)
	tick := time.NewTicker(e.opts.Every)
	defer tick.Stop()
	for {
		err := e.putIn(ctx)
		if err != nil && ctx.Err() == nil {
			e.spare.Error("agenda not read", "err", err)
		}
		e.watchAgenda(ctx, err)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-e.wake:
		}
	}
}

// pollEvery is how often each queue is looked at without being told of a job. Where nobody tells, that is all
// there is; else it is for jobs that come back by themselves.
func pollEvery(opts Options) time.Duration {
	if opts.PollOnly {
		return opts.Every
	}
	return max(opts.Every, time.Second)
}

// putIn adds a job for each task that has none. River's uniqueness sees to the latter.
func (e *Engine[TTx]) putIn(ctx context.Context) error {
	tasks, unread := e.opts.Agenda(ctx)
	now := time.Now()
	if tasks = e.put.missing(tasks, now); len(tasks) == 0 {
		return unread
	}
	params := make([]river.InsertManyParams, len(tasks))
	for i, t := range tasks {
		params[i] = insertion(t)
	}
	results, err := e.client.InsertMany(ctx, params)
	if err != nil {
		e.put.forget(tasks...)
		return errors.Join(unread, err)
	}
	for i, r := range results {
		if r.UniqueSkippedAsDuplicate {
			e.put.found(tasks[i], now)
		}
	}
	return unread
}

// ended has the agenda read at once: what comes next is mostly there already.
func (e *Engine[TTx]) ended(t audit.Task) {
	e.put.forget(t)
	e.Wake()
}

func providerQueue(provider string) string { return "verify_" + provider }

func insertion(t audit.Task) river.InsertManyParams {
	opts := &river.InsertOpts{
		MaxAttempts: maxAttempts,
		Queue:       houseQueue,
		Priority:    2,
		UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
			rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning,
			rivertype.JobStateRetryable, rivertype.JobStateScheduled,
		}},
	}
	switch t.Kind {
	case audit.TaskPlan:
		return river.InsertManyParams{Args: planArgs{Run: t.RunKey}, InsertOpts: opts}
	case audit.TaskVerify:
		opts.Queue = providerQueue(t.Provider)
		if t.Doubtful {
			opts.Priority = 1
		}
		return river.InsertManyParams{Args: verifyArgs{Run: t.RunKey, Batch: t.Batch}, InsertOpts: opts}
	case audit.TaskConclude:
		return river.InsertManyParams{Args: concludeArgs{Run: t.RunKey}, InsertOpts: opts}
	case audit.TaskRecheck:
		opts.Queue = recheckQueue
		return river.InsertManyParams{Args: recheckArgs{Notice: t.Notice}, InsertOpts: opts}
	case audit.TaskNotify:
		opts.Queue = mailQueue
		return river.InsertManyParams{Args: notifyArgs{Notice: t.Notice}, InsertOpts: opts}
	case audit.TaskPost:
		opts.Queue = mailQueue
		opts.Priority = 1
		return river.InsertManyParams{Args: postArgs{Run: t.RunKey}, InsertOpts: opts}
	}
	panic("queue: no job for task " + string(t.Kind))
}
