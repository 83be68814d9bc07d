package audit

import (
	"slices"
	"strings"
	"time"
)

// NoticeState is where a customer mail stands.
type NoticeState string

const (
	NoticeNone       NoticeState = "none"
	NoticeForming    NoticeState = "forming" // its run is still being concluded
	NoticeQueued     NoticeState = "queued"
	NoticeHeld       NoticeState = "held" // a guard waits for a person
	NoticeSending    NoticeState = "sending"
	NoticeSent       NoticeState = "sent"
	NoticeFailed     NoticeState = "failed"     // the relay refused it for good
	NoticeAmbiguous  NoticeState = "ambiguous"  // the line went dead after the final dot; never sent again by itself
	NoticeShadowed   NoticeState = "shadowed"   // what would have been sent, had notices.mode been live
	NoticeSuppressed NoticeState = "suppressed" // outside the pilot, snoozed, without contact, or overtaken by events
)

// NoticeStates lists what a report counts, in its order.
var NoticeStates = [...]NoticeState{
	NoticeSent, NoticeQueued, NoticeHeld, NoticeFailed, NoticeAmbiguous, NoticeShadowed, NoticeSuppressed,
}

// NoticeKind is why a mail is written.
type NoticeKind string

const (
	KindFinding   NoticeKind = "finding"   // something must be fixed
	KindReminder  NoticeKind = "reminder"  // it still must
	KindRecovered NoticeKind = "recovered" // it works again
	KindAhead     NoticeKind = "ahead"     // it works now, and will not from a known day on

	KindCorrection NoticeKind = "correction" // an earlier mail was wrong
)

// Notice is one mail to one contact of one tenant about the accounts of one provider.
type Notice struct {
	ID           int64  // the number that the mail and the product's screens show, as M-4821
	RunKey       string // the run that wrote it; "" for one that an operator or run --changed had written
	Kind         NoticeKind
	TenantID     string
	ContactEmail string
	Provider     string
	State        NoticeState
	Detail       string // for people: why it is in this state
	DueAt        time.Time
	CreatedAt    time.Time
	SentAt       time.Time
	Tries        int

	// By these the day's caps count the mail; they are set when its state is decided, and are not read back. Domain is ""
	// where strangers share it.
	Recipient, Domain string

	MessageID string
	HoldKey   string // the run whose hold it waits, or waited, in; "" if none
	Thread    int64  // the first notice about these findings; 0 if this is the first

	// Its accounts are to be re-checked before it leaves, see [State.Fresh]: since when it waits for that, zero if it
	// does not, and until when it is not looked at.
	WaitsSince, WaitsUntil time.Time

	Items []NoticeItem
}

func (n Notice) Accounts() []string {
	return IDs(n.Items, func(i NoticeItem) string { return i.AccountID })
}

// NoticeItem is one account in a notice, with the finding as it stood when the notice was written.
type NoticeItem struct {
	AccountID string
	Verdict   Verdict // for KindRecovered: what had been told
	Since     time.Time
	Step      int // the cadence step that this mail is
}

// Line is what mails wait for one another: each has a cap of its own.
type Line string

const (
	LineFindings Line = "findings" // all mails but warnings
	LineAhead    Line = "ahead"    // warnings of announced changes
)

// Line is the one in which mails of the kind wait.
func (k NoticeKind) Line() Line {
	if k == KindAhead {
		return LineAhead
	}
	return LineFindings
}

// TellsFailure reports whether the mail accuses: it leaves on a fresh refusal alone.
func (k NoticeKind) TellsFailure() bool { return k == KindFinding || k == KindReminder }

// ReadyAt is when the notice may be looked at: its hour has come, and it waits for no re-check.
func (n Notice) ReadyAt() time.Time { return Latest(n.DueAt, n.WaitsUntil) }

// Shown is the state as reports name it: what is under way counts as queued.
func (s NoticeState) Shown() NoticeState {
	if s == NoticeForming || s == NoticeSending {
		return NoticeQueued
	}
	return s
}

// Closes reports whether a mail of this kind ends what the customer has been told.
func (k NoticeKind) Closes() bool { return k == KindRecovered || k == KindCorrection }

// CallSuffix ends the detail of a notice whose customer no mail reaches.
const CallSuffix = ": telephone"

// ToTelephone reports whether the notice's customer must be called.
func (n Notice) ToTelephone() bool {
	return n.State == NoticeSuppressed && strings.HasSuffix(n.Detail, CallSuffix)
}

// Item returns the notice's share about one account; false if the notice does not name it.
func (n Notice) Item(accountID string) (NoticeItem, bool) {
	i := slices.IndexFunc(n.Items, func(i NoticeItem) bool { return i.AccountID == accountID })
	if i < 0 {
		return NoticeItem{}, false
	}
	return n.Items[i], true
}
