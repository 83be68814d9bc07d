package main

import (
	"context"
	"os"
	"sync"

	"mailaudit/audit"
	"mailaudit/providers"
	"mailaudit/providers/catalog"
	"mailaudit/report/notice"
)

// letterSettings are the configuration's words for the customer mails.
func (s *setup) letterSettings() (notice.Settings, error) {
	n := s.config.Notices
	load := builtInGuides
	if n.GuidesDir != "" {
		load = func() (*notice.Guides, error) { return notice.LoadGuides(catalog.All(), os.DirFS(n.GuidesDir)) }
	}
	guides, err := load()
	if err != nil {
		return notice.Settings{}, usageError("guides: %w", err)
	}
	var logo []byte
	if n.Logo != "" {
		if logo, err = os.ReadFile(n.Logo); err != nil {
			return notice.Settings{}, usageError("read notices.logo: %w", err)
		}
	}
	words := notice.Settings{
		Product:       n.Product,
		SettingsURL:   n.SettingsURL,
		GuideURL:      n.GuideURL,
		Logo:          logo,
		Colour:        n.Colour,
		Support:       n.Support,
		RecheckWithin: n.RecheckWithin,
		OAuthOffered:  n.OAuthOffered,
		Installation:  s.config.Installation,
		Guides:        guides,
	}
	if s.config.Relay.From.Address != "" {
		words.From = s.config.Relay.From.String()
	}
	if s.config.Relay.ReplyTo.Address != "" {
		words.ReplyTo = s.config.Relay.ReplyTo.String()
	}
	return words, nil
}

// builtInGuides are read once in a process.
var builtInGuides = sync.OnceValues(func() (*notice.Guides, error) { return notice.LoadGuides(catalog.All(), nil) })

// carrier is a relay, or what a test puts in its place.
type carrier interface {
	notice.Carrier
	Close() error
}

// configuredRelay is nil where none is configured.
func (s *setup) configuredRelay() (carrier, error) {
	sender, err := s.sender()
	if err != nil || sender == nil {
		return nil, err
	}
	return sender, nil
}

// sender is the way to the relay; nil where none is configured.
func (s *setup) sender() (*notice.Sender, error) {
	r := s.config.Relay
	if r.URL.Host == "" {
		return nil, nil
	}
	roots, err := rootCAs(s.config.Network.TLSCA)
	if err != nil {
		return nil, err
	}
	sender, err := notice.NewSender(notice.Relay{
		URL:      r.URL.String(),
		Username: r.Username,
		Password: r.Password,
		MaxRate:  r.MaxRate.PerSecond(),
		RootCAs:  roots,
		EHLO:     s.config.Network.EHLO,
	})
	if err != nil {
		return nil, usageError("relay: %w", err)
	}
	return sender, nil
}

// desk sends notices; nil where there is no relay.
func (a *app) desk() (*notice.Desk, func() error, error) {
	relay, err := a.relay()
	if err != nil || relay == nil {
		return nil, func() error { return nil }, err
	}
	settings, err := a.letterSettings()
	if err != nil {
		return nil, nil, err
	}
	return &notice.Desk{
		Outbox:   a.store,
		Accounts: a.source,
		Carrier:  relay,
		Settings: settings,
		Allowance: func(ctx context.Context) (audit.Allowance, error) {
			return a.auditor.Allowance(ctx, a.caps())
		},
		Changed:  a.secretChanged,
		KeptBack: a.auditor.KeptBack,
		Refused:  a.refused,
		Bounced:  a.store.Bounced,
		Now:      a.now,
		Zone:     a.config.TimeZone,
		Log:      a.log,
	}, relay.Close, nil
}

// refused reads the relay's words about a recipient by the rules of the recipient's own provider.
func (a *app) refused(ctx context.Context, to string, r providers.Reply) notice.Refusal {
	target, err := a.auditor.Resolve(ctx, audit.Account{Address: to})
	if err != nil || target.Provider == nil {
		return notice.Refusal{Class: providers.CommonRules().Read(r).Class}
	}
	return notice.Refusal{Provider: target.Provider.Name, Class: target.Provider.Rules.Read(r).Class}
}

// secretChanged tells whether the stored secret is another than the one that was asked. Products renew their
// refresh tokens as they go: a new one is the customer's doing only where the old one was dead.
func (a *app) secretChanged(ctx context.Context, acc audit.Account, st audit.State) (bool, error) {
	if v := st.Settled.Verdict; acc.Auth == audit.AuthOAuth2 && v != audit.Revoked && v != audit.Invalid {
		return false, nil
	}
	sealed, err := a.source.SealedSecrets(ctx, []string{acc.ID})
	if err != nil {
		return false, err
	}
	secret, err := a.keys.open(acc.ID, sealed[acc.ID])
	if err != nil {
		return false, err
	}
	return st.Fingerprint != "" && a.keys.Secret(secret) != st.Fingerprint, nil
}

// subjectFor is the subject of the mail that the account's verdict would bring.
func (a *app) subjectFor(got audit.Checked) (string, error) {
	settings, err := a.letterSettings()
	if err != nil {
		return "", err
	}
	if settings.From == "" {
		settings.From = placeholderFrom
	}
	m, err := notice.Compose(notice.Letter{
		Number: 0, Kind: audit.KindFinding, Provider: got.Result.Provider, Locale: got.Account.Locale,
		TenantName: got.Account.TenantName, ContactName: got.Account.ContactName, ContactEmail: placeholderTo, Date: a.now(),
		Items: []notice.Item{{
			Mailbox: got.Account.Address, Brand: got.Result.Brand, Verdict: got.Result.Verdict,
			Grant: got.Account.Auth == audit.AuthOAuth2,
			Actor: got.Result.Actor, Since: a.now(),
		}},
	}, settings)
	return m.Subject, err
}

// Letters that are composed to be looked at have addresses that lead nowhere (RFC 2606).
const (
	placeholderFrom = "Support <support@example.com>"
	placeholderTo   = "contact@example.com"
)
