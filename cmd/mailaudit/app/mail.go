package app

import (
	"context"
	"fmt"
	"os"
	"sync"

	"mailaudit/audit"
	"mailaudit/audit/ask"
	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/providers"
	"mailaudit/providers/catalog"
	"mailaudit/report/notice"
)

// LetterSettings are the configuration's words for the customer mails.
func (s *Setup) LetterSettings() (notice.Settings, error) {
	n := s.Config.Notices
	load := builtInGuides
	if n.GuidesDir != "" {
		load = func() (*notice.Guides, error) { return notice.LoadGuides(catalog.All(), os.DirFS(n.GuidesDir)) }
	}
	guides, err := load()
	if err != nil {
		return notice.Settings{}, exit.Usagef("guides: %w", err)
	}
	var logo []byte
	if n.Logo != "" {
		if logo, err = os.ReadFile(n.Logo); err != nil {
			return notice.Settings{}, exit.Usagef("read notices.logo: %w", err)
		}
	}
	words := notice.Settings{
		Product:       n.Product,
		SettingsURL:   n.SettingsURL,
		ShowMailbox:   n.ShowMailbox,
		UnsentMail:    n.UnsentMail,
		PublicDomain:  catalog.Resolver(nil).OwnsDomain,
		GuideURL:      n.GuideURL,
		Logo:          logo,
		Colour:        n.Colour,
		Support:       n.Support,
		RecheckWithin: n.RecheckWithin,
		OAuthOffered:  n.OAuthOffered,
		Installation:  s.Config.Installation,
		Guides:        guides,
	}
	if s.Config.Relay.From.Address != "" {
		words.From = s.Config.Relay.From.String()
	}
	if s.Config.Relay.ReplyTo.Address != "" {
		words.ReplyTo = s.Config.Relay.ReplyTo.String()
	}
	return words, nil
}

// builtInGuides are read once in a process.
var builtInGuides = sync.OnceValues(func() (*notice.Guides, error) { return notice.LoadGuides(catalog.All(), nil) })

// Carrier is a relay, or what a test puts in its place.
type Carrier interface {
	notice.Carrier
	Close() error
}

// configuredRelay is nil where none is configured.
func (s *Setup) configuredRelay() (Carrier, error) {
	sender, err := s.Sender()
	if err != nil || sender == nil {
		return nil, err
	}
	return sender, nil
}

// Sender is the way to the relay; nil where none is configured.
func (s *Setup) Sender() (*notice.Sender, error) {
	r := s.Config.Relay
	if r.URL.Host == "" {
		return nil, nil
	}
	roots, err := rootCAs(s.Config.Network.TLSCA)
	if err != nil {
		return nil, err
	}
	sender, err := notice.NewSender(notice.Relay{
		URL:      r.URL.String(),
		Username: r.Username,
		Password: r.Password,
		MaxRate:  r.MaxRate.PerSecond(),
		RootCAs:  roots,
		EHLO:     s.Config.Network.EHLO,
	})
	if err != nil {
		return nil, exit.Usagef("relay: %w", err)
	}
	return sender, nil
}

// dispatcher sends notices; nil where there is no relay.
func (a *App) dispatcher() (*notice.Dispatcher, func() error, error) {
	relay, err := a.Relay()
	if err != nil || relay == nil {
		return nil, func() error { return nil }, err
	}
	settings, err := a.LetterSettings()
	if err != nil {
		return nil, nil, err
	}
	return &notice.Dispatcher{
		Outbox:   a.Store,
		Accounts: a.Source,
		Carrier:  relay,
		Only:     a.Auditor.Outbox.Policy.Only,
		Settings: settings,
		Allowance: func(ctx context.Context) (audit.Allowance, error) {
			return a.Auditor.Outbox.Allowance(ctx, a.Caps())
		},
		Changed:        a.secretChanged,
		SuppressReason: a.Auditor.Outbox.SuppressReason,
		Refused:        a.refused,
		Bounced:        a.Store.Bounced,
		Keep:           a.Heard.Mark,
		Now:            a.Now,
		Zone:           a.Config.TimeZone,
		Log:            a.Log,
	}, relay.Close, nil
}

