package config

import (
	"fmt"
	"net/mail"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mailaudit/providers"
)

// readEveryKey reads testdata/every-key.yaml, in which no key has its default, as far as values go:
// taken together some of them do not agree.
func readEveryKey(t *testing.T) (*Config, *configFile) {
	t.Helper()
	data, err := os.ReadFile("testdata/every-key.yaml")
	if err != nil {
		t.Fatal(err)
	}
	f := &configFile{name: "every-key.yaml", given: map[string]given{}, changed: map[string]bool{},
		surroundings: surroundings{lookupEnv: variables(nil), readFile: readBounded}}
	root, err := f.parse(data)
	if err != nil {
		t.Fatal(err)
	}
	c := Default()
	if err := f.bind("", root, valueOf(c)); err != nil {
		t.Fatal(err)
	}
	return c, f
}

func TestEveryKeyArrives(t *testing.T) {
	c, f := readEveryKey(t)
	for _, key := range allKeys() {
		if !f.changed[someProvider(key)] {
			t.Errorf("%s is not set by the file, or to its default", key)
		}
	}
	chicago, err := time.LoadLocation("America/Chicago")
	if err != nil {
		t.Fatal(err)
	}
	want := &Config{
		Database: Database{Kind: "postgres",
			URL: providers.NewSecret("postgres://audit:db-secret@db.example.com:5432/audit?sslmode=verify-full")},
		Accounts: Accounts{
			Database: Database{Kind: "postgres", URL: providers.NewSecret("postgres://reader:db-secret@db.example.com/product")},
			Relation: "product.mail_accounts",
		},
		FingerprintKey: KeySource{"env", "FINGERPRINT"},
		Installation:   "production",
		DatabasePooler: "transaction",
		Keyset:         KeySource{"exec", "/usr/bin/opener --quick"},
		TimeZone:       chicago,
		Window:         5*time.Hour + 30*time.Minute,
		DeliverWithin:  3 * time.Minute,
		Network: Network{
			ConnectTo: HostMap{
				"smtp.gmail.com:465":     "127.0.0.1:20465",
				"smtp.office365.com:587": "[::1]:20587",
			},
			TLSCA: "testdata/authority.pem", AllowPrivate: true, Timeout: 20 * time.Second,
			Proxy: "socks5://proxy.example.com:1080", EHLO: "audit.example.com",
			Deny:  []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8::/32")},
			Ports: []int{465, 10587},
		},
		Providers:      Default().Providers,
		AttemptsPerDay: 3,
		RetryAfter:     15 * time.Minute,
		RecheckRefused: 14 * 24 * time.Hour,
		Relay: Relay{
			URL:      RelayURL{Security: "tls", Host: "mail.example.com", Port: 465},
			Username: "mailer", Password: providers.NewSecret("relay-secret"),
			From:    mail.Address{Name: "Example Support", Address: "support@example.com"},
			ReplyTo: mail.Address{Address: "help@example.com"},
			MaxRate: Rate{100, time.Hour},
		},
		Slack: Slack{
			Token: providers.NewSecret("slack-secret"), Channel: "#mail-audit",
			Webhook: providers.NewSecret("https://hooks.slack.example/services/hook-secret"),
			APIURL:  "http://localhost:9999/api/", Show: "names",
			CommandPrefix: "kubectl -n mail exec deploy/mailaudit --",
			AppToken:      providers.NewSecret("xapp-app-secret"), Approvers: []string{"U024BE7LH", "W0ANN"}, TwoApproversAbove: 25,
		},
		Notices: Notices{
			Mode: "live", ConfirmNights: 3, RemindAfter: []time.Duration{24 * time.Hour, 14 * 24 * time.Hour},
			SendBetween: SendWindow{
				Days: [7]bool{time.Saturday: true, time.Monday: true, time.Tuesday: true},
				From: 8*time.Hour + 30*time.Minute, To: 17 * time.Hour,
			},
			MaxPerNight: 51, MaxPerRecipient: 4, MaxPerTenant: 21, MaxAheadPerNight: 201,
			Only:    Only{Tenants: []string{"t-1"}, Providers: []string{"google", "other"}, Verdicts: []string{"revoked"}},
			Product: "Example", SettingsURL: "https://app.example.com/settings", GuideURL: "https://help.example.com", ShowMailbox: "masked", UnsentMail: "Unsent mail waits.",
			Logo: "testdata/logo.png", Colour: "#1A73e8", Support: "Example Support, 555-0142",
			RecheckWithin: "15 minutes", GuidesDir: "guides", OAuthOffered: []string{"microsoft"},
		},
		Guard:  Guard{MaxNewFailures: 0.025, MinNewFailures: 20, MinCoverage: 0.9, MaxUnreachable: 0.3, MaxSourceLoss: 0},
		Report: Report{Dir: "/var/lib/mailaudit", URL: "https://audit.example.com/reports", AccountURL: "https://app.example.com/tenants/{tenant_id}?account={account_id}", Addresses: "full"},
		Metrics: Metrics{Listen: ":9000",
			Pushgateway: providers.NewSecret("http://user:push-secret@push.example.com:9091"),
			Textfile:    "/var/lib/node/mailaudit.prom"},
		RulesDir:     "testdata/rules",
		Watch:        45 * time.Second,
		ReuseTraffic: ReuseTraffic{Within: 24 * time.Hour, AtMost: 48 * time.Hour}, Attestations: "app.attestations",
		API:        API{Listen: "0.0.0.0:9465", Token: providers.NewSecret("api-secret-of-thirty-two-bytes-or-more")},
		Events:     Events{URL: "https://app.example.com/hooks/mailaudit", Secret: providers.NewSecret("whsec_ZXZlbnQtc2VjcmV0LW9mLTI0LWJ5dGVz")},
		Evidence:   Evidence{SigningKey: KeySource{"env", "MAILAUDIT_SIGNING_KEY"}},
		DeadManURL: providers.NewSecret("https://hc.example.com/dead-secret"),
		Retention:  (2*365 + 26*7) * 24 * time.Hour,
	}
	want.Providers["google"] = Provider{
		MaxConcurrency: 8, MaxRate: Rate{90, time.Minute}, MaxRefusals: 5,
		Canaries: Canaries{Good: []string{"1001", "1002"}, Bad: []string{"1003"}},
		OAuth: OAuth{ClientID: "client", ClientSecret: providers.NewSecret("oauth-secret"),
			TokenURL: "http://127.0.0.1:8080/token", SecretExpires: time.Date(2027, 3, 31, 0, 0, 0, 0, time.UTC)},
	}
	yahoo := want.Providers["yahoo"]
	yahoo.OAuth.AOL = OAuthClient{ClientID: "aol-client", ClientSecret: providers.NewSecret("aol-secret"),
		TokenURL: "https://tokens.example.com/aol", SecretExpires: time.Date(2027, 6, 30, 0, 0, 0, 0, time.UTC)}
	want.Providers["yahoo"] = yahoo
	if c.Schedule.Spec != "30 3 * * 1-5" || c.Schedule.Times == nil {
		t.Errorf("schedule %+v", c.Schedule)
	}
	want.Schedule = c.Schedule
	if diff := cmp.Diff(want, c, compareConfig); diff != "" {
		t.Error(diff)
	}
	if got := c.FingerprintSource(); got != c.FingerprintKey {
		t.Errorf("fingerprint key from %s", got)
	}
}

