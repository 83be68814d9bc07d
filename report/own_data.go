package report

import (
	"strings"

	"mailaudit/audit"
)

// empty reports whether a run of the whole source met no account. Nothing was verified, however calm that looks.
func (s *Summary) empty() bool {
	return s.Run.Status == audit.RunConcluded && s.Run.Scope.Whole() && s.Expected() == 0
}

// refusedByUs are the providers all of whose accounts our own checks of the source refuse: the source writes a whole kind
// of accounts otherwise than we read it.
func (s *Summary) refusedByUs() []refusal {
	refused, why := map[string]int{}, map[string]string{}
	for _, q := range s.NoAnswer { // most first
		if q.OwnData {
			if refused[q.Provider] += q.Count; why[q.Provider] == "" {
				why[q.Provider] = strings.TrimPrefix(q.Reason, "our own data: ")
			}
		}
	}
	var all []refusal
	for _, p := range s.Providers {
		if n := refused[p.Name]; n >= leastKind && n == p.Accounts {
			all = append(all, refusal{p.Name, p.Title, why[p.Name], n})
		}
	}
	return all
}

// leastKind is how many accounts are a kind; fewer are a few faulty rows.
const leastKind = 3

// refusal is a provider whose accounts are refused, with the most frequent reason.
type refusal struct {
	Provider, title, Reason string
	Count                   int
}

func (r refusal) text() string { return Count(r.Count) + " " + r.title + " accounts" }
