package audit

import "time"

// EventType is what the product is told of.
type EventType string

const (
	EventFailing   EventType = "account.failing"
	EventRecovered EventType = "account.recovered"
	EventWarned    EventType = "account.warned"
	EventHold      EventType = "hold.opened"
	EventDecided   EventType = "hold.decided"
	EventConcluded EventType = "run.concluded"
)

// EventState is where an event stands.
type EventState string

const (
	EventQueued EventState = "queued"
	EventSent   EventState = "sent"
	EventDead   EventState = "dead" // not taken for three days; a person may replay it
)

// Event is something that the product is told, at least once, under one id. Events of one subject are told in the order in which
// they were written.
type Event struct {
	ID        string
	Type      EventType
	Subject   string // "account/4711", "hold/2026-11-23/google", "run/2026-11-23"
	AccountID string // "" of holds and runs, as the next three
	TenantID  string
	Verdict   Verdict
	Since     time.Time
	Shadow    bool
	Data      string    // JSON: ids and verdicts
	At        time.Time // when it was written

	State     EventState
	Tries     int
	TriedFrom time.Time // since when it is tried: At, or its replay
	DueAt     time.Time
	Detail    string // of the last try, for people
	SettledAt time.Time
}

// KnownFailing is a failing account as the product knows it.
type KnownFailing struct {
	AccountID string
	TenantID  string
	Verdict   Verdict
	Since     time.Time
	Shadow    bool
}

// Warned is an account of a warning that was sent, of which the product is not told yet.
type Warned struct {
	AccountID, TenantID, Provider string
	NoticeID                      int64
	SentAt                        time.Time
}
