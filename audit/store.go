package audit

import (
	"context"
	"errors"
	"time"

	"mailaudit/providers"
)

var (
	// ErrNoRun: no run bears the key.
	ErrNoRun = errors.New("no such run")
	// ErrNoAccount: no account bears the id.
	ErrNoAccount = errors.New("no such account")
	// ErrMoved: another process has taken this step already; read again and go on from there.
	ErrMoved = errors.New("another process has taken this step")
)

// Accounts is where the credentials are read from. It may be a view in another database, so it only reads.
// Planning never asks for secrets.
type Accounts interface {
	Blaming
	// AccountsAfter returns up to limit accounts whose ids come after the id after, "" being before all. The
	// order is the source's own, so that it can use its index: numbers by value, text by its collation.
	AccountsAfter(ctx context.Context, after string, limit int, tenant string) ([]Account, error)
	// AccountIDsAfter returns the ids that AccountsAfter would find, and reads nothing else of their rows.
	AccountIDsAfter(ctx context.Context, after string, limit int, tenant string) ([]string, error)
	// AccountsByID returns those of the ids that exist, in no order.
	AccountsByID(ctx context.Context, ids []string) ([]Account, error)
	// SealedSecrets returns the sealed secrets of those of the ids that exist.
	SealedSecrets(ctx context.Context, ids []string) (map[string][]byte, error)
}

// AccountTable is the program's own table of accounts, where it keeps one.
type AccountTable interface {
	// Import adds or updates accounts in one transaction: all or none. With replace, accounts that were not
	// handed over are removed. write is called once; each puts one account.
	Import(ctx context.Context, replace bool, write func(put func(Account, []byte) error) error) (ImportCount, error)
	// Remove returns ErrNoAccount if there is none.
	Remove(ctx context.Context, id string) error
	Grants
}

// ImportCount tells what an import did.
type ImportCount struct{ Added, Updated, Removed int }

// Runs keeps the runs and their batches.
type Runs interface {
	// StartRun stores r unless a run with its key exists; it returns the run as stored, and whether it is new.
	// It sets Seq.
	StartRun(ctx context.Context, r Run) (Run, bool, error)
	// LoadRun returns ErrNoRun if there is none.
	LoadRun(ctx context.Context, key string) (Run, error)
	// ListRuns returns runs by descending Seq, at most limit. openOnly leaves out those that are done or stopped.
	ListRuns(ctx context.Context, limit int, openOnly bool) ([]Run, error)
	// UndoneRuns returns, by descending Seq, those of the latest limit runs that are open or whose summary is not posted.
	UndoneRuns(ctx context.Context, limit int) ([]Run, error)
	// ConcludedBefore returns the last concluded run of the whole source with a smaller Seq; ErrNoRun if none.
	ConcludedBefore(ctx context.Context, seq int64) (Run, error)
	// Expire brings the run's deadline forward to now.
	Expire(ctx context.Context, key string, now time.Time) error
	// Beat notes that a process works on the run. An incomplete run is running again.
	Beat(ctx context.Context, key string, now time.Time) error
	// Interrupt marks an open run as incomplete.
	Interrupt(ctx context.Context, key string) error
	// Stop ends a run that may not go on, with the reason for people.
	Stop(ctx context.Context, key, reason string, now time.Time) error

	// Plan adds the batches for the accounts in (from, to]; last ends the planning. ErrMoved if the plan is
	// not at from any more.
	Plan(ctx context.Context, key, from, to string, batches []Batch, accounts int, last bool) error
	// PlanMore adds batches to a run that is planned and has not concluded; added is false where it has.
	PlanMore(ctx context.Context, key string, batches []Batch, accounts int) (added bool, err error)
	// PlannedBatches returns a run's first tries with their ids, closed ones too, by ascending number greater than after.
	PlannedBatches(ctx context.Context, key string, after, limit int) ([]Batch, error)
	// OpenBatches returns the batches that are not closed, without their ids.
	OpenBatches(ctx context.Context, key string) ([]Batch, error)
	// NextBatches returns, in the order in which they are to be worked on and without their ids, the open batches
	// that are due, so many of each provider at most. open tells that some batch is not closed, due or not.
	NextBatches(ctx context.Context, key string, now time.Time, each int) (due []Batch, open bool, err error)
	// LoadBatch returns the batch; done tells that it is closed.
	LoadBatch(ctx context.Context, key string, n int) (b Batch, done bool, err error)
	// CloseBatch closes a batch once. retry, if not nil, is opened in the same step under a number of its own.
	CloseBatch(ctx context.Context, key string, n int, retry *Batch) error

	// Conclude ends the verifying: from here on no result is recorded. It may be called again.
	Conclude(ctx context.Context, key string) error
	// Finish stores the numbers and ends the run. It may be called again.
	Finish(ctx context.Context, key string, n Numbers, now time.Time) error
	// Posting marks the summary before the call to Slack, Posted after its answer. The mark goes from was,
	// which the caller has read, to now (zero takes it away); ErrMoved if another process has marked or posted
	// it since.
	Posting(ctx context.Context, key string, was, now time.Time) error
	Posted(ctx context.Context, key, ref string, now time.Time) error
}

