package report

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"mailaudit/audit"
	"mailaudit/providers"
)

// Options say how a report is made. The zero value will do.
type Options struct {
	Now           func() time.Time         // nil: time.Now
	Zone          *time.Location           // in which times are shown; nil: UTC
	FullAddresses bool                     // report.addresses: full
	Colour        bool                     // of the text, for a terminal
	Title         func(name string) string // a provider's name for people; nil: the name with a capital
	Mode          audit.Mode               // notices.mode; "": shadow
	NextRun       time.Time                // zero: not known
	MailsPerRun   int                      // notices.max_per_night; 0: not known
	MinCoverage   float64                  // guard.min_coverage, a share; below it the run is an alarm
	BaseURL       string                   // report.url, where report.dir is reached; "": nowhere
	PageURL       string                   // where the run's page is reached; "": by BaseURL and the run's key
	AccountURL    string                   // report.account_url, with {account_id} and {tenant_id}; "": nowhere
	CommandPrefix string                   // before printed commands: "kubectl -n mail exec deploy/mailaudit --"
	Links         *Links                   // to other runs' pages; nil: the page stands alone
	Faults        []Fault                  // our own troubles, beside those that the run has noted
	Ahead         []string                 // what will have to be done soon: "the Microsoft client secret ends on 3 Dec"
	// Told says of which accounts' findings customers were told; nil: not known. Accounts of which nobody was told are absent.
	Told func(ctx context.Context, accountIDs []string) (map[string]Told, error)
}

// Fault is trouble on our own side, such as a relay that refuses us. Neither text may hold a secret.
type Fault struct {
	What string // "the relay refuses our login"
	Fix  string // "check relay.username and relay.password"; may be ""
}

// Summary is everything that a report says of a run but the single accounts. It is not changed once built.
type Summary struct {
	Run          audit.Run
	Previous     *audit.Run // the last concluded run of the whole source before; nil if this is the first
	Numbers      audit.Numbers
	Providers    []Provider // by accounts, most first
	Accepted     int        // accounts whose sign-in the provider accepted
	Carried      int        // verified accounts that were not asked tonight
	Mails        Mails
	New          []audit.Finding // newly failing accounts by id, the first [sampleSize]
	Reversed     []audit.Finding // accounts whose refusal was taken back, by id, the first [sampleSize]
	Contradicted []audit.Finding // attestations that something speaks against, by id, the first [sampleSize]
	NoAnswer     []Silence       // why accounts are unverified, unknown replies aside; most first
	Holds        []Hold          // that were open when the run ended, or that it opened
	Trend        []Point         // concluded runs of the whole source, oldest first, this one included
	Actors       Actors
	Chronic      []Chronic // without an answer for three nights or more, most accounts first
	Debts        []Debt    // by tenant, most accounts first
	DebtTotal    int       // accounts without a definite verdict for a week
	Mismatch     []string  // where the numbers do not add up; empty when they do
	Actions      []Action  // what operations must do, most urgent first
	Level        Level
	Options
	unknown map[string]int // accounts by provider that met an unrecognized reply
}

// Provider is one provider's row. Fine, Failing and NoAnswer add up to Accounts.
type Provider struct {
	Name     string // "google"; "" for accounts that were not resolved
	Title    string
	Accounts int
	Fine     int
	Failing  int
	NoAnswer int
	New      int // failing, and fine before
	Back     int // fine, and failing before
	audit.ProviderNumbers
}

// Build makes the report of the run with the key; "" is the latest run. It walks over the run's accounts
// once and returns an error that wraps audit.ErrNoRun if there is no such run.
func Build(ctx context.Context, src Source, key string, o Options) (*Summary, error) {
	run, err := load(ctx, src, key)
	if err != nil {
		return nil, err
	}
	s := &Summary{Run: run, Options: o.withDefaults()}
	s.Faults = slices.Clone(s.Faults)
	if prev, err := src.ConcludedBefore(ctx, run.Seq); err == nil {
		s.Previous = &prev
	} else if !errors.Is(err, audit.ErrNoRun) {
		return nil, fmt.Errorf("report of run %s: read the run before: %w", run.Key, err)
	}
	if s.Mails, err = readMails(ctx, src, run.Key, s.Now()); err != nil {
		return nil, fmt.Errorf("report of run %s: %w", run.Key, err)
	}
	if s.Mails.FailedBefore, err = failedBefore(ctx, src, run.Seq); err != nil {
		return nil, fmt.Errorf("report of run %s: %w", run.Key, err)
	}
	if s.PageURL == "" {
		s.PageURL = RunURL(s.BaseURL, run.Key)
	}
	if err := s.readDesk(ctx, src); err != nil {
		return nil, fmt.Errorf("report of run %s: %w", run.Key, err)
	}
	if s.Trend, err = readTrend(ctx, src, run); err != nil {
		return nil, fmt.Errorf("report of run %s: %w", run.Key, err)
	}
	w := newWalk(run)
	if err := src.Findings(ctx, run, w.add); err != nil {
		return nil, fmt.Errorf("report of run %s: read findings: %w", run.Key, err)
	}
	s.fill(w)
	return s, nil
}

