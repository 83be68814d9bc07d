// Package config is the program's configuration: its keys, their defaults, and the reading of a file over
// them. What cannot be meant is refused by its line and key, and never with a secret in the message. Start at
// [Config] and [Load].
package config

import (
	"fmt"
	"io/fs"
	"net/mail"
	"net/netip"
	"strings"
	"time"

	"mailaudit/providers"
	"mailaudit/providers/catalog"
)

// Config is the whole configuration: one field a key, in the order of deploy/mailaudit.example.yaml, which
// says what each key means. [Default] has the defaults, [Load] reads a file over them and
// refuses what cannot be meant. Other packages take small structs of their own, which wire.go fills.
type Config struct {
	Database       Database       `yaml:"database"`
	Accounts       Accounts       `yaml:"accounts"`
	FingerprintKey KeySource      `yaml:"fingerprint_key"`
	Installation   string         `yaml:"installation"`
	DatabasePooler string         `yaml:"database_pooler"` // "" or "transaction"
	Keyset         KeySource      `yaml:"keyset"`
	Schedule       Schedule       `yaml:"schedule"`
	TimeZone       *time.Location `yaml:"time_zone"`
	Window         time.Duration  `yaml:"window"`
	DeliverWithin  time.Duration  `yaml:"deliver_within"`
	Network        Network        `yaml:"network"`

	// Providers has an entry for each name of providerNames, and no other.
	Providers map[string]Provider `yaml:"providers"`

	AttemptsPerDay int              `yaml:"attempts_per_day"`
	RetryAfter     time.Duration    `yaml:"retry_after"`
	RecheckRefused time.Duration    `yaml:"recheck_refused"`
	Relay          Relay            `yaml:"relay"`
	Slack          Slack            `yaml:"slack"`
	Notices        Notices          `yaml:"notices"`
	Guard          Guard            `yaml:"guard"`
	Report         Report           `yaml:"report"`
	Metrics        Metrics          `yaml:"metrics"`
	RulesDir       string           `yaml:"rules_dir"`
	Watch          time.Duration    `yaml:"watch"` // 0: not
	ReuseTraffic   ReuseTraffic     `yaml:"reuse_traffic"`
	API            API              `yaml:"api"`
	Events         Events           `yaml:"events"`
	Attestations   string           `yaml:"attestations"` // table or view beside the accounts; "": none
	Evidence       Evidence         `yaml:"evidence"`
	DeadManURL     providers.Secret `yaml:"dead_man_url"` // whoever knows it can silence the alarm
	Retention      time.Duration    `yaml:"retention"`

	rules       *catalog.Catalog // as RulesDir has it; nil: the built-in one
	written     []string         // keys whose secret stands in the file itself
	exposedFile string           // the file, where others on this machine may read it
	exposedMode fs.FileMode
}

// Exposed says which secrets stand in a configuration file that others on this machine may read; "" for none.
func (c *Config) Exposed() string {
	if c.exposedFile == "" || len(c.written) == 0 {
		return ""
	}
	return fmt.Sprintf("others on this machine may read %s (mode %04o), which holds %s; chmod 600 it, or put the secrets elsewhere with ${file:PATH}",
		c.exposedFile, c.exposedMode, strings.Join(c.written, ", "))
}

// Accounts says where the accounts live when not in the program's own table.
type Accounts struct {
	Database Database `yaml:"database"`
	Relation string   `yaml:"relation"`
}

// Network is how providers are reached.
type Network struct {
	ConnectTo    HostMap       `yaml:"connect_to"`
	TLSCA        string        `yaml:"tls_ca"` // path of a PEM file
	AllowPrivate bool          `yaml:"allow_private"`
	Timeout      time.Duration `yaml:"timeout"`
	Proxy        string        `yaml:"proxy"` // socks5://host:port
	EHLO         string        `yaml:"ehlo"`

	Deny  []netip.Prefix `yaml:"deny"`  // that account hosts may not resolve to
	Ports []int          `yaml:"ports"` // that accounts may name; empty: any
}

// Provider holds one provider's ceilings, canaries and OAuth client.
type Provider struct {
	MaxConcurrency int      `yaml:"max_concurrency"`
	MaxRate        Rate     `yaml:"max_rate"`
	MaxRefusals    int      `yaml:"max_refusals"` // 0: no limit
	Canaries       Canaries `yaml:"canaries"`
	OAuth          OAuth    `yaml:"oauth"`
}

// Canaries lists account ids whose answers are known beforehand.
type Canaries struct {
	Good []string `yaml:"good"`
	Bad  []string `yaml:"bad"`
}

// OAuth is our own client at a provider's token endpoint.
type OAuth struct {
	ClientID      string           `yaml:"client_id"`
	ClientSecret  providers.Secret `yaml:"client_secret"`
	TokenURL      string           `yaml:"token_url"`
	SecretExpires time.Time        `yaml:"secret_expires"` // a day, in UTC; zero: not known
	AOL           OAuthClient      `yaml:"aol"`            // of providers.yahoo: AOL and Verizon want a client of their own
}

