package app

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/aside"
	"mailaudit/audit/ask"
	"mailaudit/audit/gate"
	"mailaudit/audit/persist"
	"mailaudit/cmd/mailaudit/config"
	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/providers"
	"mailaudit/providers/catalog"
	"mailaudit/providers/dial"
	"mailaudit/report"
	"mailaudit/report/notice"
)

// Setup is what the configuration alone says, beside what the process lends. It is always whole; an [App] is a
// setup with its database.
type Setup struct {
	Config     *config.Config
	ConfigFile string // "" where the configuration is the defaults
	Log        *slog.Logger
	Env        *Env
	Now        func() time.Time

	terminal *terminal // what Log writes to
}

func NewSetup(g *Globals, env *Env) (*Setup, error) {
	file, found, err := config.Find(g.Config, env.LookupEnv)
	if err != nil {
		return nil, err
	}
	c, err := config.Load(file, env.LookupEnv)
	if err != nil {
		return nil, err
	}
	log, terminal := g.logger(env.Stderr)
	if found {
		log.Info("configuration read from the working directory", "file", file)
	} else if file != "" {
		log.Debug("configuration read", "file", file)
	}
	return &Setup{Config: c, ConfigFile: file, Log: log, Env: env, Now: env.clock(), terminal: terminal}, nil
}

// App is the program put together for one command, the same for every command. This file and those named for a
// part (keys.go, mail.go, summary.go) are the only ones that know both sides of each seam.
type App struct {
	*Setup
	Parts
	Auditor *Audit
	Slots   Slots           // when serve starts runs; none elsewhere
	Heard   *persist.Writer // writes what was heard; nil where a test plays the world at its own pace

	patientLog *slog.Logger // of what fails at every try while a database is away
}

// Parts are what an app stands on. [Setup.Open] makes them as configured; a test may make its own.
type Parts struct {
	Store  Storage
	Source audit.Accounts // where the accounts are read from: the store, or another relation
	Keys   keys

	Attestor attestor             // nil where the product attests nothing
	Verify   providers.VerifyFunc // one conversation with a provider, at no pace of its own
	MX       func(ctx context.Context, domain string) ([]string, error)
	Relay    func() (Carrier, error) // nil where none is configured
	Slack    func() (poster, error)  // nil where none is configured

	away    outages
	closers []func() error
}

// New puts an app together. It reads and opens nothing, so that nothing can fail. The caller closes it.
func New(s *Setup, p Parts) *App {
	p.Source = gate.Source{Accounts: p.Source, Now: s.Now}
	if p.away.own == nil {
		p.away = newOutages(s.Config, s.Log)
	}
	a := &App{Setup: s, Parts: p, patientLog: p.away.fold(s.Log)}
	paced := newPacing(s.Config)
	a.Auditor = NewAudit(p.Source, p.Store, s.policy(), s.Now, s.Log)
	resolver := s.Config.Rules().Resolver(newMXCache(p.MX).Lookup)
	a.Auditor.Ask.Resolve, a.Auditor.Ask.Leads = resolveWith(resolver), resolver.Leads
	a.Auditor.Ask.Attestor = p.Attestor
	a.Auditor.Ask.Open = p.Keys.Open
	a.Auditor.Ask.Seal = p.Keys.Seal
	a.Auditor.Ask.Fingerprints = p.Keys
	a.Auditor.Ask.Grants = a.grants()
	a.Auditor.Ask.Client = func(p *providers.Provider, b *providers.Brand) (providers.Client, bool) {
		return OAuthClient(s.Config, p, b)
	}
	if s.Env.World == nil {
		a.Heard = &persist.Writer{Store: p.Store, Log: a.patientLog}
	}
	a.Auditor.Ask.Heard, a.Auditor.Night.Heard = a.Heard, a.Heard
	a.Auditor.Ask.Converse = func(ctx context.Context, provider string, attempt providers.Attempt) providers.Conversation {
		return paced.throughGrant(ctx, provider, attempt, a.begin)
	}
	a.Auditor.Night.Pacing = paced
	a.Auditor.Night.Clocks = ClocksOf(s, p.Store)
	a.Auditor.Night.Title = Title
	return a
}

// begin holds a conversation that has its turn. None begins while what others said cannot be written.
func (a *App) begin(ctx context.Context, attempt providers.Attempt) providers.Conversation {
	if err := a.Heard.Clear(ctx); err != nil {
		return providers.Conversation{Endpoint: attempt.Endpoint, Fault: providers.FaultCancelled, Detail: "not begun while the database is unavailable: " + err.Error()}
	}
	return a.Verify(ctx, attempt)
}

// Close gives back what the parts hold.
func (p Parts) Close() error {
	var all error
	for _, f := range slices.Backward(p.closers) {
		all = errors.Join(all, f())
	}
	return all
}

