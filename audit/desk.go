package audit

import (
	"context"
	"errors"
	"time"
)

// HoldState is where a hold stands. A hold never sends and never lapses by itself.
type HoldState string

const (
	HoldOpen      HoldState = "open"
	HoldReleased  HoldState = "released"
	HoldDiscarded HoldState = "discarded"
	HoldEnded     HoldState = "ended" // everyone in it was accepted again
)

// Hold is a provider's notices that a guard keeps back until a person decides. While it is open the
// provider's new findings join it.
type Hold struct {
	RunKey    string // the run whose guard opened it
	Provider  string
	Why       string
	State     HoldState
	OpenedAt  time.Time
	DecidedAt time.Time
	DecidedBy string
	Notices   int // that wait in it
}

// ErrNoHold: there is no open hold of that run and provider.
var ErrNoHold = errors.New("no open hold")

// Action is something that an operator did, kept for the auditors.
type Action struct {
	At     time.Time
	Who    string
	What   string // "notices release"
	Target string // "2026-11-25 google"
	Why    string
}

// Snooze keeps a tenant's mails back until a moment; its findings are counted all the same.
type Snooze struct {
	TenantID string
	Until    time.Time
	By       string
}

// Bounce is an address to which mail came back.
type Bounce struct {
	Address string
	At      time.Time
}

// Guarding keeps what the guards and the operators decided.
type Guarding interface {
	// KeepFact notes something of a run under a name, unless the name is taken; it returns what stands.
	KeepFact(ctx context.Context, key, name, value string) (string, error)
	// Facts returns a run's facts whose names begin with prefix.
	Facts(ctx context.Context, key, prefix string) (map[string]string, error)
	// KnownStates counts the states that the run, or a later one, has left or spoken of: as many as it had accounts,
	// and fewer where states were lost or older ones put in their place.
	KnownStates(ctx context.Context, run Run) (int, error)
	// Reopen has a stopped run go on.
	Reopen(ctx context.Context, key string) error
	// Tallies counts, by provider, the results of a run that is being concluded, before they are settled.
	// History is filled from the numbers of earlier runs.
	Tallies(ctx context.Context, run Run) (map[string]Tally, error)
	// Unquiet has every account of the provider settled one by one.
	Unquiet(ctx context.Context, run Run, provider string) error

	// OpenHolds returns the open holds, oldest first.
	OpenHolds(ctx context.Context) ([]Hold, error)
	// DiscardedHolds returns those that a person discarded, oldest first.
	DiscardedHolds(ctx context.Context) ([]Hold, error)
	// PutHold opens a hold unless the provider has an open one; it returns the one that stands.
	PutHold(ctx context.Context, h Hold) (Hold, error)
	// HeldNotices returns the notices that wait in a hold.
	HeldNotices(ctx context.Context, h Hold) ([]Notice, error)
	// Withdraw suppresses a held or queued notice.
	Withdraw(ctx context.Context, id int64, detail string) error
	// HoldCohort counts the accounts of the hold's provider that began to fail with it or later, and still do.
	HoldCohort(ctx context.Context, h Hold) (int, error)
	// DecideHold ends an open hold. Its notices that are not in keep become suppressed with the detail, those
	// in keep are queued for due. ErrNoHold if it is not open.
	DecideHold(ctx context.Context, h Hold, keep []int64, detail string, due time.Time) error

	// Act keeps an operator's action; Actions returns those in [from, to), oldest first.
	Act(ctx context.Context, a Action) error
	Actions(ctx context.Context, from, to time.Time) ([]Action, error)

	// Setting reads a named value; "" if there is none. PutSetting stores it.
	Setting(ctx context.Context, name string) (string, error)
	PutSetting(ctx context.Context, name, value string) error

	PutSnooze(ctx context.Context, s Snooze) error
	// DropSnooze tells whether there was one.
	DropSnooze(ctx context.Context, tenant string) (bool, error)
	Snoozes(ctx context.Context) ([]Snooze, error)

	// Bounced notes an address to which mail came back; Bounces tells which of the addresses are noted.
	Bounced(ctx context.Context, address, detail string, now time.Time) error
	Bounces(ctx context.Context, addresses []string) (map[string]string, error)
	// BouncedSince returns the addresses that were noted from t on, newest first, and when.
	BouncedSince(ctx context.Context, t time.Time, limit int) ([]Bounce, error)

	// Prolong moves an unfinished run's deadline to a later one.
	Prolong(ctx context.Context, key string, deadline time.Time) error
	// Failing returns, by ascending id greater than after, states whose settled verdict is failing.
	Failing(ctx context.Context, after string, limit int) ([]State, error)
	// Accepted returns, by ascending id greater than after, states of a provider's accounts whose last word was a clear
	// yes, see [State.Doubtful].
	Accepted(ctx context.Context, provider, after string, limit int) ([]State, error)
	// Mend stores states that an acceptance between two runs has changed, see [Mend], and returns whose it
	// were. A state that a run has settled since it was read, or another process has mended, stays as it is.
	// What the customer was told is not touched.
	Mend(ctx context.Context, states []State) ([]string, error)
	// Tried notes by account the fingerprint of the secret that was asked between two runs and not accepted.
	Tried(ctx context.Context, prints map[string]string) error
	// SeenAgain notes the SeenAt of states that were refused between two runs as their settled verdicts say. A state
	// that a run has settled since it was read, or whose verdict another process has changed, stays as it is.
	SeenAgain(ctx context.Context, states []State) error
	// Enqueue adds a notice that no run wrote, in its state: RunKey is "". There is one for an occasion,
	// tenant, contact and provider; added is false if it stood already. A shadowed one counts as told in shadow.
	Enqueue(ctx context.Context, occasion string, n Notice) (id int64, added bool, err error)
	// Reschedule gives a queued notice another hour.
	Reschedule(ctx context.Context, id int64, due time.Time) error
	// History returns what is kept of one account's past.
	History(ctx context.Context, accountID string) (History, error)
}

// The names of settings.
const (
	SettingInstallation = "installation"    // the installation that this database belongs to
	SettingStopped      = "notices_stopped" // not empty: who stopped the mails, and when
)
