package config

import (
	"encoding/base64"
	"fmt"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/seal"
	"mailaudit/providers"
	"mailaudit/providers/catalog"
)

// providerNames are the providers that the configuration knows: a new one of the catalog is known at once.
var providerNames = func() (names []string) {
	for _, p := range catalog.All() {
		names = append(names, p.Name)
	}
	return names
}()

// settle refuses values that cannot be meant, alone or together, and moves what the file may say in two
// ways to one place.
func (f *configFile) settle(c *Config) error {
	k := &checker{configFile: f}
	k.storage(c)
	k.night(c)
	k.network(c)
	for _, name := range providerNames {
		k.provider("providers."+name, c.Providers[name], c.Network.AllowPrivate)
	}
	k.relay(c)
	k.slack(c)
	k.notices(c)
	k.outputs(c)
	k.api(c)
	k.events(c)
	k.rules(c)
	return k.first()
}

func (k *checker) storage(c *Config) {
	if c.Database.Kind == "" {
		k.wrong("database", "is empty; write sqlite:PATH or a PostgreSQL URL")
	}
	if c.Accounts.Database.Kind == SQLite {
		k.wrong("accounts.database", "is not a PostgreSQL URL")
	}
	k.oneOf("database_pooler", c.DatabasePooler, "", "transaction")
	if c.DatabasePooler != "" && c.Database.Kind == SQLite {
		k.conflict("database_pooler", "is for PostgreSQL alone, and database is a SQLite file")
	}
	switch {
	case c.Keyset.Kind == "":
		k.wrong("keyset", "is empty; write file:PATH or env:NAME")
	case c.Keyset.Kind == "none" && c.Accounts.Relation == "":
		k.conflict("keyset", "none is for a relation that hands out open secrets: accounts.relation is needed beside it")
	}
	if c.Keyset.Kind == "exec" {
		_, err := seal.Words(c.Keyset.Value)
		k.predicate("keyset", err)
	}
	if c.Evidence.SigningKey.Kind != "" {
		k.keySource("evidence.signing_key", c.Evidence.SigningKey, "file", "env")
	}
	if c.FingerprintKey.Kind != "" {
		k.keySource("fingerprint_key", c.FingerprintKey, "file", "env")
	} else if c.Keyset.Kind != "file" && c.Keyset.Kind != "" {
		k.conflict("keyset", "is not a file, so fingerprint_key has no default; set it to file:PATH or env:NAME")
	}
}

// leastRetention is how far back a night looks.
const leastRetention = 30 * 24 * time.Hour

func (k *checker) night(c *Config) {
	k.positive("window", c.Window)
	if c.Window > 24*time.Hour {
		k.wrong("window", "is longer than a day; the next night would begin within it")
	}
	k.atLeast("attempts_per_day", c.AttemptsPerDay, 1)
	k.positive("retry_after", c.RetryAfter)
	if c.ReuseTraffic.Within > 0 {
		k.positive("reuse_traffic.at_most", c.ReuseTraffic.AtMost)
	}
	if c.Retention < leastRetention {
		k.wrong("retention", "is less than 30d; guards, reminders and the caps on mails look back that far")
	}
	k.atLeast("guard.min_new_failures", c.Guard.MinNewFailures, 0)
}

func (k *checker) network(c *Config) {
	k.hostMap("network.connect_to", c.Network.ConnectTo)
	k.certificates("network.tls_ca", c.Network.TLSCA)
	k.positive("network.timeout", c.Network.Timeout)
	if c.Network.Proxy != "" {
		k.predicate("network.proxy", checkProxy(c.Network.Proxy))
	}
	k.ehlo("network.ehlo", c.Network.EHLO)
	for i, port := range c.Network.Ports {
		if port < 1 || port > 65535 {
			k.wrong(fmt.Sprintf("network.ports[%d]", i), "is not a port")
		}
	}
	if _, named := k.given["network.ports"]; !named && c.Network.AllowPrivate {
		c.Network.Ports = nil // servers of one's own may listen anywhere
	}
}