// Wants is what a command must have before it starts, so that it ends with a usage error and not halfway. What
// it does not name is opened when it is first used: mails can be stopped whatever is wrong with keys and accounts.
type Wants struct {
	Tables Opening
	Keys   bool
	Asks   bool // providers: keys, accounts and network
	Waits  bool // for a database that is away, at the start as in mid-run; and begins while the accounts' is
}

// Open makes the parts as configured.
func (s *Setup) Open(ctx context.Context, w Wants) (_ *App, err error) {
	if world := s.Env.World; world != nil {
		return New(s, world.Parts(s)), nil
	}
	keys, dialer := newLazyKeys(s), NewLazyDialer(s.Config)
	p := Parts{away: newOutages(s.Config, s.Log), Keys: keys, Verify: dialer.verify, MX: lookupMX, Relay: s.configuredRelay, Slack: s.ConfiguredSlack, closers: []func() error{keys.Close}}
	defer func() {
		if err != nil {
			p.Close() //nolint:errcheck // err says why nothing is opened
		}
	}()
	if w.Keys || w.Asks {
		if err := keys.ready(); err != nil {
			return nil, err
		}
	}
	if p.Store, err = s.openStore(ctx, w, p.away.own); err != nil {
		return nil, err
	}
	p.closers = append(p.closers, p.Store.Close)
	p.Source = p.Store
	if s.Config.Elsewhere() {
		source := &lazyAccounts{config: s.Config}
		if p.away.source != p.away.own {
			source.away = p.away.source
		}
		p.Source, p.closers = source, append(p.closers, source.Close)
	}
	if attestor := newAttestor(s.Config, p.Store); attestor != nil {
		p.Attestor, p.closers = attestor, append(p.closers, attestor.Close)
	}
	if w.Asks {
		if err := errors.Join(p.sourceReady(ctx, w), dialer.Ready()); err != nil {
			return nil, err
		}
	}
	return New(s, p), nil
}

// openStore waits for a database that is away where the command works for its run: it would wait in mid-run, too.
func (s *Setup) openStore(ctx context.Context, w Wants, away *persist.Outage) (store Storage, err error) {
	open := func(ctx context.Context) error {
		store, err = OpenStore(ctx, s.Config, w.Tables, s.Log)
		return err
	}
	if !w.Waits {
		return store, open(ctx)
	}
	err = away.Wait(ctx, open)
	return store, err
}

// sourceReady opens the accounts. A run waits for them until its window ends, and so begins without.
func (p Parts) sourceReady(ctx context.Context, w Wants) error {
	err := SourceReady(ctx, p.Source)
	if b, _ := p.Source.Blame(err); w.Waits && b == audit.BlameAway {
		p.away.source.Met(err)
		return nil
	}
	return err
}

// With opens an app for work.
func (s *Setup) With(ctx context.Context, w Wants, work func(*App) error) error {
	a, err := s.Open(ctx, w)
	if err != nil {
		return err
	}
	return errors.Join(work(a), a.Close())
}

// Alone reports whether this process is the only one that may work on the database.
func (s *Setup) Alone() bool { return s.Config.Database.Kind != config.PostgreSQL }

// resolveWith finds the provider of an account and the endpoint at which it is asked.
func resolveWith(resolver *providers.Resolver) func(context.Context, audit.Account) (ask.Target, error) {
	return func(ctx context.Context, acc audit.Account) (ask.Target, error) {
		r, err := resolver.Resolve(ctx, acc.Host, acc.Address)
		if err != nil {
			return ask.Target{}, err
		}
		t := ask.Target{Provider: r.Provider, Brand: r.Brand, Foreign: r.ForeignHost, Owner: resolver.OwnerOf(acc.Login())}
		if t.Owner == nil {
			t.Owner = resolver.OwnerOf(acc.Address)
		}
		// No endpoint is no error here: the account belongs to its provider and cannot be asked.
		t.Endpoint, _ = r.Brand.Complete(acc.Host, acc.Port, acc.Security)
		return t, nil
	}
}

// lazyDialer reads the network's settings when it is first used.
type lazyDialer struct {
	dialer func() (*dial.Dialer, error)
}

func NewLazyDialer(c *config.Config) lazyDialer {
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
			Deny:         c.Network.Deny,
			Ports:        c.Network.Ports,
		})
		if err != nil {
			return nil, exit.Usagef("network: %w", err)
		}
		return d, nil
	})}
}

