package page

import (
	"cmp"
	"context"
	"slices"
	"time"

	"mailaudit/audit"
	"mailaudit/report"
)

// rowsMax is how many findings of a section a page shows; accounts.csv has all.
const rowsMax = 10_000

// findings is one section of the page's findings.
type findings struct {
	ID, Title, About string
	Count            int
	Rows             []row
	has              func(audit.Finding) bool
}

// Hidden counts the findings that are not shown.
func (f *findings) Hidden() int { return f.Count - len(f.Rows) }

type row struct {
	Account, Tenant, TenantName string
	Provider, Address           string
	Verdict, Previous           audit.Verdict
	TwoFactor, Since            string
	Said, Rule                  string
	Carried                     bool
	Notice                      audit.NoticeState
}

// collect sorts the run's findings into sections. Together they hold every account that the JSON report
// lists.
func collect(ctx context.Context, src report.Source, s *report.Summary) ([]*findings, error) {
	sections := []*findings{
		{ID: "new", Title: "Newly failing", About: "Fine when they last gave an answer",
			has: func(f audit.Finding) bool { return f.Verdict.Failing() && !f.Previous.Failing() }},
		{ID: "open", Title: "Still failing", About: "Failing before, and tonight again",
			has: func(f audit.Finding) bool { return f.Verdict.Failing() }},
		{ID: "unverified", Title: "Unverified", About: "Nothing can be said tonight; an earlier finding stands",
			has: func(f audit.Finding) bool { return f.Verdict == audit.Unverified }},
		{ID: "unproven", Title: "Unproven", About: "Accepted, where nothing can be concluded from that",
			has: func(f audit.Finding) bool { return f.Verdict != audit.Compliant }},
	}
	err := src.Findings(ctx, s.Run, func(f audit.Finding) error {
		for _, section := range sections {
			if section.has(f) {
				section.add(s, f)
				break
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, section := range sections {
		slices.SortStableFunc(section.Rows, func(a, b row) int {
			return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Provider, b.Provider))
		})
	}
	return slices.DeleteFunc(sections, func(f *findings) bool { return f.Count == 0 }), nil
}

func (f *findings) add(s *report.Summary, found audit.Finding) {
	f.Count++
	if len(f.Rows) >= rowsMax {
		return
	}
	f.Rows = append(f.Rows, row{
		Account: report.Plain(found.AccountID), Tenant: report.Plain(found.TenantID), TenantName: report.Plain(found.TenantName),
		Provider: s.ProviderTitle(found.Provider), Address: report.Plain(s.Address(found)),
		Verdict: found.Verdict, Previous: found.Previous, TwoFactor: report.Words(found.TwoFactor), Since: day(found.Since, s.Zone),
		Said: report.Plain(cmp.Or(found.Reply, found.Reason)), Rule: found.Rule,
		Carried: found.Carried, Notice: cmp.Or(found.Notice.Shown(), audit.NoticeNone),
	})
}

func day(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return ""
	}
	return t.In(zone).Format(time.DateOnly)
}
