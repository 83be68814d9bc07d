package report

import (
	"fmt"

	"mailaudit/audit"
)

// reconcile returns where a run's numbers contradict each other: verdicts, providers, planned accounts and
// the accounts that the walk met must all give the same sum. Unfinished runs have not met all that was
// planned. It returns nothing when all is well.
func reconcile(run audit.Run, n, walked audit.Numbers) []string {
	var wrong []string
	differ := func(what string, got, want int) {
		if got != want {
			wrong = append(wrong, fmt.Sprintf("%s: %s, not %s", what, Count(got), Count(want)))
		}
	}
	differ("sum of the verdicts", sum(n.Verdicts), n.Accounts)
	differ("verified and unverified accounts", n.Verified+n.Verdicts[audit.Unverified], n.Accounts)
	accounts, changes := 0, audit.Changes{}
	for name, p := range n.Providers {
		accounts += p.Accounts
		changes.NewlyFailing += p.Changes.NewlyFailing
		changes.Recovered += p.Changes.Recovered
		changes.StillFailing += p.Changes.StillFailing
		differ("sum of the verdicts at "+name, sum(p.Verdicts), p.Accounts)
	}
	differ("sum of the providers", accounts, n.Accounts)
	if changes != n.Changes {
		wrong = append(wrong, "changes of the providers do not add up to the run's")
	}
	if run.Status != audit.RunConcluded {
		return wrong
	}
	if run.Accounts > 0 {
		differ("accounts reported", n.Accounts, run.Accounts)
	}
	for _, v := range audit.Verdicts {
		differ("accounts listed as "+string(v), walked.Verdicts[v], n.Verdicts[v])
	}
	return wrong
}

func sum[K comparable](counts map[K]int) int {
	total := 0
	for _, n := range counts {
		total += n
	}
	return total
}
