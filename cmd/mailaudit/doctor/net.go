package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"mailaudit/cmd/mailaudit/app"
	"mailaudit/providers"
	"mailaudit/providers/catalog"
	"mailaudit/report"
	"mailaudit/report/notice"
	"mailaudit/report/slack"
)

func (d *Doctor) relay(ctx context.Context) {
	if !d.Config.Relay.URL.Given() {
		d.note("relay", "none is configured; notices.mode live needs one")
		return
	}
	sender, err := d.Sender()
	if err == nil {
		defer sender.Close()
		err = sender.Check(ctx)
	}
	if err != nil {
		d.fail("relay", err, relayFix(err))
		return
	}
	d.ok("relay", "%s: login OK", d.Config.Relay.URL)
}

func relayFix(err error) string {
	var trouble *notice.RelayError
	if errors.As(err, &trouble) {
		if trouble.Stage == "hello" && trouble.Refused() {
			return "set network.ehlo to this host's full name as the relay knows it (the reply above is to our greeting), or have the relay let our address in"
		}
		switch trouble.Stage {
		case "auth":
			return "check relay.username and relay.password with whoever runs the relay"
		case "starttls", "hello":
			return "check the relay's certificate and name, relay.url (smtp:// is STARTTLS, smtps:// is TLS at once) and network.tls_ca"
		}
	}
	return "check relay.url, DNS and the firewall on the way to the relay"
}

func (d *Doctor) slack(ctx context.Context) {
	poster, err := d.SlackPoster()
	if err == nil && poster == nil {
		d.note("slack", "not configured; the summary goes to standard output")
		return
	}
	var found slack.Checked
	if err == nil {
		found, err = poster.Check(ctx)
	}
	if err != nil {
		d.fail("slack", err, slackFix(err))
		return
	}
	switch {
	case !d.Config.Slack.Webhook.Empty():
		d.ok("slack", "the webhook is there")
	case found.Team == "":
		d.ok("slack", "slack.api_url answers, and does not say to whom the token belongs")
	default:
		d.ok("slack", "%s of %s may post to %s", found.Bot, found.Team, cmp.Or(found.Channel, d.Config.Slack.Channel))
	}
	for _, note := range found.Notes {
		d.note("slack", "%s", note)
	}
	d.clicks(ctx, poster)
}

// clicks looks whether serve can take approvers' clicks, where it is to.
func (d *Doctor) clicks(ctx context.Context, poster *slack.Poster) {
	c := d.Config.Slack
	if c.AppToken.Empty() {
		return
	}
	if err := poster.CheckClicks(ctx, c.AppToken); err != nil {
		d.fail("clicks", err, slackFix(err))
		return
	}
	d.ok("clicks", "serve takes those of %s", report.Number(len(c.Approvers), "approver", "approvers"))
}

// slackFix is for what Slack's own refusals do not carry.
func slackFix(err error) string {
	var refused *slack.Error
	switch {
	case !errors.As(err, &refused), refused.Fix != "":
		return ""
	case refused.RetryAfter > 0:
		return "wait as long as it asks; a night waits by itself"
	case refused.Answered():
		return "it is Slack's own trouble: see slack-status.com, then ask again; a night's summary is posted when it is over"
	}
	return "check the way to Slack (DNS, firewall, slack.api_url), then ask again"
}

// skewTold is what a well-kept clock never shows; the run itself bears some minutes.
const skewTold = 30 * time.Second

func (d *Doctor) clock(ctx context.Context) {
	var store any
	if d.app != nil {
		store = d.app.Store
	}
	clocks := app.ClocksOf(d.Setup, store)
	if len(clocks) == 0 {
		d.note("clock", "not compared: without Slack and an OAuth client there is nobody to ask")
	}
	for _, clock := range clocks {
		skew, err := clock.Skew(ctx)
		switch {
		case err != nil:
			d.fail("clock", err, "see the lines on the database, slack and providers")
		case skew.Abs() > skewTold:
			d.fail("clock", fmt.Errorf("this machine's clock differs from that of %s by %v", clock.Whose, skew.Round(time.Second)), "have it set by NTP (timedatectl set-ntp true; in a container, on the node)")
		default:
			d.ok("clock", "agrees with that of %s", clock.Whose)
		}
	}
}

// endpointsEach are greeted at a provider.
const endpointsEach = 3

