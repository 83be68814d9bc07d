package report

import (
	"cmp"
	"slices"
	"time"

	"mailaudit/audit"
)

// Chronic are a host's mailboxes without an answer for three nights or more. They are a standing list for operations: the
// guards do not count them, and neither does the coverage of a run.
type Chronic struct {
	Provider string
	Host     string // of "other"; "" elsewhere
	Cause    string // the rule, else the reason
	Accounts int
	Since    time.Time // the longest of them
}

func (w *walk) addChronic(f audit.Finding) {
	k := Chronic{Provider: f.Provider, Host: f.Host, Cause: cmp.Or(f.Rule, f.Reason)}
	if w.chronic[k] == nil {
		if len(w.chronic) >= distinctMax {
			k.Host, k.Cause = "", "(other hosts)"
		}
		if w.chronic[k] == nil {
			first := k
			first.Since = f.Since
			w.chronic[k] = &first
		}
	}
	c := w.chronic[k]
	c.Accounts++
	if f.Since.Before(c.Since) {
		c.Since = f.Since
	}
}

// chronics lists them, most mailboxes first.
func (w *walk) chronics() []Chronic {
	var out []Chronic
	for _, c := range w.chronic {
		out = append(out, *c)
	}
	slices.SortFunc(out, func(a, b Chronic) int {
		return cmp.Or(cmp.Compare(b.Accounts, a.Accounts), cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.Host, b.Host), cmp.Compare(a.Cause, b.Cause))
	})
	return out
}

// ChronicTotal counts the mailboxes on the standing list.
func (s *Summary) ChronicTotal() (n int) {
	for _, c := range s.Chronic {
		n += c.Accounts
	}
	return n
}

func (s *Summary) chronicOf(provider string) (n int) {
	for _, c := range s.Chronic {
		if c.Provider == provider {
			n += c.Accounts
		}
	}
	return n
}

func (s *Summary) chronicActions() []Action {
	n := s.ChronicTotal()
	if n == 0 || !s.Finished() {
		return nil
	}
	return []Action{{Kind: ActionChronic, Count: n, Section: "chronic",
		Text: "Correct the host of " + Accounts(n) + " without a response for 3 nights or more",
		Fix:  "the report lists them by host and cause; remove an account that nobody needs"}}
}
