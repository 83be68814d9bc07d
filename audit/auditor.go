package audit

const (
	TaskRecheck TaskKind = "recheck_notice" // before a notice is sent whose refusal is old
)
