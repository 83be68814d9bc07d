package audit

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"mailaudit/providers"
)

// Target is where and by whose rules an account is asked.
type Target struct {
	Provider *providers.Provider
	Brand    *providers.Brand
	Endpoint providers.Endpoint
	Foreign  bool // the customer stored a host that is no provider's own
}

// Fingerprints recognise secrets and logins again without keeping them.
type Fingerprints interface {
	Secret(providers.Secret) string
	Login(string) string
}

// Ledger is what the night writes.
type Ledger interface {
	Blaming
	Runs
	States
	Attempts
	Outbox
	Guarding
	Forgetting
	Paces
}

// Auditor holds the steps of a night. Each step may be cut off at any moment and begun again, here or in
// another process: what it has stored it does not do twice.
type Auditor struct {
	Accounts Accounts
	Ledger   Ledger

	// Resolve finds an account's provider; its error means that nothing can be said tonight.
	Resolve func(ctx context.Context, a Account) (Target, error)
	// Open opens a sealed secret.
	Open         func(accountID string, sealed []byte) (providers.Secret, error)
	Fingerprints Fingerprints
	// Seal seals a secret; Grants stores a sealed refresh token, and is nil where the source is read only.
	Seal   func(accountID string, s providers.Secret) ([]byte, error)
	Grants Grants
	// Client is the OAuth client that serves a provider's brand; false where none is configured. May be nil.
	Client func(p *providers.Provider, b *providers.Brand) (providers.Client, bool)
	// Ask holds one conversation, at the pace that the provider bears.
	Ask func(ctx context.Context, provider string, a providers.Attempt) providers.Conversation
	// Pacing remembers that pace from one night to the next. May be nil.
	Pacing Pacing

	// Clocks are others' clocks that this machine's is compared with before a night.
	Clocks []Clock

	Policy Policy
	Now    func() time.Time
	Log    *slog.Logger
	// Draining, once closed, ends the asking: accounts under way get their word, the rest waits for the next
	// start. May be nil.
	Draining <-chan struct{}
	// Title is a provider's name for people, by its key. May be nil.
	Title func(provider string) string
	// Observe is told of each result; it must not block. May be nil.
	Observe func(Result)

	hosts     keyed[string, hostCount]
	known     runTwins
	paces     paceMemory
	away      awayMemory
	controls  keyed[door, control]
	rechecked keyed[AttemptKey, sync.Mutex]

	batches batchesAside
}

// New makes an auditor that reads and decides. What asks accounts (Resolve, Open, Fingerprints, Ask and what belongs to
// them) is set by whoever asks.
func New(accounts Accounts, ledger Ledger, policy Policy, now func() time.Time, log *slog.Logger) *Auditor {
	return &Auditor{Accounts: accounts, Ledger: ledger, Policy: policy, Now: now, Log: log}
}

// title is what people read where a provider is named.
func (a *Auditor) title(provider string) string {
	if a.Title == nil {
		return provider
	}
	return a.Title(provider)
}

// Clock is another's clock.
type Clock struct {
	Whose string
	// Skew tells how far this machine's clock is ahead of it.
	Skew func(ctx context.Context) (time.Duration, error)
}

// Policy is what the operator configured about runs and notices.
type Policy struct {
	Window         time.Duration
	RetryAfter     time.Duration
	Attempts       AttemptLimit
	AttemptZone    *time.Location // whose calendar days count
	MaxConcurrency map[string]int // by provider: how many accounts of a batch may be under way

	Installation   string         // the name of this installation
	RecheckRefused time.Duration  // how long a refused secret is left alone
	MaxRefusals    map[string]int // by provider: a host and night; 0 is no limit
	Guard          GuardLimits
	Canaries       map[string]Canaries // by provider
	OAuthClients   []ClientExpiry
	Changes        []providers.Change // announced ends of ways of signing in

	Mode    Mode
	Cadence Cadence
	Hours   Hours
	Zone    *time.Location // of tenants that have none
	Only    Only
}

// Mode is notices.mode.
type Mode string

