package observe

import "time"

// SignIn is one conversation as the provider saw it.
type SignIn struct {
	Provider string
	Host     string
	Port     int
	Login    string // as sent
	Folded   string // as the provider folds it: the mailbox
	Secret   SecretID
	Sent     bool // a credential was sent; false: the conversation ended before that, or had none to send
	Answer   Answer
	// Meaning is what a well provider says of this credential: "accepted"; "refused" (a bare no, whatever the cause);
	// "needs-app-password", "needs-browser", "needs-mfa", "disabled" (password sign-in is switched off), "blocked"
	// (the mailbox is locked), "too-many", "unavailable". With Answer Refused that is what Reply says.
	Meaning string
	Reply   string // what the server said last; "" where it said nothing
	OAuth   bool   // the secret is a refresh token, and went to the token endpoint
}

// Answer is what the conversation came to, as the provider meant it.
type Answer string

// The answers. Refused is final about the credential; those of a mood are the provider's fault; see Mood.
const (
	Accepted  Answer = "accepted"
	Refused   Answer = "refused"   // by what MailboxIs says
	OfMood    Answer = "mood"      // by the provider's mood, whatever the credential
	Unreached Answer = "unreached" // no server was reached
)

// Mail is one message that the relay was offered, up to and with the final dot.
type Mail struct {
	To        []string // envelope recipients
	From      string
	MessageID string
	Number    int64 // of the reference M-n; 0 where the mail bears none
	Subject   string
	Raw       []byte   // as sent, headers and all
	Text      string   // the plain part, decoded
	Mailboxes []string // addresses of accounts of the world that the text or a heading names
	Answer    RelayAnswer
	Arrived   bool // the customer has it
}

// RelayAnswer is what the relay said.
type RelayAnswer string

// The relay's answers.
const (
	RelayTook    RelayAnswer = "took"    // 250 after the final dot
	RelayLater   RelayAnswer = "later"   // 4xx: it does not have the message
	RelayNever   RelayAnswer = "never"   // 5xx: it will not take it
	RelayNothing RelayAnswer = "nothing" // the line went dead after the final dot: Arrived says what became of it
	RelayCut     RelayAnswer = "cut"     // the line went dead before the final dot: it does not have the message
)

// SlackCall is one call of Slack's API or of a webhook.
type SlackCall struct {
	Method  string // "chat.postMessage", "chat.update", "conversations.history", "webhook" …
	Run     string // the key in the message's metadata; "" where there is none
	Thread  bool   // a reply in a thread
	Text    string // all text of the message, blocks and attachments with it, in order
	Raw     []byte // the body as sent, without the token
	Status  int    // of HTTP; 0 where no answer came back
	Error   string // Slack's "error"; "" for ok
	Arrived bool   // the message stands in the channel
}

// ProcessStarted, ProcessEnded and Crashed bound the life of a process of mailaudit, which works on one command.
type ProcessStarted struct{}

// ProcessEnded: see ProcessStarted.
type ProcessEnded struct{}

// Crashed: the process was killed before or after a call of the store; of what it knew nothing is left but what
// the store holds.
type Crashed struct {
	Call  string // the name of the call: "Settle"
	After bool   // the call was carried out
}

// CallFailed: a call of the process, to the store or to the world, came back as if the line had gone dead. After: it
// was carried out all the same, and its answer is lost; what the world saw of it was observed just before.
type CallFailed struct {
	Call  string
	After bool
}

// CommandBegan is a command line without the program's name: "run --key 2026-11-23". Who is the person or "cron".
type CommandBegan struct {
	ID   int
	Args []string
	Who  string
	When string // "idle", "during" a run, or "after" one on the same night
}

// CommandEnded is what came of it.
type CommandEnded struct {
	ID     int
	Args   []string
	Exit   int
	Stdout string
	Stderr string // without log lines
}

// Shown is what mailaudit shows of a run or an account, in one form. Forms:
//
//	"json" "csv" "text" "html" "slack"  report KEY --format …; Subject is the run's key
//	"explain"                           explain ID; Subject is the account's id
//	"evidence"                          the pack's ZIP over the days around; Subject is "from..to"
//	"digest kept" "digest rebuilt"      of the run's report: as it was kept at the post, and as it comes out now
type Shown struct {
	Form    string
	Subject string
	Body    []byte
	Error   string // the command's, where it failed
}

// Database is what plain SQL finds, outside any process.
type Database struct {
	Runs    []RunRow
	Notices []NoticeRow
	Holds   []HoldRow
	Status  []StatusRow // the view account_status
	Snoozes []SnoozeRow
	Stopped string // the kill switch: "" if mails may leave
	Actions []ActionRow
}

// RunRow is a run. Times that are not set are zero.
type RunRow struct {
	Key                                       string
	Seq                                       int64
	Status, Phase                             string
	Tenant, Provider                          string // its scope
	Limit                                     int
	StartedAt, Deadline, FinishedAt, PostedAt time.Time
	Accounts                                  int
	StopReason                                string
	Held, Void                                []string // providers, by the run's numbers
}

// NoticeRow is a mail to a customer, queued, settled or aside.
type NoticeRow struct {
	ID                        int64 // the n of M-n
	Run                       string
	Kind                      string // "finding", "reminder", "recovered", "ahead", "correction"
	Tenant, Contact, Provider string
	State, Detail             string
	Hold                      string // the run whose hold it waits, or waited, in
	DueAt, CreatedAt, SentAt  time.Time
	WaitsUntil                time.Time // for a re-check
	Tries                     int
	MessageID                 string
	Items                     []ItemRow
}

// ItemRow is an account in a notice.
type ItemRow struct {
	Account string
	Verdict string
	Step    int
}

// HoldRow is a hold.
type HoldRow struct {
	Run, Provider, State, Why string
	OpenedAt, DecidedAt       time.Time
	DecidedBy                 string
}

// StatusRow is a row of account_status.
type StatusRow struct {
	Account, Tenant, Verdict, TwoFactor string
	Since, ToldAt                       time.Time
	NoticeNumber                        int64
}

// SnoozeRow is a muted tenant.
type SnoozeRow struct {
	Tenant string
	Until  time.Time
}

// ActionRow is what an operator did, as recorded.
type ActionRow struct {
	At                     time.Time
	Who, What, Target, Why string
}

func (SignIn) observed()         {}
func (Mail) observed()           {}
func (SlackCall) observed()      {}
func (ProcessStarted) observed() {}
func (ProcessEnded) observed()   {}
func (Crashed) observed()        {}
func (CallFailed) observed()     {}
func (CommandBegan) observed()   {}
func (CommandEnded) observed()   {}
func (Shown) observed()          {}
func (Database) observed()       {}