// States keeps what is known of each account.
type States interface {
	// LoadStates returns the states of those of the ids that have one.
	LoadStates(ctx context.Context, ids []string) (map[string]State, error)
	// LoadStatesIn is LoadStates for work on a run: Tonight is left out where another run asked last.
	LoadStatesIn(ctx context.Context, key string, ids []string) (map[string]State, error)
	// Doubtful returns those of the ids whose last word was not a clear yes, see [State.Doubtful].
	Doubtful(ctx context.Context, ids []string) (map[string]bool, error)
	// Bindings returns what LoadStates returns as [State.Binding], where it is not empty, and reads nothing else.
	Bindings(ctx context.Context, ids []string) (map[string]string, error)
	// Bind stores the binding of an account's accepted secret. ErrNoAccount if no state is kept of the account.
	Bind(ctx context.Context, accountID, binding string) error
	// Record stores results of an open run. A result of the same run with the same or a higher Try is kept,
	// so recording twice is recording once; after Conclude nothing is recorded.
	Record(ctx context.Context, key string, results []Recorded) error
	// Unsettled returns, by ascending id greater than after, accounts whose result of the run needs a
	// settlement and has none yet.
	Unsettled(ctx context.Context, run Run, after string, limit int) ([]string, error)
	// Known returns, by ascending id greater than after, the ids of the accounts with a state that are not gone.
	Known(ctx context.Context, after string, limit int) ([]string, error)
	// Renumber has accounts go on under new ids from the run on, in one transaction: their states, their mails, and
	// their past, as [Store.History] tells it. The reports of earlier runs keep the ids that they had. One that has no state
	// any more, or whose new id has one, stays as it is, so that doing it twice is doing it once.
	Renumber(ctx context.Context, run Run, moves []Renumbering) error
	// Renumbered returns what a run has renumbered, by ascending new id greater than after.
	Renumbered(ctx context.Context, key, after string, limit int) ([]Renumbering, error)
	// Departed returns, likewise, accounts with a state that a run of the whole source did not meet: it has neither
	// recorded nor noted anything of them, and no later run has recorded them.
	Departed(ctx context.Context, run Run, after string, limit int) ([]string, error)
	// Unrecorded returns, likewise, accounts that the run has planned, and of which it has neither a result nor a note.
	// A later run that has recorded or settled them has taken the result away.
	Unrecorded(ctx context.Context, run Run, after string, limit int) ([]string, error)
	// Settle stores settlements of a concluding run with the notices they call for, in one transaction.
	// Settling twice is settling once: an account that was settled meanwhile keeps its state, and its draft is
	// dropped. So does one that a later run has recorded. What the customer was told is not touched: a mail of an earlier run may be leaving, and who
	// comes back to the source was told it already.
	Settle(ctx context.Context, run Run, settlements []Settlement, notices []Draft) error
	// Note stores what a concluding run says of accounts that it cannot settle.
	Note(ctx context.Context, run Run, notes []Finding) error
	// CountConcerned counts the accounts that the run saw accepted with a password and that a change concerns.
	CountConcerned(ctx context.Context, run Run, c providers.Change) (int, error)
	// Unwarned returns those of them, by ascending id greater than after, that have no mail of the warning's
	// occasion, suppressed ones aside, and none of its series on the way. What shadow mode noted counts if shadow.
	Unwarned(ctx context.Context, run Run, w Warning, shadow bool, after string, limit int) ([]Unwarned, error)
	// Draft adds shares of notices to a concluding run, each once.
	Draft(ctx context.Context, run Run, drafts []Draft) error
	// Findings calls each for every account of the run by ascending id, as the history and the run's own
	// notes tell it (see [ReadNote] for a note that cannot be read); for a run that is not settled (see [Run.Unsettled]), tonight's results so far.
	Findings(ctx context.Context, run Run, each func(Finding) error) error
}

