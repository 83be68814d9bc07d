package config

import (
	"fmt"
	"strings"
	"time"
)

// Danger is a setting that is valid and can do harm: what it does, and what to set instead.
type Danger struct {
	Key  string `json:"key"`
	What string `json:"what"` // "mail leaves at any hour"
	Fix  string `json:"fix"`
}

// Dangers lists what is dangerous in the configuration, in the order of the file.
func (c *Config) Dangers() []Danger {
	var all []Danger
	add := func(is bool, key, what, fix string) {
		if is {
			all = append(all, Danger{key, what, fix})
		}
	}
	live := c.Notices.Mode == "live"
	add(c.Exposed() != "", strings.Join(c.written, ", "), "others on this machine may read the file with the secret in it", "chmod 600 "+c.exposedFile+", or ${file:PATH}")
	add(c.Keyset.Kind == "none", "keyset", "the source hands out open secrets: whoever reads it reads every password", "seal them: file:PATH, or exec: and unix: where the product seals them")
	add(c.FingerprintKey.Kind == "env", "fingerprint_key", "a child process inherits the key", "use file:PATH")
	add(c.Window < time.Hour, "window", "a window of "+durationText(c.Window)+" leaves accounts unverified", "use at least 1h for more than a trial")
	add(len(c.Network.ConnectTo) > 0, "network.connect_to", fmt.Sprintf("%d hosts are reached elsewhere than their name says", len(c.Network.ConnectTo)), "remove it outside of tests")
	add(c.Network.AllowPrivate, "network.allow_private", "a customer who stores an internal host name has mailaudit connect to it", "false, unless the accounts' servers are your own")
	for _, name := range providerNames {
		p := c.Providers[name]
		key := "providers." + name
		add(name != "other" && p.MaxConcurrency > 50, key+".max_concurrency", fmt.Sprintf("up to %d sign-ins at once, from the address that the product's mail may leave by", p.MaxConcurrency), "50 or less")
		add(name == "other" && p.MaxRefusals == 0, key+".max_refusals", "a shared host that bans after a few refusals bans your address", "3")
	}
	add(c.AttemptsPerDay > 3, "attempts_per_day", fmt.Sprintf("%d sign-ins a day with a wrong password can lock a mailbox", c.AttemptsPerDay), "2")
	add(c.RecheckRefused < day, "recheck_refused", "a refused secret is tried every day, which can lock a mailbox", "168h")
	add(c.ReuseTraffic.Within > 0 && c.ReuseTraffic.AtMost > 7*day, "reuse_traffic.at_most", "a revoked password is asked for the first time after "+durationText(c.ReuseTraffic.AtMost)+" at worst, if last_sent_ok_at goes on", "72h")
	add(c.Relay.URL.Security == RelayPlain, "relay.url", "notices and the relay's password leave without TLS", "smtp:// or smtps://")
	add(live && c.Slack.Token.Empty() && c.Slack.Webhook.Empty(), "slack", "no summary is posted: nobody sees a hold or an outage", "set slack.token and slack.channel, or slack.webhook")
	add(c.Slack.Show == "names", "slack.show", "tenants' names stand in Slack", "ids, unless the channel may know them")
	add(live && c.Notices.SendBetween.To == 0, "notices.send_between", "mail leaves at once, at night too", `"Mon-Fri 09:00-16:00"`)
	add(live && c.Notices.ConfirmNights < 2, "notices.confirm_nights", "one bad answer of a provider is enough to notify a customer", "2")
	add(live && c.Notices.MaxPerNight > 1000, "notices.max_per_night", fmt.Sprintf("up to %d customers are notified before anybody has read the report", c.Notices.MaxPerNight), "50, raised once the first reports were right")
	add(live && c.Notices.Support == "", "notices.support", "customers have nobody to call", `"Example Support, 555-0142"`)
	add(live && c.Notices.SettingsURL == "", "notices.settings_url", "notices do not say where to enter the new password", "the page of the product's mail settings")
	add(c.Guard.MaxNewFailures > 0.10, "guard.max_new_failures", "a provider's outage can be mailed to customers before it is held", "1%")
	add(c.Guard.MinNewFailures > 100, "guard.min_new_failures", fmt.Sprintf("up to %d wrong accusations pass without a hold", c.Guard.MinNewFailures), "10")
	add(c.Guard.MaxUnreachable > 0.50, "guard.max_unreachable", "half an outage is taken for the customers' own trouble", "20%")
	add(c.Guard.MaxSourceLoss > 0.25, "guard.max_source_loss", "a source that lost a quarter of its accounts closes their findings", "5%")
	add(c.Report.Addresses == "full", "report.addresses", "mailboxes stand in files in full", "masked")
	add(c.DeadManURL.Empty(), "dead_man_url", "nobody notices when no run starts at all", "the address of a dead man's switch")
	return all
}