// refused reads the relay's words about a recipient by the rules of the recipient's own provider.
func (a *App) refused(ctx context.Context, to string, r providers.Reply) notice.Refusal {
	target, err := a.Auditor.Ask.Resolve(ctx, audit.Account{Address: to})
	if err != nil || target.Provider == nil {
		return notice.Refusal{Class: a.Config.Rules().Shared().Read(r).Class}
	}
	return notice.Refusal{Provider: target.Provider.Name, Class: target.Provider.Rules.Read(r).Class}
}

// secretChanged reports whether the stored secret is another than the one that was asked. Products renew their
// refresh tokens as they go: a new one is the customer's doing only where the old one was dead.
func (a *App) secretChanged(ctx context.Context, acc audit.Account, st audit.State) (bool, error) {
	if v := st.Settled.Verdict; acc.Auth == audit.AuthOAuth2 && v != audit.Revoked && v != audit.Invalid {
		return false, nil
	}
	sealed, err := a.Source.SealedSecrets(ctx, []string{acc.ID})
	if err != nil {
		return false, err
	}
	secret, err := a.Keys.Open(acc.ID, sealed[acc.ID])
	if err != nil {
		return false, err
	}
	return st.Fingerprint != "" && !ask.IsSecret(a.Keys, st, acc.ID, secret, st.Fingerprint), nil
}

// subjectFor is the subject of the mail that the account's verdict would bring.
func (a *App) subjectFor(got ask.Checked) (string, error) {
	settings, err := a.LetterSettings()
	if err != nil {
		return "", err
	}
	if settings.From == "" {
		settings.From = placeholderFrom
	}
	m, err := notice.Compose(notice.Letter{
		Number: 0, Kind: audit.KindFinding, Provider: got.Result.Provider, Locale: got.Account.Locale,
		TenantName: got.Account.TenantName, ContactName: got.Account.ContactName, ContactEmail: placeholderTo, Date: a.Now(),
		Items: []notice.Item{{
			Mailbox: got.Account.Address, Brand: got.Result.Brand, Verdict: got.Result.Verdict,
			Grant: got.Account.Auth == audit.AuthOAuth2,
			Actor: got.Result.Actor, Since: a.Now(),
		}},
	}, settings)
	return m.Subject, err
}

// Letters that are composed to be looked at have addresses that lead nowhere (RFC 2606).
const (
	placeholderFrom = "Support <support@example.com>"
	placeholderTo   = "contact@example.com"
)

// WouldTell says in a sentence what the customer would be told of this verdict, and when.
func (a *App) WouldTell(got ask.Checked) (string, error) {
	v := got.Result.Verdict
	switch {
	case v == audit.Unverified:
		return "is not notified: nothing can be said now", nil
	case !v.Failing():
		return "is not notified: the credential was accepted", nil
	}
	subject, err := a.subjectFor(got)
	if err != nil {
		return "", err
	}
	when := "with the same run"
	if got.Result.Certainty != providers.Definite {
		when = fmt.Sprintf("after %d failed runs in a row", a.Config.Notices.ConfirmNights)
	}
	return fmt.Sprintf("would be notified %s: %q (notices.mode is %s)", when, subject, a.Config.Notices.Mode), nil
}

// Preview is a desk that shows notices and sends none.
func (a *App) Preview() (*notice.Dispatcher, error) {
	settings, err := a.LetterSettings()
	if err != nil {
		return nil, err
	}
	if settings.From == "" {
		settings.From = placeholderFrom
	}
	return &notice.Dispatcher{
		Outbox: a.Store, Accounts: a.Source, Settings: settings, Changed: a.secretChanged, SuppressReason: a.Auditor.Outbox.SuppressReason,
		Only: a.Auditor.Outbox.Policy.Only, Now: a.Now, Zone: a.Config.TimeZone, Log: a.Log,
	}, nil
}