// accounts looks at what the first of them need.
func (d *Doctor) accounts(ctx context.Context) {
	accounts, err := d.sample(ctx)
	if err != nil {
		d.fail("providers", err, "see the line on accounts")
		return
	}
	d.clients(accounts)
	d.languages(accounts)
	d.endpoints(ctx, accounts)
}

// endpoints greets each provider where the accounts use it, without a credential.
func (d *Doctor) endpoints(ctx context.Context, accounts []placed) {
	found, err := d.collectEndpoints(ctx, accounts)
	if err != nil {
		d.fail("providers", err, "see the line on database")
		return
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		for _, e := range found[name] {
			d.greet(ctx, name, e)
		}
	}
}

func (d *Doctor) greet(ctx context.Context, provider string, e providers.Endpoint) {
	where := fmt.Sprintf("%s at %s:%d", app.Title(provider), e.Host, e.Port)
	// With no mechanism to offer the conversation ends before a credential.
	conv := d.app.Auditor.Ask.Converse(ctx, provider, providers.Attempt{Endpoint: e, Login: "nobody", Secret: providers.NewSecret("nothing")})
	if conv.Fault != providers.FaultNone && conv.Fault != providers.FaultNoMechanism {
		d.fail("provider", fmt.Errorf("%s: %s", where, cmp.Or(conv.Detail, string(conv.Fault))), wayFix(conv.Fault))
		return
	}
	if conv.Fault == providers.FaultNone && conv.Reply.Code >= 400 {
		d.fail("provider", fmt.Errorf("%s answers %d %s", where, conv.Reply.Code, conv.Reply.Text),
			"it turns this address away before anybody signs in: wait, or leave by another one (network.proxy)")
		return
	}
	by := ""
	if conv.LocalAddr.IsValid() {
		by = ", source IP " + conv.LocalAddr.String()
	}
	if d.Config.Network.Proxy != "" {
		by = ", through network.proxy"
	}
	d.ok("provider", "%s: connected, %s%s", where, cmp.Or(conv.TLSVersion, "TLS"), by)
}

func wayFix(f providers.Fault) string {
	switch f {
	case providers.FaultNoSuchHost, providers.FaultDNS:
		return "check the name service of this machine, and the host as it is stored"
	case providers.FaultTLSName, providers.FaultTLSUntrusted, providers.FaultTLS:
		return "something on the way opens TLS, or roots are missing: install ca-certificates, or set network.tls_ca"
	case providers.FaultAddressRefused:
		return "the host or port is ruled out; network.allow_private, network.deny and network.ports decide"
	case providers.FaultOurs:
		return "check network.proxy"
	}
	return "let this machine out to ports 465 and 587 (firewall, security group, NetworkPolicy), or set network.proxy"
}

// collectEndpoints gives, by provider, the endpoints that the first accounts use; where customers store
// hosts of their own, those say nothing of us and are left out.
func (d *Doctor) collectEndpoints(ctx context.Context, accounts []placed) (map[string][]providers.Endpoint, error) {
	found := map[string][]providers.Endpoint{}
	for _, a := range accounts {
		name, target := a.target.Provider.Name, a.target
		if target.Foreign || target.Endpoint.Host == "" || name == app.OtherProvider || len(found[name]) == endpointsEach || slices.Contains(found[name], target.Endpoint) {
			continue
		}
		found[name] = append(found[name], target.Endpoint)
	}
	if err := d.endpointsOfLastRun(ctx, found); err != nil {
		return nil, err
	}
	return found, nil
}

// endpointsOfLastRun adds the providers that the first accounts do not show.
func (d *Doctor) endpointsOfLastRun(ctx context.Context, found map[string][]providers.Endpoint) error {
	runs, err := d.app.Store.ListRuns(ctx, app.RunsLookedAt, false)
	if err != nil {
		return err
	}
	i := app.LastConcluded(runs)
	if i < 0 {
		return nil
	}
	for name, n := range runs[i].Numbers.Providers {
		p, ok := catalog.ByName(name)
		if !ok || n.Accounts == 0 || len(found[name]) > 0 {
			continue
		}
		for _, b := range p.Brands {
			if b.Endpoint.Host != "" {
				found[name] = append(found[name], b.Endpoint)
				break
			}
		}
	}
	return nil
}
