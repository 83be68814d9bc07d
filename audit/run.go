package audit

import "time"

// RunStatus is a run's status as operators see it.
type RunStatus string

const (
	RunRunning    RunStatus = "running"
	RunConcluded  RunStatus = "concluded"
	RunIncomplete RunStatus = "incomplete" // no process works on it; it goes on under the same key
	RunStopped    RunStatus = "stopped"    // a preflight guard ended it before it said anything
)

// Phase is how far a run has come.
type Phase string

const (
	PhasePlanning   Phase = "planning"   // accounts are cut into batches
	PhaseVerifying  Phase = "verifying"  // all batches exist, some are open
	PhaseConcluding Phase = "concluding" // no result is taken any more; findings are settled
	PhaseDone       Phase = "done"
)

// Scope is what a run covers. The zero value covers every account.
type Scope struct {
	Tenant   string `json:"tenant,omitempty"`
	Provider string `json:"provider,omitempty"`
	Limit    int    `json:"limit,omitempty"`
}

// Whole reports whether the run covers every account.
func (s Scope) Whole() bool { return s == Scope{} }

// Run is one night's audit.
type Run struct {
	Key         string
	Seq         int64 // counts runs in the order of their start; orders the history
	Status      RunStatus
	Phase       Phase
	Scope       Scope
	StartedAt   time.Time
	Deadline    time.Time // the window's end
	PlannedTo   string    // the last account id that has its batch, while planning
	Accounts    int       // accounts planned
	FinishedAt  time.Time
	HeartbeatAt time.Time // when a process last worked on it
	StopReason  string
	Numbers     *Numbers // of a concluded run

	// The summary's way to Slack: PostingAt is written before the call, PostedAt after its answer.
	PostingAt time.Time
	PostedAt  time.Time
	PostedRef string // channel and message, where the summary stands
}

// Open reports whether the run still has work to do.
func (r Run) Open() bool { return r.Phase != PhaseDone && r.Status != RunStopped }

// Unsettled reports whether the run's results stand beside the history and not in it yet: it is still asking,
// or was stopped before it asked.
func (r Run) Unsettled() bool { return r.Phase == PhasePlanning || r.Phase == PhaseVerifying }

// Batch is a portion of a run: accounts of one provider that one job verifies.
type Batch struct {
	RunKey   string
	N        int
	Provider string
	Try      int  // 1; 2 for the second try after a passing failure
	Doubtful bool // goes first: accounts whose last answer was not a clear yes, or that go first at hosts that ban
	DueAt    time.Time
	IDs      []string
}

// Covers reports whether a run of the scope asks every account that the notice may name.
func (s Scope) Covers(n Notice) bool {
	return s.Limit == 0 && (s.Tenant == "" || s.Tenant == n.TenantID) && (s.Provider == "" || s.Provider == n.Provider)
}

// NightsApart is how far two runs' starts must lie apart to count as two nights.
const NightsApart = 20 * time.Hour