// Of all those values the only fault is that Slack is told two ways.
func TestEveryKeyIsChecked(t *testing.T) {
	c, f := readEveryKey(t)
	k := &checker{configFile: f}
	for _, check := range []func(*Config){k.storage, k.night, k.network, k.relay, k.notices, k.outputs} {
		check(c)
	}
	k.provider("providers.google", c.Providers["google"], true)
	k.provider("providers.yahoo", c.Providers["yahoo"], true)
	if err := k.first(); err != nil {
		t.Error(err)
	}
	if err := f.settle(c); err == nil || err.Error() != "every-key.yaml:55: slack.webhook: slack.token is set too; keep one of them" {
		t.Error(err)
	}
}

// What a released version could be told is understood for good: no key of its own is refused, nor any value of
// its form.
func TestReleasedConfigurationsAreUnderstood(t *testing.T) {
	files, err := filepath.Glob("../scenario/testdata/releases/*/*/every-key.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no configuration of a released version: %v", err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f := &configFile{name: name, given: map[string]given{}, changed: map[string]bool{},
			surroundings: surroundings{lookupEnv: variables(nil), readFile: readBounded}}
		root, err := f.parse(data)
		if err == nil {
			err = f.bind("", root, valueOf(Default()))
		}
		if err != nil {
			t.Error(err)
		}
	}
}

// Whatever is printed of a configuration, no secret is among it.
func TestConfigPrintsNoSecret(t *testing.T) {
	c, f := readEveryKey(t)
	if text := printed(c); strings.Contains(text, "-secret") {
		t.Error(text)
	}
	for key, g := range f.given {
		if strings.Contains(g.subject(), "-secret") {
			t.Errorf("%s would be shown in an error", key)
		}
	}
}

func printed(c *Config) string {
	var all strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		fmt.Fprintf(&all, verb, *c)
	}
	return all.String()
}