// Recorded is a result with what it means for the conclusion.
type Recorded struct {
	Result
	Quiet bool // nothing to settle, see [State.Quiet]
}

// Draft is one account's share of a notice of the run; shares for the same tenant, contact, provider and
// purpose make one mail.
type Draft struct {
	Kind         NoticeKind
	Occasion     string // of a warning, see [Warning.Occasion]; else ""
	TenantID     string
	ContactEmail string
	Provider     string
	Thread       int64 // the first notice about this finding; 0 if this is the first
	Item         NoticeItem
}

// Purpose is what the drafts of one mail have in common: what must be fixed, what works again, or the occasion.
func (d Draft) Purpose() string {
	switch {
	case d.Occasion != "":
		return d.Occasion
	case d.Kind == KindRecovered:
		return string(KindRecovered)
	}
	return string(KindFinding)
}

// Attempts keeps how often credentials were tried, by the day.
type Attempts interface {
	// Reserve takes one attempt for each key before dialling, and tells for each whether it was granted.
	Reserve(ctx context.Context, day string, keys []AttemptKey, limit AttemptLimit) ([]bool, error)
	// GiveBack returns attempts in which no credential was sent. With the same word for it twice, they are given back once:
	// the answer to a commit may be lost.
	GiveBack(ctx context.Context, day, once string, keys []AttemptKey) error
}

// AttemptKey names what is counted: a mailbox (see [Mailbox]), or one tenant's share of it, and a secret, both by keyed names.
type AttemptKey struct{ Login, Secret string }

// Outbox keeps the notices.
type Outbox interface {
	// Forming returns the run's notices that wait for its conclusion; for key "", those that runs have left so
	// which are done.
	Forming(ctx context.Context, key string) ([]Notice, error)
	// Release gives forming notices their state, detail and hour. Shadowed ones count as told in shadow.
	Release(ctx context.Context, notices []Notice) error
	// DueNotices returns queued notices due by now that wait for no re-check beyond it: of each line the first, then of each
	// the second, and so on. Findings stand in their line newest first, each tenant's in turn; warnings first ones first,
	// and before all those for contacts who answer for the most mailboxes.
	DueNotices(ctx context.Context, now time.Time, limit int) ([]Notice, error)
	// LoadNotice returns one with its items.
	LoadNotice(ctx context.Context, id int64) (Notice, error)
	// ListNotices returns notices by descending id; state "" is any, key "" is any run.
	ListNotices(ctx context.Context, key string, state NoticeState, limit int) ([]Notice, error)
	// Claim takes a queued notice for sending, if the allowance has room for one more. The claim is what the
	// steps below need; NoClaim if another process has the notice, it is not queued, or there is no room. Claims
	// are taken one after the other, so that no two processes fill the same last place.
	Claim(ctx context.Context, id int64, now time.Time, within Allowance) (Claim, error)
	// KeepClaims renews the claims of notices that this process is sending: each claim is a lease from its last renewal on.
	KeepClaims(ctx context.Context, ids []int64, now time.Time) error
	// ReclaimNotices queues again what was claimed, or its claim renewed, before t and not handed over since: its process
	// is dead or asleep, or never learned of its claim, which holds no more. It returns how many there were.
	ReclaimNotices(ctx context.Context, t time.Time) (int, error)
	// Deferred returns queued notices that were tried before now and wait for a later hour because of that.
	Deferred(ctx context.Context, now time.Time, limit int) ([]Notice, error)
	// RetryNow has the notices that were put off tried from now on.
	RetryNow(ctx context.Context, now time.Time) error
	// Wait has a queued notice wait for the re-check of its accounts until a moment, with why for people. Since when it
	// waits stays as it is until it is claimed. A notice that is not queued stays as it is.
	Wait(ctx context.Context, id int64, why string, now, until time.Time) error
	// EndWaits has every waiting notice looked at from now on.
	EndWaits(ctx context.Context, now time.Time) error
	// Narrow removes all accounts but those in keep from a notice: from a held or queued one with NoClaim, from one
	// that is being sent with the claim that sends it. It changes no other notice and returns ErrMoved: one that is
	// settled, a held or queued one with a claim, one being sent with NoClaim or an older claim.
	Narrow(ctx context.Context, id int64, claim Claim, keep []string) error
	// HandOver marks a claimed notice ambiguous, just before the message's final dot. Its customers count as
	// told from here on: what may have arrived is not written again the next night. ErrMoved if the claim
	// holds no more: then the mail must not leave.
	HandOver(ctx context.Context, id int64, claim Claim, messageID string, now time.Time) error
	// Sent marks it sent and notes that the customers of its items are told. A claim that holds no more
	// changes nothing.
	Sent(ctx context.Context, id int64, claim Claim, now time.Time, detail string) error
	// Unsent gives a notice the state and detail that an attempt to send it ended in. Queued ones wait for
	// due; the customers of a failed one count as told, so that a dead address is not tried every night. A
	// claim that holds no more changes nothing.
	Unsent(ctx context.Context, id int64, claim Claim, state NoticeState, detail string, due, now time.Time) error
	// CountNotices counts a run's notices by state.
	CountNotices(ctx context.Context, key string) (map[NoticeState]int, error)
	// SentSince counts the mails sent since t and those that are under way, see [SentTo].
	SentSince(ctx context.Context, t time.Time, to SentTo) (int, error)
	// Mailing tells for each account how many mails were written about it since t, and whether one is under way.
	// One that its run could not queue is not.
	Mailing(ctx context.Context, ids []string, since time.Time) (map[string]Mailing, error)
}