func (l lazyDialer) Ready() error {
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

// Cadence is when customers are notified, and when again.
func (s *Setup) Cadence() audit.Cadence {
	return audit.Cadence{ConfirmNights: s.Config.Notices.ConfirmNights, RemindAfter: s.Config.Notices.RemindAfter}
}

// rootCAs are the system's roots and, beside them, those of the configured file. nil means the system's.
func rootCAs(path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, exit.Usagef("read network.tls_ca: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, exit.Usagef("network.tls_ca: %s holds no certificate in PEM form", path)
	}
	return pool, nil
}

func (s *Setup) policy() audit.Policy {
	c := s.Config
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
		ReuseTraffic: audit.ReuseTraffic{Within: c.ReuseTraffic.Within, AtMost: c.ReuseTraffic.AtMost},
		Canaries:     map[string]audit.Canaries{},
		OAuthClients: expiries(c),
		Changes:      c.Rules().Changes(),
		Mode:         audit.Mode(c.Notices.Mode),
		Cadence:      s.Cadence(),
		Hours:        audit.Hours{Days: c.Notices.SendBetween.Days, From: c.Notices.SendBetween.From, To: c.Notices.SendBetween.To},
		Zone:         c.TimeZone,
		Only:         audit.Only{Tenants: c.Notices.Only.Tenants, Providers: c.Notices.Only.Providers},
		Caps:         s.Caps(),
		PublicDomain: catalog.Resolver(nil).OwnsDomain,
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

// Caps are the configured bounds on mails.
func (s *Setup) Caps() audit.Caps {
	n := s.Config.Notices
	return audit.Caps{Night: n.MaxPerNight, Ahead: n.MaxAheadPerNight, Recipient: n.MaxPerRecipient, Tenant: n.MaxPerTenant, Zone: s.Config.TimeZone}
}

// Title is a provider's name for people.
func Title(name string) string {
	if p, ok := catalog.ByName(name); ok {
		return p.Title
	}
	return name
}

// MustProvider returns a provider by its key; a usage error that names those that are known if there is none.
func MustProvider(name string) (*providers.Provider, error) {
	if p, ok := catalog.ByName(name); ok {
		return p, nil
	}
	return nil, exit.Usagef("provider %q is not known; known are %s", name, providerList())
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

// OwnTable refuses to write where the accounts are the product's.
func (s *Setup) OwnTable(command string) error {
	if s.Config.Elsewhere() {
		return exit.Usagef("%s writes the program's own table, and the accounts are read from elsewhere (accounts.relation, accounts.database)", command)
	}
	return nil
}

func (s *Setup) SendGuide(ctx context.Context, sample notice.Sample, settings notice.Settings) error {
	sender, err := s.Sender()
	if err != nil {
		return err
	}
	if sender == nil || settings.From == "" {
		return exit.Usagef("--to needs relay.url and relay.from in the configuration")
	}
	defer sender.Close()
	message, err := notice.ComposeSample(sample, settings)
	if err != nil {
		return err
	}
	out, err := sender.Send(ctx, message, nil)
	if err != nil {
		return err
	}
	if out.Result != notice.Sent {
		return fmt.Errorf("the relay did not take the guide (%s): %s", out.Result, out.Detail)
	}
	_, err = fmt.Fprintf(s.Env.Stdout, "the guide is handed to the relay: %s\n", out.Detail)
	return err
}

// MayBegin is checkKeys for a run, which begins also while the accounts cannot be read: it waits for them, and says so
// at its window's end.
func (a *App) MayBegin(ctx context.Context) error {
	err := a.CheckKeys(ctx)
	if errors.Is(err, aside.ErrSource) && ctx.Err() == nil && !errors.As(err, new(*exit.Error)) {
		a.Log.Warn("the keyset is not tried before the run", "err", err)
		return nil
	}
	return err
}

// HeldError has exit code 3 where a concluded run left a hold open, its own or an earlier run's, that nobody has
// decided since. A hold that a later run opened is that run's.
func (a *App) HeldError(ctx context.Context, run audit.Run) error {
	open, err := a.Store.OpenHolds(ctx)
	if err != nil {
		return err
	}
	open = slices.DeleteFunc(open, func(h audit.Hold) bool { return h.OpenedAt.After(run.FinishedAt) })
	if len(open) == 0 {
		return nil
	}
	var names []string
	for _, h := range open {
		names = append(names, fmt.Sprintf("--run %s --provider %s (%s)", h.RunKey, h.Provider, report.Number(h.Notices, "notice", "notices")))
	}
	return &exit.Error{Code: exit.Held, Err: fmt.Errorf("run %s concluded while a hold is open: %s; mailaudit notices preview shows the notices, notices release or discard decides",
		run.Key, strings.Join(names, ", "))}
}

// Publishes reports whether summaries go to Slack, so that standard output is free for one line.
func (s *Setup) Publishes() bool {
	return !s.Config.Slack.Token.Empty() || !s.Config.Slack.Webhook.Empty()
}