// OAuthClient is a client beside a provider's main one.
type OAuthClient struct {
	ClientID      string           `yaml:"client_id"`
	ClientSecret  providers.Secret `yaml:"client_secret"`
	TokenURL      string           `yaml:"token_url"`
	SecretExpires time.Time        `yaml:"secret_expires"`
}

// Relay is the mail server that takes the notices. A user name and password in the URL have been
// moved to Username and Password.
type Relay struct {
	URL      RelayURL         `yaml:"url"`
	Username string           `yaml:"username"`
	Password providers.Secret `yaml:"password"`
	From     mail.Address     `yaml:"from"`
	ReplyTo  mail.Address     `yaml:"reply_to"`
	MaxRate  Rate             `yaml:"max_rate"`
}

// Slack says where the summary goes: Token with Channel, or Webhook, or nowhere.
type Slack struct {
	Token         providers.Secret `yaml:"token"`
	Channel       string           `yaml:"channel"`
	Webhook       providers.Secret `yaml:"webhook"`
	APIURL        string           `yaml:"api_url"`
	Show          string           `yaml:"show"` // "ids" or "names"
	CommandPrefix string           `yaml:"command_prefix"`

	AppToken          providers.Secret `yaml:"app_token"`           // serve takes clicks over Socket Mode
	Approvers         []string         `yaml:"approvers"`           // Slack user ids; none: no buttons
	TwoApproversAbove int              `yaml:"two_approvers_above"` // held mails; 0: one approver is enough
}

// Console reports whether serve takes clicks.
func (s Slack) Console() bool { return !s.AppToken.Empty() && len(s.Approvers) > 0 }

// Notices says who is told, when, and with which words of the operator's own.
type Notices struct {
	Mode             string          `yaml:"mode"` // "shadow", "live" or "off"
	ConfirmNights    int             `yaml:"confirm_nights"`
	RemindAfter      []time.Duration `yaml:"remind_after"` // since the first notice, ascending
	SendBetween      SendWindow      `yaml:"send_between"`
	MaxPerNight      int             `yaml:"max_per_night"`
	MaxPerRecipient  int             `yaml:"max_per_recipient"`
	MaxPerTenant     int             `yaml:"max_per_tenant"`
	MaxAheadPerNight int             `yaml:"max_ahead_per_night"` // warnings of announced changes, which MaxPerNight does not count
	Only             Only            `yaml:"only"`
	Product          string          `yaml:"product"`
	SettingsURL      string          `yaml:"settings_url"`
	GuideURL         string          `yaml:"guide_url"`
	ShowMailbox      string          `yaml:"show_mailbox"` // "auto", "full" or "masked"
	UnsentMail       string          `yaml:"unsent_mail"`  // a sentence
	Logo             string          `yaml:"logo"`         // path of a PNG, JPEG or GIF file
	Colour           string          `yaml:"colour"`       // "#rrggbb" or "#rgb"
	Support          string          `yaml:"support"`
	RecheckWithin    string          `yaml:"recheck_within"`
	GuidesDir        string          `yaml:"guides_dir"`
	OAuthOffered     []string        `yaml:"oauth_offered"`
}

// Only narrows notices to a pilot; an empty list narrows nothing.
type Only struct {
	Tenants   []string `yaml:"tenants"`
	Providers []string `yaml:"providers"`
	Verdicts  []string `yaml:"verdicts"`
}

// Guard has the limits beyond which a run does not speak.
type Guard struct {
	MaxNewFailures Percent `yaml:"max_new_failures"`
	MinNewFailures int     `yaml:"min_new_failures"`
	MinCoverage    Percent `yaml:"min_coverage"`
	MaxUnreachable Percent `yaml:"max_unreachable"`
	MaxSourceLoss  Percent `yaml:"max_source_loss"`
}

// Report says where the report's files go.
type Report struct {
	Dir        string `yaml:"dir"`
	AccountURL string `yaml:"account_url"` // with {account_id} and {tenant_id}
	URL        string `yaml:"url"`
	Addresses  string `yaml:"addresses"` // "masked" or "full"
}

// Evidence says how the chain of evidence is signed.
type Evidence struct {
	SigningKey KeySource `yaml:"signing_key"` // file or env; the zero value: chained, not signed
}

// ReuseTraffic says how far the product's own sending spares an account its sign-in.
type ReuseTraffic struct {
	Within time.Duration `yaml:"within"`  // 0: off
	AtMost time.Duration `yaml:"at_most"` // since our own last sign-in
}

// Metrics says how metrics are fetched or handed over.
type Metrics struct {
	Listen      string           `yaml:"listen"`
	Pushgateway providers.Secret `yaml:"pushgateway"` // the URL may carry a password
	Textfile    string           `yaml:"textfile"`
}

// API is where serve answers the product's own screens.
type API struct {
	Listen string           `yaml:"listen"`
	Token  providers.Secret `yaml:"token"`
}

// Events says where the product takes webhooks.
type Events struct {
	URL    string           `yaml:"url"`
	Secret providers.Secret `yaml:"secret"` // whsec_…; two, with a space between, during a rotation
}
