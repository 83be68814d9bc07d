package page

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"mailaudit/audit"
	"mailaudit/report"
)

const (
	rowsMax      = 20_000 // findings that a page lists; accounts.csv has all
	historiesMax = 1_000  // accounts whose history it holds; newly failing ones first
	stepsMax     = 40     // of one history
)

// Histories is what a source knows of single accounts' past. One without it gives pages without histories.
type Histories interface {
	History(ctx context.Context, accountID string) (audit.History, error)
}

var _ Histories = audit.Store(nil)

// section is one part of the page's findings.
type section struct {
	ID, Title, About string
	Count            int
	has              func(audit.Finding) bool
}

// findings are the page's rows and what its script reads.
type findings struct {
	Sections []*section
	rows     []row
	pool     pool
	past     map[string][][]int
}

// row is one finding, its values as places in the pool of texts, in the order of columns. Its section and
// tenant come first in the order of rows.
type row struct {
	section int
	tenant  string
	account string
	values  []int
}

// column is one value of a row. Those without a width are shown in the account's dialog alone.
type column struct {
	Key   string `json:"key"`
	Title string `json:"title"`
	Width string `json:"width,omitempty"`
	Wide  bool   `json:"wide,omitempty"` // left out on a phone
	Date  bool   `json:"date,omitempty"` // 2026-11-23, so that it can be sorted; shown as people write it
}

var columns = [...]column{
	{"account", "Account", "8.5rem", false, false},
	{"tenant", "Tenant", "6.5rem", false, false},
	{"name", "Tenant's name", "", true, false},
	{"provider", "Provider", "6.5rem", true, false},
	{"address", "Mailbox", "11rem", true, false},
	{"verdict", "Verdict", "9.5rem", false, false},
	{"previous", "Before", "", true, false},
	{"factor", "2FA", "", true, false},
	{"since", "Since", "7.5rem", true, true},
	{"said", "Server response", "11rem", true, false},
	{"rule", "Rule", "", true, false},
	{"carried", "Not re-checked", "", true, false},
	{"notice", "E-mail", "6rem", true, false},
	{"notified", "Notified", "7.5rem", true, true},
	{"number", "Notice number", "", true, false},
	{"reminder", "Next reminder", "", true, true},
	{"section", "List", "", true, false},
}

// collect sorts the run's findings into sections. Together they hold every account that the JSON report
// lists.
func collect(ctx context.Context, src report.Source, s *report.Summary) (*findings, error) {
	f := &findings{past: map[string][][]int{}, Sections: []*section{
		{ID: "new", Title: "New failures", About: "OK when they were last verified",
			has: func(f audit.Finding) bool { return f.Verdict.Failing() && !f.Previous.Failing() }},
		{ID: "open", Title: "Still failing", About: "failing before, and in this run",
			has: func(f audit.Finding) bool { return f.Verdict.Failing() }},
		{ID: "unverified", Title: "Unverified", About: "not verified in this run; an earlier finding stays open",
			has: func(f audit.Finding) bool { return f.Verdict == audit.Unverified }},
		{ID: "unproven", Title: "Unproven", About: "accepted; 2FA undetermined",
			has: func(f audit.Finding) bool { return f.Verdict != audit.Compliant }},
	}}
	err := s.WalkFindings(ctx, src, func(found audit.Finding, told report.Told) error {
		for i, section := range f.Sections {
			if section.has(found) {
				section.Count++
				f.add(s, i, found, told)
				break
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(f.rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.section, b.section), cmp.Compare(a.tenant, b.tenant))
	})
	f.rows = f.rows[:min(len(f.rows), rowsMax)]
	if h, ok := src.(Histories); ok {
		if err := f.readHistories(ctx, h, s); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// add keeps at most rowsMax rows of each section, so that a night of any size stays in bounds and the most
// urgent ones are kept.
func (f *findings) add(s *report.Summary, section int, found audit.Finding, told report.Told) {
	if f.Sections[section].Count > rowsMax {
		return
	}
	carried := ""
	if found.Carried {
		carried = "not re-checked, last result kept"
	}
	if found.ByTraffic {
		carried = "by traffic, not asked"
	}
	values := [len(columns)]string{
		report.Plain(found.AccountID), report.Plain(found.TenantID), report.Plain(found.TenantName),
		s.ProviderTitle(found.Provider), report.Plain(s.Address(found)),
		report.Words(found.Verdict), report.Words(found.Previous), s.Factor(found), date(found.Since, s.Zone),
		report.Plain(cmp.Or(found.Reply, found.Reason)), found.Rule, carried,
		report.StateWord(found.Notice.Shown()),
		date(told.LastNotified, s.Zone), told.Number, date(told.NextReminder, s.Zone), f.Sections[section].Title,
	}
	r := row{section: section, tenant: found.TenantID, account: found.AccountID, values: make([]int, len(values))}
	for i, v := range values {
		r.values[i] = f.pool.at(v)
	}
	f.rows = append(f.rows, r)
}

func (f *findings) readHistories(ctx context.Context, src Histories, s *report.Summary) error {
	for i, r := range f.rows {
		if i == historiesMax || r.section > 1 {
			break
		}
		h, err := src.History(ctx, r.account)
		if err != nil {
			return fmt.Errorf("read the history of an account: %w", err)
		}
		steps := [][]int{}
		for _, c := range slices.Backward(h.Changes) {
			if c.Seq > s.Run.Seq || len(steps) == stepsMax {
				continue
			}
			step := []int{}
			for _, v := range []string{c.RunKey, report.Words(c.Verdict), report.Words(c.Previous), c.Rule, report.Plain(cmp.Or(c.Reply, c.Reason))} {
				step = append(step, f.pool.at(v))
			}
			steps = append(steps, step)
		}
		f.past[report.Plain(r.account)] = steps
	}
	return nil
}

// Total counts the findings, Listed those that the page lists, Hidden the others.
func (f *findings) Total() int {
	n := 0
	for _, s := range f.Sections {
		n += s.Count
	}
	return n
}
func (f *findings) Listed() int { return len(f.rows) }
func (f *findings) Hidden() int { return f.Total() - f.Listed() }

// pool keeps each text once; a page of 20,000 rows says the same few hundred things.
type pool struct {
	texts []string
	known map[string]int
}

func (p *pool) at(text string) int {
	if p.known == nil {
		p.known = map[string]int{}
	}
	i, ok := p.known[text]
	if !ok {
		i = len(p.texts)
		p.texts = append(p.texts, text)
		p.known[text] = i
	}
	return i
}

func date(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return ""
	}
	return t.In(zone).Format(time.DateOnly)
}

func day(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return ""
	}
	return t.In(zone).Format("2 Jan 2006")
}
