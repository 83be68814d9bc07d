package report

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"mailaudit/audit"
)

// Desk is what a source knows beside its runs: what guards hold, what a run met of our own faults, and what
// people decided. A source without it, such as a rehearsal, has none.
type Desk interface {
	// OpenHolds returns the open holds, oldest first.
	OpenHolds(ctx context.Context) ([]audit.Hold, error)
	// Facts returns a run's facts whose names begin with prefix.
	Facts(ctx context.Context, key, prefix string) (map[string]string, error)
}

var _ Desk = audit.Store(nil)

// Hold is a provider's mails that wait for a person, or waited until one decided.
type Hold struct {
	RunKey   string // the run whose guard opened it
	Provider string
	Title    string
	Why      string
	Since    time.Time
	Waiting  int    // mails
	Rules    string // what refused tonight's new ones: "all by google/bad-credentials"
	Decided  string // what a person decided, when and who; "" while it is open
	Accounts int    // of the provider, tonight
	Canaries bool   // the provider's canaries were asked in the hold's run, and none contradicts
	InUse    int    // mailboxes that were refused tonight, and through which the product sends all the same

	Change audit.Announced // what an announced change explains of it; the zero value: none does
}

// Signs are what speaks for one decision or the other.
func (h Hold) Signs() []string {
	var signs []string
	if h.InUse > 0 {
		signs = append(signs, Count(h.InUse)+" more were refused here while the product sends through them: our egress IP may be the cause, not the customers")
	}
	if h.Canaries {
		signs = append(signs, "our canaries there were checked and agree")
	}
	return signs
}

// Open reports whether the hold still waits.
func (h Hold) Open() bool { return h.Decided == "" }

// Step is one way to go on, and what it does.
type Step struct {
	Name    string // "Preview"
	Command string // the words after "mailaudit"
	Effect  string
}

// Steps are what a person can do about an open hold.
func (h Hold) Steps() []Step {
	at := " --run " + h.RunKey + " --provider " + h.Provider
	steps := []Step{{"Preview", "notices preview" + at, "shows three of the e-mails as they would go out"}}
	if h.Change.ID != "" && h.Change.Of < h.Change.All {
		steps = append(steps, Step{"Approve the announced change", "notices release" + at + " --change " + h.Change.ID + " --by YOU",
			"re-checks, then e-mails those that fail by it; the others stay on hold"})
	}
	return append(steps, []Step{
		{"Approve", "notices release" + at + " --by YOU", "re-checks, then e-mails those still failing"},
		{"Discard", "notices discard" + at + " --by YOU", "cancels these e-mails"},
	}...)
}

// readDesk fills in the holds that concern the run and our own faults that it met.
func (s *Summary) readDesk(ctx context.Context, src Source) error {
	desk, ok := src.(Desk)
	if !ok {
		return nil
	}
	troubles, err := audit.Troubles(ctx, desk, s.Run.Key)
	if err != nil {
		return fmt.Errorf("read the run's troubles: %w", err)
	}
	for _, t := range troubles {
		s.Faults = append(s.Faults, Fault{What: t.What, Fix: t.Fix})
	}
	remaining, err := audit.Remainders(ctx, desk, s.Run.Key)
	if err != nil {
		return fmt.Errorf("read what ends soon: %w", err)
	}
	s.Ahead = slices.Clone(s.Ahead)
	for _, r := range remaining {
		s.Ahead = append(s.Ahead, r.String())
	}
	open, err := desk.OpenHolds(ctx)
	if err != nil {
		return fmt.Errorf("read the open holds: %w", err)
	}
	for _, h := range open {
		if h.OpenedAt.After(s.Run.StartedAt) {
			continue // of a later night than this report's
		}
		asked, err := audit.CanariesAsked(ctx, desk, h.RunKey, h.Provider)
		if err != nil {
			return fmt.Errorf("read the canaries' answers: %w", err)
		}
		change, _, err := audit.AnnouncedIn(ctx, desk, h.RunKey, h.Provider)
		if err != nil {
			return fmt.Errorf("read what an announced change explains: %w", err)
		}
		s.Holds = append(s.Holds, Hold{RunKey: h.RunKey, Provider: h.Provider, Why: h.Why, Since: h.OpenedAt, Waiting: h.Notices, Canaries: asked, Change: change})
	}
	decided, err := audit.Decisions(ctx, desk, s.Run.Key)
	if err != nil {
		return fmt.Errorf("read the decisions on the run's holds: %w", err)
	}
	for provider, text := range decided {
		s.Holds = append(s.Holds, Hold{RunKey: s.Run.Key, Provider: provider, Since: s.Run.StartedAt, Decided: text})
	}
	return nil
}

// describeHolds adds what the run's numbers tell of each hold.
func (s *Summary) describeHolds(w *walk) {
	for i := range s.Holds {
		h := &s.Holds[i]
		h.Title = s.ProviderTitle(h.Provider)
		p := s.Numbers.Providers[h.Provider]
		if p == nil {
			continue
		}
		h.Accounts = p.Accounts
		h.InUse = s.inUse(h.Provider)
		if h.Why == "" {
			h.Why = p.HoldReason
		}
		if h.RunKey == s.Run.Key {
			h.Rules = w.newBy(h.Provider)
		}
	}
}

// OpenHolds are the holds that wait for a person.
func (s *Summary) OpenHolds() []Hold {
	var open []Hold
	for _, h := range s.Holds {
		if h.Open() {
			open = append(open, h)
		}
	}
	return open
}

// Undecided are the open holds in which e-mails wait: there is nothing to decide about the others.
func (s *Summary) Undecided() []Hold {
	return slices.DeleteFunc(s.OpenHolds(), func(h Hold) bool { return h.Waiting == 0 })
}

// inUse counts a provider's mailboxes whose refusal the product's own traffic contradicts.
func (s *Summary) inUse(provider string) int {
	n := 0
	for _, q := range s.NoAnswer {
		if q.Provider == provider && q.Reason == audit.ReasonContradicted {
			n += q.Count
		}
	}
	return n
}

// HeldNow reports whether mails of the provider wait for a person.
func (s *Summary) HeldNow(provider string) bool {
	return slices.ContainsFunc(s.Holds, func(h Hold) bool { return h.Open() && h.Provider == provider })
}

// Fault texts stand in channels, so they are one line each.
func (f Fault) line() string { return Capital(strings.TrimSpace(f.What)) }
