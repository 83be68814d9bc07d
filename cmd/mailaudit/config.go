package main

import (
	"net/mail"
	"time"

	"mailaudit/providers"
)

// Config is the whole configuration: one field a key, in the order of deploy/mailaudit.example.yaml, which
// says what each key means. [defaultConfig] has the defaults, [loadConfig] reads a file over them and
// refuses what cannot be meant. Other packages take small structs of their own, filled in wire.go.
type Config struct {
	Database       Database       `yaml:"database"`
	Accounts       AccountsConfig `yaml:"accounts"`
	FingerprintKey KeySource      `yaml:"fingerprint_key"`
	Installation   string         `yaml:"installation"`
	DatabasePooler string         `yaml:"database_pooler"` // "" or "transaction"
	Keyset         KeySource      `yaml:"keyset"`
	Schedule       Schedule       `yaml:"schedule"`
	TimeZone       *time.Location `yaml:"time_zone"`
	Window         time.Duration  `yaml:"window"`
	DeliverWithin  time.Duration  `yaml:"deliver_within"`
	Network        NetworkConfig  `yaml:"network"`

	// Providers has an entry for each name of providerNames, and no other.
	Providers map[string]ProviderConfig `yaml:"providers"`

	AttemptsPerDay int              `yaml:"attempts_per_day"`
	RetryAfter     time.Duration    `yaml:"retry_after"`
	RecheckRefused time.Duration    `yaml:"recheck_refused"`
	Relay          RelayConfig      `yaml:"relay"`
	Slack          SlackConfig      `yaml:"slack"`
	Notices        NoticesConfig    `yaml:"notices"`
	Guard          GuardConfig      `yaml:"guard"`
	Report         ReportConfig     `yaml:"report"`
	Metrics        MetricsConfig    `yaml:"metrics"`
	DeadManURL     providers.Secret `yaml:"dead_man_url"` // whoever knows it can silence the alarm
	Retention      time.Duration    `yaml:"retention"`
}

// AccountsConfig says where the accounts live when not in the program's own table.
type AccountsConfig struct {
	Database Database `yaml:"database"`
	Relation string   `yaml:"relation"`
}

// NetworkConfig is how providers are reached.
type NetworkConfig struct {
	ConnectTo    HostMap       `yaml:"connect_to"`
	TLSCA        string        `yaml:"tls_ca"` // path of a PEM file
	AllowPrivate bool          `yaml:"allow_private"`
	Timeout      time.Duration `yaml:"timeout"`
	Proxy        string        `yaml:"proxy"` // socks5://host:port
	EHLO         string        `yaml:"ehlo"`
}

// ProviderConfig holds one provider's ceilings, canaries and OAuth client.
type ProviderConfig struct {
	MaxConcurrency int          `yaml:"max_concurrency"`
	MaxRate        Rate         `yaml:"max_rate"`
	MaxRefusals    int          `yaml:"max_refusals"` // 0: no limit
	Canaries       CanaryConfig `yaml:"canaries"`
	OAuth          OAuthConfig  `yaml:"oauth"`
}

// CanaryConfig lists account ids whose answers are known beforehand.
type CanaryConfig struct {
	Good []string `yaml:"good"`
	Bad  []string `yaml:"bad"`
}

// OAuthConfig is our own client at a provider's token endpoint.
type OAuthConfig struct {
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

// RelayConfig is the mail server that takes the notices. A user name and password in the URL have been
// moved to Username and Password.
type RelayConfig struct {
	URL      RelayURL         `yaml:"url"`
	Username string           `yaml:"username"`
	Password providers.Secret `yaml:"password"`
	From     mail.Address     `yaml:"from"`
	ReplyTo  mail.Address     `yaml:"reply_to"`
	MaxRate  Rate             `yaml:"max_rate"`
}

// SlackConfig says where the summary goes: Token with Channel, or Webhook, or nowhere.
type SlackConfig struct {
	Token         providers.Secret `yaml:"token"`
	Channel       string           `yaml:"channel"`
	Webhook       providers.Secret `yaml:"webhook"`
	APIURL        string           `yaml:"api_url"`
	Show          string           `yaml:"show"` // "ids" or "names"
	CommandPrefix string           `yaml:"command_prefix"`
}

// NoticesConfig says who is told, when, and with which words of the operator's own.
type NoticesConfig struct {
	Mode            string          `yaml:"mode"` // "shadow", "live" or "off"
	ConfirmNights   int             `yaml:"confirm_nights"`
	RemindAfter     []time.Duration `yaml:"remind_after"` // since the first notice, ascending
	SendBetween     SendWindow      `yaml:"send_between"`
	MaxPerNight     int             `yaml:"max_per_night"`
	MaxPerRecipient int             `yaml:"max_per_recipient"`
	MaxPerTenant    int             `yaml:"max_per_tenant"`
	Only            OnlyConfig      `yaml:"only"`
	Product         string          `yaml:"product"`
	SettingsURL     string          `yaml:"settings_url"`
	GuideURL        string          `yaml:"guide_url"`
	Logo            string          `yaml:"logo"`   // path of a PNG, JPEG or GIF file
	Colour          string          `yaml:"colour"` // "#rrggbb" or "#rgb"
	Support         string          `yaml:"support"`
	RecheckWithin   string          `yaml:"recheck_within"`
	GuidesDir       string          `yaml:"guides_dir"`
	OAuthOffered    []string        `yaml:"oauth_offered"`
}

// OnlyConfig narrows notices to a pilot; an empty list narrows nothing.
type OnlyConfig struct {
	Tenants   []string `yaml:"tenants"`
	Providers []string `yaml:"providers"`
	Verdicts  []string `yaml:"verdicts"`
}

// GuardConfig has the limits beyond which a run does not speak.
type GuardConfig struct {
	MaxNewFailures Percent `yaml:"max_new_failures"`
	MinNewFailures int     `yaml:"min_new_failures"`
	MaxUnreachable Percent `yaml:"max_unreachable"`
	MaxSourceLoss  Percent `yaml:"max_source_loss"`
}

// ReportConfig says where the report's files go.
type ReportConfig struct {
	Dir       string `yaml:"dir"`
	URL       string `yaml:"url"`
	Addresses string `yaml:"addresses"` // "masked" or "full"
}

// MetricsConfig says how metrics are fetched or handed over.
type MetricsConfig struct {
	Listen      string           `yaml:"listen"`
	Pushgateway providers.Secret `yaml:"pushgateway"` // the URL may carry a password
	Textfile    string           `yaml:"textfile"`
}
