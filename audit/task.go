package audit

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
)

const (
	TaskNotify TaskKind = "send_notice"
	TaskPost   TaskKind = "post_summary"
)
