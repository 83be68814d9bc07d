package main

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"mailaudit/audit"
	"mailaudit/cmd/mailaudit/config"
	"mailaudit/providers"
	"mailaudit/providers/catalog"
	"mailaudit/providers/dial"
)

// setup is what the configuration alone says, beside what the process lends. It is always whole; an [app] is a
// setup with its database.
type setup struct {
	config *config.Config
	log    *slog.Logger
	around *surroundingsOf
	now    func() time.Time
}

func newSetup(g *Globals, around *surroundingsOf) (*setup, error) {
	c, err := config.Load(g.Config, around.lookupEnv)
	if err != nil {
		return nil, err
	}
	return &setup{config: c, log: g.logger(around.stderr), around: around, now: around.clock()}, nil
}

// app is the program put together for one command, the same for every command. This file and those named for a
// part (keys.go, mail.go, summary.go) are the only ones that know both sides of each seam.
type app struct {
	*setup
	parts
	auditor *audit.Auditor
	slots   slots // when serve starts runs; none elsewhere
}

// parts are what an app stands on. [setup.open] makes them as configured; a test may make its own.
type parts struct {
	store  storage
	source audit.Accounts // where the accounts are read from: the store, or another relation
	keys   keys
	verify providers.VerifyFunc // one conversation with a provider, at no pace of its own
	mx     func(ctx context.Context, domain string) ([]string, error)
	relay  func() (carrier, error) // nil where none is configured
	slack  func() (poster, error)  // nil where none is configured

	closers []func() error
}

// newApp puts an app together. It reads and opens nothing, so that nothing can fail. The caller closes it.
func newApp(s *setup, p parts) *app {
	a := &app{setup: s, parts: p}
	paced := newPacing(s.config)
	a.auditor = audit.New(p.source, p.store, s.policy(), s.now, s.log)
	a.auditor.Resolve = resolveWith(catalog.Resolver(newMXCache(p.mx).Lookup))
	a.auditor.Open = p.keys.open
	a.auditor.Seal = p.keys.seal
	a.auditor.Fingerprints = p.keys
	a.auditor.Grants = a.grants()
	a.auditor.Client = func(p *providers.Provider, b *providers.Brand) (providers.Client, bool) {
		return oauthClient(s.config, p, b)
	}
	a.auditor.Ask = func(ctx context.Context, provider string, attempt providers.Attempt) providers.Conversation {
		return paced.throughGrant(ctx, provider, attempt, p.verify)
	}
	a.auditor.Pacing = paced
	a.auditor.Clocks = clocksOf(s, p.store)
	a.auditor.Title = title
	return a
}

// Close gives back what the parts hold.
func (p parts) Close() error {
	var all error
	for _, f := range slices.Backward(p.closers) {
		all = errors.Join(all, f())
	}
	return all
}

// wants is what a command must have before it starts, so that it ends with a usage error and not halfway. What
// it does not name is opened when it is first used: mails can be stopped whatever is wrong with keys and accounts.
type wants struct {
	tables opening
	keys   bool
	asks   bool // providers: keys, accounts and network
}

// open makes the parts as configured.
func (s *setup) open(ctx context.Context, w wants) (_ *app, err error) {
	if world := s.around.world; world != nil {
		return newApp(s, world.parts(s)), nil
	}
	keys, dialer := newLazyKeys(s), newLazyDialer(s.config)
	p := parts{keys: keys, verify: dialer.verify, mx: lookupMX, relay: s.configuredRelay, slack: s.configuredSlack, closers: []func() error{keys.Close}}
	defer func() {
		if err != nil {
			p.Close() //nolint:errcheck // err says why nothing is opened
		}
	}()
	if w.keys || w.asks {
		if err := keys.ready(); err != nil {
			return nil, err
		}
	}
	if p.store, err = openStore(ctx, s.config, w.tables, s.log); err != nil {
		return nil, err
	}
	p.closers = append(p.closers, p.store.Close)
	p.source = p.store
	if s.config.Elsewhere() {
		source := &lazyAccounts{config: s.config}
		p.source, p.closers = source, append(p.closers, source.Close)
	}
	if w.asks {
		if err := errors.Join(sourceReady(ctx, p.source), dialer.ready()); err != nil {
			return nil, err
		}
	}
	return newApp(s, p), nil
}

// with opens an app for work.
func (s *setup) with(ctx context.Context, w wants, work func(*app) error) error {
	a, err := s.open(ctx, w)
	if err != nil {
		return err
	}
	return errors.Join(work(a), a.Close())
}

// alone tells whether this process is the only one that may work on the database.
func (s *setup) alone() bool { return s.config.Database.Kind != config.PostgreSQL }

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

// lazyDialer reads the network's settings when it is first used.
type lazyDialer struct {
	dialer func() (*dial.Dialer, error)
}

func newLazyDialer(c *config.Config) lazyDialer {
	return lazyDialer{sync.OnceValues(func() (*dial.Dialer, error) {
		roots, err := rootCAs(c.Network.TLSCA)
		if err != nil {
			return nil, err
		}
		d, err := dial.New(dial.Config{
			Timeout:      c.Network.Timeout,
			ConnectTo:    c.Network.ConnectTo,
			RootCAs:      roots,
			AllowPrivate: c.Network.AllowPrivate,
			EHLO:         c.Network.EHLO,
			Proxy:        c.Network.Proxy,
		})
		if err != nil {
			return nil, usageError("network: %w", err)
		}
		return d, nil
	})}
}

func (l lazyDialer) ready() error {
	_, err := l.dialer()
	return err
}

func (l lazyDialer) verify(ctx context.Context, attempt providers.Attempt) providers.Conversation {
	d, err := l.dialer()
	if err != nil {
		return providers.Conversation{Fault: providers.FaultOurs, Detail: err.Error()}
	}
	return d.Verify(ctx, attempt)
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

func (s *setup) policy() audit.Policy {
	c := s.config
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

func (s *setup) caps() audit.Caps {
	n := s.config.Notices
	return audit.Caps{Night: n.MaxPerNight, Recipient: n.MaxPerRecipient, Tenant: n.MaxPerTenant, Zone: s.config.TimeZone}
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