func (k *checker) provider(key string, p Provider, allowPrivate bool) {
	k.atLeast(key+".max_concurrency", p.MaxConcurrency, 1)
	k.atLeast(key+".max_refusals", p.MaxRefusals, 0)
	k.ids(key+".canaries.good", p.Canaries.Good)
	k.ids(key+".canaries.bad", p.Canaries.Bad)
	k.distinct(key+".canaries.bad", p.Canaries.Good, p.Canaries.Bad)
	rule := httpsAndNoHTTP
	if allowPrivate {
		rule = httpsOrLocal
	}
	for brand, client := range p.OAuth.Clients() {
		under := OAuthKey(key, brand)
		k.url(under+".token_url", client.TokenURL, rule)
		if client.ClientID == "" && !client.ClientSecret.Empty() {
			k.conflict(under+".client_secret", "needs client_id beside it")
		}
	}
	if p.OAuth.AOL.ClientID != "" && key != "providers.yahoo" {
		k.conflict(key+".oauth.aol", "is for providers.yahoo alone")
	}
}

func (k *checker) relay(c *Config) {
	r := &c.Relay
	if user := r.URL.userinfo; user != nil {
		if r.Username != "" || !r.Password.Empty() {
			k.conflict("relay.url", "has a user name in it, and relay.username or relay.password is set too; keep one of them")
		}
		password, _ := user.Password()
		r.Username, r.Password = user.Username(), providers.NewSecret(password)
		r.URL.userinfo = nil
	}
	switch {
	case r.Username != "" && r.Password.Empty():
		k.conflict(k.nearer("relay.username", "relay.url"), "the relay has a user name and no password")
	case r.Username == "" && !r.Password.Empty():
		k.conflict(k.nearer("relay.password", "relay.url"), "the relay has a password and no user name")
	case r.Username != "" && !r.URL.Given():
		k.conflict("relay.username", "needs relay.url")
	}
}

// nearer gives the key that stands in the file.
func (k *checker) nearer(key, other string) string {
	if _, ok := k.given[key]; ok {
		return key
	}
	return other
}

func (k *checker) slack(c *Config) {
	s := c.Slack
	k.oneOf("slack.show", s.Show, "ids", "names")
	k.url("slack.api_url", s.APIURL, httpsOrLocal)
	k.secretURL("slack.webhook", s.Webhook, httpsOrLocal)
	switch {
	case !s.Token.Empty() && !s.Webhook.Empty():
		k.conflict("slack.webhook", "slack.token is set too; keep one of them")
	case !s.Token.Empty() && s.Channel == "":
		k.conflict("slack.token", "needs slack.channel")
	case !s.Webhook.Empty() && s.Channel != "":
		k.conflict("slack.channel", "is for slack.token; a webhook has its own channel")
	case !s.AppToken.Empty() && s.Token.Empty():
		k.conflict("slack.app_token", "needs slack.token and slack.channel: a webhook's messages have no buttons")
	}
	if text := s.AppToken.Reveal(); text != "" && !strings.HasPrefix(text, "xapp-") {
		k.wrong("slack.app_token", "is not an app-level token: xapp-…, with the scope connections:write")
	}
	different := map[string]bool{}
	for i, id := range s.Approvers {
		if different[id] = true; !slackUser.MatchString(id) {
			k.wrong(index("slack.approvers", i), "is not a Slack user id such as U024BE7LH")
		}
	}
	k.atLeast("slack.two_approvers_above", s.TwoApproversAbove, 0)
	if s.TwoApproversAbove > 0 && len(different) < 2 {
		k.conflict("slack.two_approvers_above", "needs two different people in slack.approvers")
	}
}

var slackUser = regexp.MustCompile(`^[UW][A-Z0-9]{2,20}$`)

