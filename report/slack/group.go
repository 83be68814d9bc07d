package slack

import (
	"cmp"
	"slices"
	"strings"

	"mailaudit/audit"
	"mailaudit/report"
)

// group is a tenant's new findings of one kind at one provider.
type group struct {
	tenant, tenantName string
	provider           string
	verdict            audit.Verdict
	accounts           []string
}

func groupFindings(findings []audit.Finding) []group {
	type key struct {
		tenant, provider string
		verdict          audit.Verdict
	}
	at := map[key]int{}
	var groups []group
	for _, f := range findings {
		k := key{f.TenantID, f.Provider, f.Verdict}
		i, ok := at[k]
		if !ok {
			i = len(groups)
			at[k] = i
			groups = append(groups, group{tenant: f.TenantID, tenantName: f.TenantName, provider: f.Provider, verdict: f.Verdict})
		}
		groups[i].accounts = append(groups[i].accounts, f.AccountID)
	}
	slices.SortStableFunc(groups, func(a, b group) int { return cmp.Compare(len(b.accounts), len(a.accounts)) })
	return groups
}

func ids(accounts []string) string {
	var out []string
	for _, a := range accounts[:min(len(accounts), idsMax)] {
		out = append(out, id(a))
	}
	text := strings.Join(out, ", ")
	if more := len(accounts) - idsMax; more > 0 {
		text += " +" + report.Count(more)
	}
	return text
}
