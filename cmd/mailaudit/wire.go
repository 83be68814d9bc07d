package main

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"os"
	"time"

	"mailaudit/audit"
	"mailaudit/cmd/mailaudit/config"
	"mailaudit/providers"
	"mailaudit/providers/catalog"
	"mailaudit/providers/dial"
)

// app is the program put together for one command. This file and those named for a part (keys.go, mail.go,
// summary.go) are the only ones that know both sides of each seam.
type app struct {
	config  *config.Config
	log     *slog.Logger
	around  *surroundingsOf
	store   storage
	source  audit.Accounts // where the accounts are read from: the store, or another relation
	keys    *keyring
	auditor *audit.Auditor
	now     func() time.Time

	closeSource func()
	slots       *slots // of serve
}

// newApp opens the store and wires the auditor. The caller closes it.
func newApp(ctx context.Context, c *config.Config, log *slog.Logger, around *surroundingsOf) (*app, error) {
	return newAppOn(ctx, c, existing, log, around)
}

// newAppOn is newApp for commands that may bring the database's tables up to date.
func newAppOn(ctx context.Context, c *config.Config, how opening, log *slog.Logger, around *surroundingsOf) (*app, error) {
	a := &app{config: c, log: log, around: around, now: around.clock()}
	var err error
	if a.keys, err = openKeys(c, around.lookupEnv, log); err != nil {
		return nil, err
	}
	if a.store, err = openStore(ctx, c, how, log); err != nil {
		a.keys.Close()
		return nil, err
	}
	if a.source, a.closeSource, err = openSource(ctx, c, a.store); err != nil {
		a.Close()
		return nil, err
	}
	if a.auditor, err = a.wireAuditor(); err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

// openSource gives the accounts: the store's own, or those elsewhere, which the caller closes.
func openSource(ctx context.Context, c *config.Config, store audit.Accounts) (source audit.Accounts, closeSource func(), err error) {
	if !c.Elsewhere() {
		return store, func() {}, nil
	}
	relation, err := openAccounts(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	return relation, relation.Close, nil
}

// alone tells whether this process is the only one that may work on the database.
func (a *app) alone() bool { return a.config.Database.Kind != config.PostgreSQL }

func (a *app) Close() error {
	if a.closeSource != nil {
		a.closeSource()
	}
	return errors.Join(a.keys.Close(), a.store.Close())
}

func (a *app) wireAuditor() (*audit.Auditor, error) {
	paced := newPacing(a.config)
	ask, err := a.wireAsk(paced)
	if err != nil {
		return nil, err
	}
	resolver := catalog.Resolver(newMXCache(lookupMX).Lookup)
	auditor := &audit.Auditor{
		Accounts:     a.source,
		Ledger:       a.store,
		Resolve:      resolveWith(resolver),
		Open:         a.keys.open,
		Fingerprints: a.keys,
		Grants:       a.grants(),
		Client: func(p *providers.Provider, b *providers.Brand) (providers.Client, bool) {
			return oauthClient(a.config, p, b)
		},
		Ask:    ask,
		Pacing: paced,
		Policy: a.policy(),
		Title:  title,
		Now:    a.now,
		Log:    a.log,
	}
	if a.keys.keyset != nil {
		auditor.Seal = a.keys.keyset.Seal
	}
	return auditor, nil
}

func resolveWith(resolver *providers.Resolver) func(context.Context, audit.Account) (audit.Target, error) {
	return func(ctx context.Context, acc audit.Account) (audit.Target, error) {
		r, err := resolver.Resolve(ctx, acc.Host, acc.Address)
		if err != nil {
			return audit.Target{}, err
		}
		t := audit.Target{Provider: r.Provider, Brand: r.Brand, Foreign: r.ForeignHost}
		// No endpoint is no error here: the account belongs to its provider and cannot be asked.
		t.Endpoint, _ = r.Brand.Complete(acc.Host, acc.Port, acc.Security)
		return t, nil
	}
}

func (a *app) wireAsk(paced *pacing) (func(context.Context, string, providers.Attempt) providers.Conversation, error) {
	roots, err := rootCAs(a.config.Network.TLSCA)
	if err != nil {
		return nil, err
	}
	dialer, err := dial.New(dial.Config{
		Timeout:      a.config.Network.Timeout,
		ConnectTo:    a.config.Network.ConnectTo,
		RootCAs:      roots,
		AllowPrivate: a.config.Network.AllowPrivate,
		EHLO:         a.config.Network.EHLO,
		Proxy:        a.config.Network.Proxy,
	})
	if err != nil {
		return nil, usageError("network: %w", err)
	}
	return func(ctx context.Context, provider string, attempt providers.Attempt) providers.Conversation {
		return paced.throughGrant(ctx, provider, attempt, dialer.Verify)
	}, nil
}

// rootCAs are the system's roots and, beside them, those of the configured file. nil means the system's.
func rootCAs(path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, usageError("read network.tls_ca: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, usageError("network.tls_ca: %s holds no certificate in PEM form", path)
	}
	return pool, nil
}

func (a *app) policy() audit.Policy {
	c := a.config
	p := audit.Policy{
		Window:         c.Window,
		RetryAfter:     c.RetryAfter,
		Attempts:       audit.AttemptLimit{PerSecret: c.AttemptsPerDay, Secrets: 3},
		AttemptZone:    c.TimeZone,
		MaxConcurrency: map[string]int{},
		Installation:   c.Installation,
		RecheckRefused: c.RecheckRefused,
		MaxRefusals:    map[string]int{},
		Guard: audit.GuardLimits{
			MaxNewFailures: float64(c.Guard.MaxNewFailures), MinNewFailures: c.Guard.MinNewFailures,
			MaxUnreachable: float64(c.Guard.MaxUnreachable), MaxSourceLoss: float64(c.Guard.MaxSourceLoss),
		},
		Canaries:     map[string]audit.Canaries{},
		OAuthClients: expiries(c),
		Changes:      providers.Changes(),
		Mode:         audit.Mode(c.Notices.Mode),
		Cadence:      audit.Cadence{ConfirmNights: c.Notices.ConfirmNights, RemindAfter: c.Notices.RemindAfter},
		Hours:        audit.Hours{Days: c.Notices.SendBetween.Days, From: c.Notices.SendBetween.From, To: c.Notices.SendBetween.To},
		Zone:         c.TimeZone,
		Only:         audit.Only{Tenants: c.Notices.Only.Tenants, Providers: c.Notices.Only.Providers},
	}
	for _, v := range c.Notices.Only.Verdicts {
		p.Only.Verdicts = append(p.Only.Verdicts, audit.Verdict(v))
	}
	for name, provider := range c.Providers {
		p.MaxConcurrency[name] = provider.MaxConcurrency
		p.MaxRefusals[name] = provider.MaxRefusals
		p.Canaries[name] = audit.Canaries{Good: provider.Canaries.Good, Bad: provider.Canaries.Bad}
	}
	return p
}

func (a *app) caps() audit.Caps {
	n := a.config.Notices
	return audit.Caps{Night: n.MaxPerNight, Recipient: n.MaxPerRecipient, Tenant: n.MaxPerTenant, Zone: a.config.TimeZone}
}

// title is a provider's name for people.
func title(name string) string {
	if p, ok := catalog.ByName(name); ok {
		return p.Title
	}
	return name
}

func mustProvider(name string) (*providers.Provider, error) {
	if p, ok := catalog.ByName(name); ok {
		return p, nil
	}
	return nil, usageError("provider %q is not known; known are %s", name, providerList())
}

func providerList() string {
	var list string
	for i, p := range catalog.All() {
		if i > 0 {
			list += ", "
		}
		list += p.Name
	}
	return list
}