const (
	ModeShadow Mode = "shadow"
	ModeLive   Mode = "live"
	ModeOff    Mode = "off"
)

// Only narrows the notices to a pilot. Empty lists narrow nothing.
type Only struct {
	Tenants   []string
	Providers []string
	Verdicts  []Verdict
}

// Covers tells whether the notice is within the pilot.
func (o Only) Covers(n Notice) bool {
	if len(o.Tenants) > 0 && !slices.Contains(o.Tenants, n.TenantID) {
		return false
	}
	if len(o.Providers) > 0 && !slices.Contains(o.Providers, n.Provider) {
		return false
	}
	return len(o.Verdicts) == 0 || slices.ContainsFunc(n.Items, func(i NoticeItem) bool {
		return slices.Contains(o.Verdicts, i.Verdict)
	})
}

// Begin starts the run that r names, or joins it if it exists.
func (a *Auditor) Begin(ctx context.Context, key string, scope Scope) (Run, bool, error) {
	now := a.Now()
	run, created, err := a.Ledger.StartRun(ctx, Run{Key: key, Scope: scope, StartedAt: now, Deadline: now.Add(a.Policy.Window)})
	if err != nil {
		return run, false, err
	}
	if created {
		a.Log.Info("run started", "run", key)
	}
	return run, created, nil
}

// Task is one piece of work that is there to be done now.
type Task struct {
	Kind     TaskKind
	RunKey   string
	Batch    int
	Provider string // of a batch
	Doubtful bool
	Notice   int64
}

// TaskKind names the jobs of a night.
type TaskKind string

const (
	TaskPlan     TaskKind = "plan_run"
	TaskVerify   TaskKind = "verify_batch"
	TaskConclude TaskKind = "conclude_run"
	TaskRecheck  TaskKind = "recheck_notice" // before a notice is sent whose refusal is old
	TaskNotify   TaskKind = "send_notice"
	TaskPost     TaskKind = "post_summary"
)

// batchesAhead is how many batches of a provider are queued at a time, so that a million accounts do not
// become a million rows of jobs at once.
const batchesAhead = 20

// RunTasks lists what a run needs next. It reads the run's own state, so that work which a crash or the
// queue's housekeeping lost is found again.
func (a *Auditor) RunTasks(ctx context.Context, run Run) ([]Task, error) {
	if !run.Open() {
		if run.PostedAt.IsZero() {
			return []Task{{Kind: TaskPost, RunKey: run.Key}}, nil
		}
		return nil, nil
	}
	now := a.Now()
	if run.Phase == PhaseConcluding || !now.Before(run.Deadline) {
		return []Task{{Kind: TaskConclude, RunKey: run.Key}}, nil
	}
	if run.Phase == PhasePlanning {
		return []Task{{Kind: TaskPlan, RunKey: run.Key}}, nil
	}
	due, open, err := a.nextBatches(ctx, run, now)
	if err != nil {
		return nil, err
	}
	if ready, err := a.preflighted(ctx, run.Key); err != nil || !ready {
		return []Task{{Kind: TaskPlan, RunKey: run.Key}}, err
	}
	if !open {
		return []Task{{Kind: TaskConclude, RunKey: run.Key}}, nil
	}
	tasks := make([]Task, len(due))
	for i, b := range due {
		tasks[i] = Task{Kind: TaskVerify, RunKey: run.Key, Batch: b.N, Provider: b.Provider, Doubtful: b.Doubtful}
	}
	return tasks, nil
}

// nextBatches are those that can be worked on now. open reports whether any is not closed yet, due or not.
func (a *Auditor) nextBatches(ctx context.Context, run Run, now time.Time) (due []Batch, open bool, err error) {
	due, open, err = a.Ledger.NextBatches(ctx, run.Key, now, batchesAhead)
	if err != nil || !a.batches.any(run.Key) {
		return due, open, err
	}
	all, err := a.Ledger.OpenBatches(ctx, run.Key)
	return a.batches.left(run.Key, due), len(a.batches.left(run.Key, all)) > 0, err
}
