package report

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"mailaudit/audit"
	"mailaudit/providers"
)

// debtAfter is how long an account may be without a definite verdict before somebody should look.
const debtAfter = 7 * 24 * time.Hour

// Debt is one tenant's accounts of which nothing is known for a week.
type Debt struct {
	TenantID   string
	TenantName string
	Accounts   int
	Since      time.Time // the longest of them
}

// Actors counts the open findings by who can fix them.
type Actors struct{ Us, Administrators, Customers int }

// standing is what a walk learns of who must act, and of what is unknown for long.
type standing struct {
	actors Actors
	debts  map[string]*Debt
	debt   int
	rules  map[string]map[string]int // newly failing accounts by provider and rule
}

func (w *standing) add(f audit.Finding, started time.Time) {
	if f.Verdict.Failing() {
		switch f.Actor {
		case providers.ActorUs:
			w.actors.Us++
		case providers.ActorAdministrator:
			w.actors.Administrators++
		default:
			w.actors.Customers++
		}
		if !f.Previous.Failing() {
			if w.rules[f.Provider] == nil {
				w.rules[f.Provider] = map[string]int{}
			}
			w.rules[f.Provider][f.Rule]++
		}
		return
	}
	if f.Verdict != audit.Unverified || f.Since.IsZero() || started.Sub(f.Since) < debtAfter {
		return
	}
	w.debt++
	d := w.debts[f.TenantID]
	if d == nil {
		if len(w.debts) >= distinctMax {
			return
		}
		d = &Debt{TenantID: f.TenantID, TenantName: f.TenantName, Since: f.Since}
		w.debts[f.TenantID] = d
	}
	d.Accounts++
	if f.Since.Before(d.Since) {
		d.Since = f.Since
	}
}

// newBy says which rules read the newly failing accounts' refusals.
func (w *standing) newBy(provider string) string {
	total, most, rule := 0, 0, ""
	for name, n := range w.rules[provider] {
		total += n
		if n > most || n == most && name < rule {
			most, rule = n, name
		}
	}
	switch {
	case most == 0 || rule == "":
		return ""
	case most == total:
		return "all by " + rule
	}
	return Count(most) + " of " + Count(total) + " by " + rule
}

func (w *standing) owed() []Debt {
	var out []Debt
	for _, d := range w.debts {
		out = append(out, *d)
	}
	slices.SortFunc(out, func(a, b Debt) int {
		return cmp.Or(cmp.Compare(b.Accounts, a.Accounts), cmp.Compare(a.TenantID, b.TenantID))
	})
	return out
}

// ActorLine says who can fix the findings that tonight's answers show; "" if there are none.
func (s *Summary) ActorLine() string {
	a := s.Actors
	var parts []string
	for _, p := range []struct {
		n    int
		name string
	}{{a.Us, "Ops"}, {a.Administrators, "administrators"}, {a.Customers, "customers"}} {
		if p.n > 0 {
			parts = append(parts, p.name+" "+Count(p.n))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "fix owner: " + strings.Join(parts, ", ")
}

// debtActions has operations look after accounts of which nothing is known for a week.
func (s *Summary) debtActions() []Action {
	if s.DebtTotal == 0 || !s.Finished() {
		return nil
	}
	text := "Check " + Accounts(s.DebtTotal) + " not verified for 7+ days"
	if len(s.Debts) > 0 && s.Debts[0].Accounts > 1 {
		text += ", most at tenant " + s.Debts[0].TenantID + " (" + Count(s.Debts[0].Accounts) + ")"
	}
	return []Action{{Kind: ActionDebt, Count: s.DebtTotal, Section: "debt", Text: text, Command: "accounts list --verdict unverified"}}
}