func load(ctx context.Context, src Source, key string) (audit.Run, error) {
	if key != "" {
		run, err := src.LoadRun(ctx, key)
		if err != nil {
			return run, fmt.Errorf("read run %s: %w", key, err)
		}
		return run, nil
	}
	runs, err := src.ListRuns(ctx, 1, false)
	if err == nil && len(runs) == 0 {
		err = audit.ErrNoRun
	}
	if err != nil {
		return audit.Run{}, fmt.Errorf("read the latest run: %w", err)
	}
	return runs[0], nil
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.Mode == "" {
		o.Mode = audit.ModeShadow
	}
	if o.Title == nil {
		o.Title = Capital
	}
	return o
}

func (s *Summary) fill(w *walk) {
	s.Numbers = w.numbers
	if s.Run.Numbers != nil {
		s.Numbers = *s.Run.Numbers
	}
	s.Numbers.Unknown = slices.SortedStableFunc(slices.Values(s.Numbers.Unknown), func(a, b audit.UnknownReply) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Provider, b.Provider))
	})
	s.unknown = w.unknown
	for name, n := range s.Numbers.Providers {
		s.Providers = append(s.Providers, s.provider(name, n))
	}
	slices.SortFunc(s.Providers, func(a, b Provider) int {
		return cmp.Or(cmp.Compare(b.Accounts, a.Accounts), cmp.Compare(a.Name, b.Name))
	})
	for _, n := range s.Numbers.TwoFactor {
		s.Accepted += n
	}
	s.Carried, s.New, s.NoAnswer, s.Chronic = w.carried, w.sample, w.silences(), w.chronics()
	s.Reversed, s.Contradicted = w.taken, w.contradicted
	s.Actors, s.Debts, s.DebtTotal = w.actors, w.owed(), w.debt
	s.describeHolds(w)
	s.Mismatch = reconcile(s.Run, s.Numbers, w.numbers)
	s.Actions = s.actions()
	s.Level = s.level()
}

func (s *Summary) provider(name string, n *audit.ProviderNumbers) Provider {
	p := Provider{
		Name: name, Title: s.ProviderTitle(name), Accounts: n.Accounts,
		Fine:     n.Verdicts[audit.Compliant] + n.Verdicts[audit.Unproven],
		NoAnswer: n.Verdicts[audit.Unverified],
		New:      n.Changes.NewlyFailing, Back: n.Changes.Recovered,
		ProviderNumbers: *n,
	}
	for v, count := range n.Verdicts {
		if v.Failing() {
			p.Failing += count
		}
	}
	return p
}

// Add returns the sum of two rows under p's name.
func (p Provider) Add(q Provider) Provider {
	p.Accounts += q.Accounts
	p.Fine += q.Fine
	p.Failing += q.Failing
	p.NoAnswer += q.NoAnswer
	p.New += q.New
	p.Back += q.Back
	return p
}

// Total adds the providers up.
func (s *Summary) Total() Provider {
	t := Provider{Title: "All"}
	for _, p := range s.Providers {
		t = t.Add(p)
	}
	return t
}

// ProviderTitle is how people call a provider.
func (s *Summary) ProviderTitle(name string) string {
	if name == "" {
		return "Unresolved"
	}
	return s.Title(name)
}

// Expected is how many accounts the run has to report: those planned, once they are.
func (s *Summary) Expected() int { return max(s.Run.Accounts, s.Numbers.Accounts) }

// Finished reports whether the run's numbers are final.
func (s *Summary) Finished() bool { return s.Run.Status == audit.RunConcluded }

// TwoFactorCount is one line of "2FA confirmed 6,702".
type TwoFactorCount struct {
	Name  string
	Count int
}

// SecondFactor says what is known of the accepted accounts' second factor. "Undetermined" is the honest
// word where acceptance proves nothing.
func (s *Summary) SecondFactor() []TwoFactorCount {
	tf := s.Numbers.TwoFactor
	out := []TwoFactorCount{
		{"confirmed", tf[providers.TwoFactorShown]},
		{"likely", tf[providers.TwoFactorLikely]},
		{"undetermined", tf[providers.TwoFactorUnknown]},
	}
	if n := tf[providers.TwoFactorAbsent]; n > 0 {
		out = append(out, TwoFactorCount{"password only", n})
	}
	return out
}

// FactorWord is a strength of two-factor for people.
func FactorWord(t providers.TwoFactor) string {
	switch t {
	case providers.TwoFactorShown:
		return "confirmed"
	case providers.TwoFactorLikely:
		return "likely"
	case providers.TwoFactorAbsent:
		return "not seen: password only"
	}
	return "undetermined"
}

// Unknown counts a provider's accounts that met an unrecognized reply. The list of these replies has
// an end, this count has none.
func (s *Summary) Unknown(provider string) int { return s.unknown[provider] }

// Scope says in words what a narrowed run covered; "" for the whole source.
func (s *Summary) Scope() []string {
	var parts []string
	if v := s.Run.Scope.Provider; v != "" {
		parts = append(parts, "partial run: provider "+v)
	}
	if v := s.Run.Scope.Tenant; v != "" {
		parts = append(parts, "partial run: tenant "+v)
	}
	if v := s.Run.Scope.Limit; v > 0 {
		parts = append(parts, "partial run: at most "+Count(v)+" accounts")
	}
	return parts
}
