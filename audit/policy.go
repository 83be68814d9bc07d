package audit

import (
	"slices"
	"time"

	"mailaudit/providers"
)

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
	ReuseTraffic   ReuseTraffic
	Canaries       map[string]Canaries // by provider
	OAuthClients   []ClientExpiry
	Changes        []providers.Change // announced ends of ways of signing in

	Mode    Mode
	Cadence Cadence
	Hours   Hours
	Zone    *time.Location // of tenants that have none
	Only    Only
	Caps    Caps

	// PublicDomain reports whether strangers have mailboxes in a mail domain, as at gmail.com. May be nil: then none does.
	PublicDomain func(domain string) bool
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

// Covers reports whether the notice is within the pilot.
func (o Only) Covers(n Notice) bool {
	if len(o.Tenants) > 0 && !slices.Contains(o.Tenants, n.TenantID) {
		return false
	}
	if len(o.Providers) > 0 && !slices.Contains(o.Providers, n.Provider) {
		return false
	}
	return len(o.Verdicts) == 0 || slices.ContainsFunc(n.Items, func(i NoticeItem) bool { return o.Tells(i.Verdict) })
}

// Tells reports whether a verdict is one that the pilot tells of.
func (o Only) Tells(v Verdict) bool { return len(o.Verdicts) == 0 || slices.Contains(o.Verdicts, v) }

// Cadence decides when a customer is told, and when told again.
type Cadence struct {
	ConfirmNights int             // conclusive nights in a row before an ambiguous finding is told
	RemindAfter   []time.Duration // since the first notice of the finding; two mails lie at least the first of these apart
	Shadow        bool            // notices.mode is shadow: what is decided is not sent
}

// ReuseTraffic says how far the product's own sending spares an account its sign-in. The zero value is never.
type ReuseTraffic struct {
	Within time.Duration // how young the product's success must be; 0: no traffic spares a sign-in
	AtMost time.Duration // how long ago our own last sign-in may be
}

// Canaries are account ids that the operator owns and whose answers are known beforehand.
type Canaries struct {
	Good []string // must be accepted
	Bad  []string // must be refused
}

// IsCanary reports whether an account is one of the operator's own and so no customer's.
func IsCanary(p Policy, id string) bool {
	for _, c := range p.Canaries {
		if slices.Contains(c.Good, id) || slices.Contains(c.Bad, id) {
			return true
		}
	}
	return false
}

// ClientExpiry is the day on which the secret of one of our OAuth clients ends. From then on every mailbox that
// signs in through it is refused.
type ClientExpiry struct {
	Owner string    // "Microsoft"
	Key   string    // where it is configured
	At    time.Time // the day, in UTC
}

// GuardLimits are the bounds beyond which a run does not speak.
type GuardLimits struct {
	MaxNewFailures float64 // share of a provider's accounts
	MinNewFailures int     // below it nothing is held
	MaxUnreachable float64 // share of a provider's accounts
	MaxSourceLoss  float64 // share of the accounts of the run before
}

// Hours is when notices may leave, on the clock of the tenant. The zero value is at any time.
type Hours struct {
	Days     [7]bool       // by time.Weekday
	From, To time.Duration // since local midnight; To is outside
}

// Caps bound the mails. The rest waits its turn.
type Caps struct {
	Night     int // since the first run of the night began; one mail domain has no more in a day
	Ahead     int // warnings since then, which Night does not count; one mail domain has no more in a day
	Recipient int // a day in Zone
	Tenant    int // a day in Zone
	Zone      *time.Location
}

// AttemptLimit bounds a calendar day.
type AttemptLimit struct {
	PerSecret int // conversations with one mailbox and secret
	Secrets   int // different secrets of one mailbox that were never accepted
}