// Claim is one process's right to send a notice: the number of its try. A process that slept while another
// took its notice over holds an older number.
type Claim int

// NoClaim is what a process has that got none.
const NoClaim Claim = 0

// Allowance is how many mails may be sent since two moments, those under way counted with them.
type Allowance struct {
	Night     int // to anyone since NightFrom, warnings aside
	Ahead     int // warnings to anyone since NightFrom
	Recipient int // to one recipient since DayFrom
	Domain    int // to one domain that is no public one since DayFrom, warnings aside, of which it may have Ahead
	Tenant    int // of one tenant since DayFrom

	NightFrom, DayFrom time.Time
}

// SentTo narrows a count of mails. What is empty narrows nothing.
type SentTo struct {
	Recipient, Domain, Tenant string
	Line                      Line
}

// Mailing is what the outbox holds about one account.
type Mailing struct {
	Lately  int
	Pending bool
	Closing bool // the one under way says that all is well, or that an earlier one was wrong
	// Discarded is when the finding began whose notice a person discarded last; zero if nobody did.
	Discarded time.Time
}

// Store is everything the program keeps. One suite, package storetest, holds the stores to it.
type Store interface {
	Accounts // with Blaming, for all that the store does
	AccountTable
	Runs
	States
	Attempts
	DryAnswers
	Outbox
	Guarding
	Forgetting
	Chaining
	SavedCapacity
	Checks
	Events
	Migrate(ctx context.Context) error
	Close() error
}

// Checks keeps what the product's screens ask for.
type Checks interface {
	// BeginCheck stores c as its account's last check, unless one is being asked that began after since; it returns the one
	// that stands, and whether that is c.
	BeginCheck(ctx context.Context, c ProductCheck, since time.Time) (stands ProductCheck, begun bool, err error)
	// EndCheck stores how the check c.ID ended. One that another check has replaced changes nothing.
	EndCheck(ctx context.Context, c ProductCheck) error
	// LastCheck returns an account's last check; its ID is "" if there is none.
	LastCheck(ctx context.Context, accountID string) (ProductCheck, error)
	// FailingOf is [Guarding.Failing] of one tenant's accounts.
	FailingOf(ctx context.Context, tenant, after string, limit int) ([]State, error)
}