func (k *checker) notices(c *Config) {
	n := c.Notices
	k.oneOf("notices.mode", n.Mode, "shadow", "live", "off")
	if n.Mode == "live" {
		if !c.Relay.URL.Given() {
			k.conflict("notices.mode", "live needs relay.url")
		} else if c.Relay.From.Address == "" {
			k.conflict("notices.mode", "live needs relay.from")
		}
	}
	k.atLeast("notices.confirm_nights", n.ConfirmNights, 1)
	k.ascending("notices.remind_after", n.RemindAfter)
	k.atLeast("notices.max_per_night", n.MaxPerNight, 1)
	k.atLeast("notices.max_per_recipient", n.MaxPerRecipient, 1)
	k.atLeast("notices.max_per_tenant", n.MaxPerTenant, 1)
	k.atLeast("notices.max_ahead_per_night", n.MaxAheadPerNight, 1)
	k.ids("notices.only.tenants", n.Only.Tenants)
	k.providerNames("notices.only.providers", n.Only.Providers)
	k.providerNames("notices.oauth_offered", n.OAuthOffered)
	told := toldVerdicts()
	for i, verdict := range n.Only.Verdicts {
		k.oneOf(index("notices.only.verdicts", i), verdict, told...)
	}
	if n.Product == "" {
		k.wrong("notices.product", "is empty; customers must read who writes to them")
	}
	k.url("notices.settings_url", n.SettingsURL, anyWeb)
	k.placeholders("notices.settings_url", n.SettingsURL)
	k.url("notices.guide_url", n.GuideURL, anyWeb)
	k.oneOf("notices.show_mailbox", n.ShowMailbox, "auto", "full", "masked")
	k.picture("notices.logo", n.Logo)
	k.colour("notices.colour", n.Colour)
}

// toldVerdicts are those that a customer can be told of.
func toldVerdicts() []string {
	var words []string
	for _, v := range audit.Verdicts {
		if v.Failing() {
			words = append(words, string(v))
		}
	}
	return slices.Clip(words)
}

func (k *checker) outputs(c *Config) {
	k.oneOf("report.addresses", c.Report.Addresses, "masked", "full")
	k.url("report.account_url", c.Report.AccountURL, anyWeb)
	k.placeholders("report.account_url", c.Report.AccountURL)
	k.url("report.url", c.Report.URL, anyWeb)
	k.listenAddress("metrics.listen", c.Metrics.Listen)
	k.secretURL("metrics.pushgateway", c.Metrics.Pushgateway, webWithSecret)
	k.secretURL("dead_man_url", c.DeadManURL, webWithSecret)
}

// leastToken is how many bytes a token has that others on the network may guess at.
const leastToken = 32

func (k *checker) api(c *Config) {
	k.listenAddress("api.listen", c.API.Listen)
	host, _, err := net.SplitHostPort(c.API.Listen)
	switch {
	case c.API.Listen == "" || err != nil:
	case c.API.Token.Empty():
		k.conflict("api.listen", "needs api.token")
	case !isLoopback(host) && len(c.API.Token.Reveal()) < leastToken:
		k.conflict(k.nearer("api.token", "api.listen"), "a listen address that is not loopback needs a token of 32 bytes or more: openssl rand -base64 33 makes one")
	}
}

func (k *checker) events(c *Config) {
	rule := httpsAndNoHTTP
	if c.Network.AllowPrivate {
		rule = httpsOrLocal
	}
	k.url("events.url", c.Events.URL, rule)
	secrets := strings.Fields(c.Events.Secret.Reveal())
	switch {
	case c.Events.URL != "" && len(secrets) == 0:
		k.conflict("events.url", "needs events.secret")
	case len(secrets) > 2:
		k.wrong("events.secret", "has more than two secrets in it")
	}
	for _, secret := range secrets {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		if err != nil || !strings.HasPrefix(secret, "whsec_") || len(key) < leastSigning {
			k.wrong("events.secret", "is not whsec_ and the base64 of 24 bytes or more")
			break
		}
	}
}

// leastSigning is how many bytes the key of a webhook has, as Standard Webhooks asks.
const leastSigning = 24

// rules reads the operator's own rules, so that a fault in them is found before anything is asked.
func (k *checker) rules(c *Config) {
	if c.RulesDir == "" {
		return
	}
	var err error
	if c.rules, err = catalog.Open(os.DirFS(c.RulesDir)); err != nil {
		k.wrong("rules_dir", "holds what cannot be meant: "+err.Error())
	}
}
