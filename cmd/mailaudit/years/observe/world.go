package observe

import "time"

// AccountIs is a row as the customers' product truly holds it: new, or changed since it was last observed.
// What the source hands out to mailaudit may differ for a while, see SourceIs.
type AccountIs struct {
	ID           string
	Tenant       string
	TenantName   string
	Address      string
	Username     string // "": the address is the login
	Host         string // as stored; "": the provider's default
	Port         int
	Security     string // as stored
	Auth         string // "password" or "oauth2"
	Secret       SecretID
	Contact      string // as stored: none, one address, two, or rubbish
	ContactName  string
	Locale       string // as stored, may be wrong
	TimeZone     string // as stored, may be wrong
	Provider     string // whose the mailbox truly is: "google", …, "other"
	Canary       string // "good" or "bad" for one that the operator owns; "" for customers'
	OwnData      bool   // the row is one that mailaudit must refuse to use (NULL, a mask instead of a secret, a bad word in a column)
	LastSentOKAt time.Time
}

// AccountGone: the customer left; the product has deleted the row.
type AccountGone struct{ ID string }

// AccountRenumbered: the same customer's mailbox has a new id; AccountIs of the new id follows.
type AccountRenumbered struct{ Old, New string }

// SecretIs tells the text of an invented secret, once, before anything else names it, so that an oracle can look for
// it in what mailaudit puts out. No other observation holds a secret.
type SecretIs struct {
	ID   SecretID
	Text string
}

// MailboxIs is what the provider holds of one mailbox: what a conversation would truly give while the provider is well.
type MailboxIs struct {
	Provider string
	Login    string // as the provider folds it
	// Says is what the provider says to each secret that stands, or stood lately, in a row with this login; to any
	// other it says "refused". Words: see SignIn.Meaning.
	Says map[SecretID]string
}

// SecretRenewed: the provider has issued a new refresh token in the place of Old: for attempts and history it is the
// same secret.
type SecretRenewed struct{ Old, New SecretID }

// ProviderIs is a provider's mood from now on.
type ProviderIs struct {
	Provider string
	Mood     Mood
	// Share is the part of the logins that Mood meets, 1 for all; which ones is fixed by the login.
	Share float64
}

// Mood is how a provider behaves.
type Mood string

// The moods. All but Well are the provider's own fault: no customer is to blame for what it answers then, except
// Refusing, which nobody outside can tell from a mass of real failures: a guard must.
const (
	Well      Mood = "well"
	Refusing  Mood = "refusing"  // 535 to everyone met, as if each secret were wrong
	Outage535 Mood = "outage535" // 535 whose text says that the provider's authentication is temporarily unavailable
	Throttles Mood = "throttles" // 421 or 454, too many
	Hangs     Mood = "hangs"     // no answer within the timeout
	Away      Mood = "away"      // no connection
	Babbles   Mood = "babbles"   // a reply that no rule knows
)

// SourceIs says how the source of accounts behaves from now on.
type SourceIs struct {
	Mood string   // "well", "away" (errors), "shrunk" (some rows are missing), "repeats" (some ids stand twice)
	IDs  []string // the rows that are missing or stand twice
}

// ClientSecretIs: whether our OAuth client secret at the provider is good.
type ClientSecretIs struct {
	Provider string
	Good     bool
}

// EgressIs: whether anything outside but relay and Slack can be reached from our machines.
type EgressIs struct{ Open bool }

// RelayIs and SlackIs are moods of the relay and of Slack: "well", "refuses" (for now, 4xx or a Slack error), "refuses
// for good" (5xx; relay only), "hangs", "perhaps" (it takes the message and the answer is lost; or loses both).
type RelayIs struct{ Mood string }

// SlackIs: see RelayIs.
type SlackIs struct{ Mood string }

// BouncesLater: mail to the address will be accepted and come back; the operator then runs "notices bounced".
type BouncesLater struct{ Address string }

// ClockMoved: the clocks of mailaudit's machines jumped by By against the true one; Off is what they are off by now.
type ClockMoved struct{ By, Off time.Duration }

// Configured is the configuration that processes started from now on have. Fields bear the names of the keys.
type Configured struct {
	Mode            string
	ConfirmNights   int
	RemindAfter     []time.Duration
	SendBetween     string // "" or "Mon-Fri 09:00-16:00"
	MaxPerNight     int
	MaxPerRecipient int
	MaxPerTenant    int
	OnlyTenants     []string
	OnlyProviders   []string
	OnlyVerdicts    []string
	MaxNewFailures  float64 // 0.01 is 1%
	MinNewFailures  int
	MaxUnreachable  float64
	MaxSourceLoss   float64
	AttemptsPerDay  int
	RetryAfter      time.Duration
	RecheckRefused  time.Duration
	MaxRefusals     map[string]int
	Window          time.Duration
	DeliverWithin   time.Duration
	TimeZone        string
	ShowMailbox     string // "full" makes Mail.Mailboxes complete
	Slack           string // "token", "webhook" or ""
	Installation    string
	Rows            string // how many rows of older binaries stand in the database: "", or a version
}

func (AccountIs) observed()         {}
func (AccountGone) observed()       {}
func (AccountRenumbered) observed() {}
func (SecretIs) observed()          {}
func (MailboxIs) observed()         {}
func (SecretRenewed) observed()     {}
func (ProviderIs) observed()        {}
func (SourceIs) observed()          {}
func (ClientSecretIs) observed()    {}
func (EgressIs) observed()          {}
func (RelayIs) observed()           {}
func (SlackIs) observed()           {}
func (BouncesLater) observed()      {}
func (ClockMoved) observed()        {}
func (Configured) observed()        {}