// Events keeps what the product is told, and what it knows.
type Events interface {
	// KnownFailing returns, by ascending id greater than after, the accounts that the product knows as failing.
	KnownFailing(ctx context.Context, after string, limit int) ([]KnownFailing, error)
	// WriteEvents writes events, each once by its id, in one transaction. One of a failing account notes that the product knows it,
	// one that it recovered that it does not any more; one that stood already changes nothing.
	WriteEvents(ctx context.Context, events []Event) error
	// ForgetKnown forgets accounts that have left, without an event.
	ForgetKnown(ctx context.Context, ids []string) error
	// Warned returns accounts of warnings that were sent from t on and have no event, oldest notice first.
	Warned(ctx context.Context, t time.Time, limit int) ([]Warned, error)
	// HoldsSince returns the holds that were opened or decided from t on.
	HoldsSince(ctx context.Context, t time.Time) ([]Hold, error)
	// DueEvents returns queued events that are due, the first of each subject alone, oldest first.
	DueEvents(ctx context.Context, now time.Time, limit int) ([]Event, error)
	// ClaimEvent takes a try at a queued event that is due and was tried so often, and puts it off until a moment, by which the try
	// has ended or its process is gone; false if another process has taken it.
	ClaimEvent(ctx context.Context, id string, tries int, now, until time.Time) (bool, error)
	// EndTry stores the state, detail, DueAt and SettledAt in which the try e.Tries ended. An older try changes nothing.
	EndTry(ctx context.Context, e Event) error
	// ListEvents returns the newest events first; state "" is any.
	ListEvents(ctx context.Context, state EventState, limit int) ([]Event, error)
	// ReplayEvents queues settled events again from now on, all dead ones for no ids, and returns how many.
	ReplayEvents(ctx context.Context, ids []string, now time.Time) (int, error)
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
	// MarkForSettlement has every account of the provider settled one by one.
	MarkForSettlement(ctx context.Context, run Run, provider string) error

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

	// QueueHeld queues a held notice for due; its hold stays as it is. One that is not held any more is left alone.
	QueueHeld(ctx context.Context, id int64, due time.Time) error

	// Act keeps an operator's action; Actions returns those in [from, to), oldest first.
	Act(ctx context.Context, a Action) error
	Actions(ctx context.Context, from, to time.Time) ([]Action, error)

	// Setting reads a named value; "" if there is none. PutSetting stores it.
	Setting(ctx context.Context, name string) (string, error)
	PutSetting(ctx context.Context, name, value string) error

	PutSnooze(ctx context.Context, s Snooze) error
	// DropSnooze reports whether there was one.
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
	// Remedy stores states that an acceptance between two runs has changed, see [decide.Remedy], and returns whose it
	// were. A state that a run has settled since it was read, or another process has remedied, stays as it is.
	// What the customer was told is not touched.
	Remedy(ctx context.Context, states []State) ([]string, error)
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
	// ChangesAfter returns the steps of all histories behind a step of an account, by ascending account id and Seq.
	ChangesAfter(ctx context.Context, accountID string, seq int64, limit int) ([]Change, error)
	// NotesAfter returns a run's own notes, see [Settlement], by ascending account id greater than after.
	NotesAfter(ctx context.Context, key, after string, limit int) ([]Finding, error)
}

// Forgetting takes away what is not to be kept any longer.
type Forgetting interface {
	// DiscardOld deletes what ended before t: runs with all that they noted, the steps of the history that no run
	// which stays needs, mails that are settled, decided holds, bounces and operators' actions. A call deletes
	// at most one run and limit rows of each kind. The last concluded run of the whole source stays whatever
	// its age, with all after it, for the next night is compared with it; so does a run whose hold is open or
	// whose mail has not left, which asks for the run, and a mail that a customer with an open finding was told last.
	DiscardOld(ctx context.Context, t time.Time, limit int) (Discarded, error)
	// TenantFrom returns the Seq of the first run that keeps something of the tenant; 0 if none does.
	TenantFrom(ctx context.Context, tenant string) (int64, error)
	// Purge takes a tenant out of everything that is kept, in one transaction. Where a number of an old report
	// counts it, a tombstone without name, mailbox, contact and reply takes its place, so that the numbers still
	// add up. What waits to be mailed is suppressed. ErrRunOpen while a run is open.
	Purge(ctx context.Context, p Purge) (Purged, error)
}

// Grants is where refresh tokens are stored, if the program may write to the source of the accounts.
type Grants interface {
	// ReplaceSecret stores a refresh token that has taken the place of another, with everything that knows the
	// old one by its fingerprint, in one transaction. ErrMoved if the account's sealed secret is not Old any
	// more, ErrNoAccount if the account is gone.
	ReplaceSecret(ctx context.Context, r Renewal) error
}

// Renewal is a refresh token that has taken the place of another, or, with equal fingerprints, the same secret sealed
// anew: then no state and no attempt knows another name for it, and the rest is not needed.
type Renewal struct {
	AccountID                      string
	Old, New                       []byte // sealed
	OldFingerprint, NewFingerprint string // of the account and the secret
	Released                       string // the old one's fingerprint as released versions made it; "" if none did

	Binding string // of the new one, see [State.Binding]; it takes the place of an accepted one's

	Day                    string // on which the old one's attempt is counted: it goes on under the new one
	OldAttempt, NewAttempt AttemptKey
}

// SavedCapacity keeps by run what each of its processes found that a provider bears.
type SavedCapacity interface {
	// SaveCapacity stores what a process found; its later word takes the place of the earlier.
	SaveCapacity(ctx context.Context, key, provider, process string, b providers.Capacity) error
	// SavedCapacity returns the last word of each process, in no order.
	SavedCapacity(ctx context.Context, key, provider string) ([]providers.Capacity, error)
}
