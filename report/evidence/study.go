package evidence

import (
	"cmp"
	"context"
	"encoding/csv"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/chain"
	"mailaudit/audit/decide"
	"mailaudit/providers"
	"mailaudit/report"
)

// study is what the runs of a range tell together.
type study struct {
	coverage [][]string
	months   map[string]*month
	ruled    [][]string
	actions  [][]string
	policies [][]string
	deleted  [][]string

	began     map[string]time.Time // of the failing accounts, when it began
	repairs   map[audit.Verdict][]int
	unknown   int // repairs of findings that began before the pack
	open      [][]string
	ages      map[string][]int // days that open findings are old, by verdict
	twoFactor [][]string
	attested  map[audit.AttestationKind][]int // ages in days, at the last run over all accounts
}

type month struct{ runs, accounts, verified, open int }

func newStudy() *study {
	return &study{months: map[string]*month{}, began: map[string]time.Time{}, repairs: map[audit.Verdict][]int{}}
}

func (s *study) covered(sum *report.Summary) {
	run, n := sum.Run, sum.Numbers
	s.coverage = append(s.coverage, []string{
		run.Key, stamp(run.StartedAt), string(run.Status), strconv.Itoa(sum.Expected()), strconv.Itoa(n.Verified),
		strconv.Itoa(sum.Expected() - n.Verified), percent(n.Verified, sum.Expected()-n.Chronic), strconv.Itoa(n.Open), strconv.Itoa(n.Quality.ByTraffic),
	})
	if run.Status != audit.RunConcluded || !run.Scope.Whole() {
		return
	}
	name := run.StartedAt.In(sum.Zone).Format("2006-01")
	m := s.months[name]
	if m == nil {
		m = &month{}
		s.months[name] = m
	}
	m.runs++
	m.accounts += sum.Expected() - n.Chronic
	m.verified += n.Verified
	m.open = n.Open
}

func percent(part, whole int) string { return strings.TrimSuffix(report.Percent(part, whole), " %") }

// whole begins anew what only the last whole run tells.
func (s *study) whole(sum *report.Summary) {
	s.open, s.ages, s.twoFactor, s.attested = nil, map[string][]int{}, nil, map[audit.AttestationKind][]int{}
	for _, p := range sum.Providers {
		row := []string{sum.Run.Key, p.Name}
		for _, strength := range []providers.TwoFactor{providers.TwoFactorShown, providers.TwoFactorLikely, providers.TwoFactorUnknown, providers.TwoFactorAbsent} {
			row = append(row, strconv.Itoa(p.TwoFactor[strength]))
		}
		s.twoFactor = append(s.twoFactor, row)
	}
}

// rulings notes what the guards said of a run, where they had anything to say.
func (s *study) rulings(ctx context.Context, src Store, run audit.Run) error {
	facts, err := src.Facts(ctx, run.Key, decide.RulingsFact)
	if err != nil {
		return err
	}
	kept, _, err := decide.KeptRulings(facts)
	if err != nil {
		s.ruled = append(s.ruled, []string{run.Key, "", "unreadable", "what the guards said cannot be read"})
		return nil
	}
	if kept.Silenced != "" {
		s.ruled = append(s.ruled, []string{run.Key, "", "nobody notified", kept.Silenced})
	}
	for _, provider := range slices.Sorted(maps.Keys(kept.Providers)) {
		switch r := kept.Providers[provider]; {
		case r.Void != "":
			s.ruled = append(s.ruled, []string{run.Key, provider, "inconclusive: " + string(r.Void), r.Why})
		case r.Held:
			s.ruled = append(s.ruled, []string{run.Key, provider, "e-mails held", r.HeldWhy})
		}
	}
	return nil
}

// follow keeps the age of what is open, and how long repairs took.
func (s *study) follow(run audit.Run, f audit.Finding) {
	switch {
	case f.Verdict.Failing():
		// A finding that changes its cause goes on: it began with the first of them.
		if _, known := s.began[f.AccountID]; !known || !f.Previous.Failing() {
			s.began[f.AccountID] = f.Since
		}
	case f.Verdict.Fine() && f.Previous.Failing():
		began, known := s.began[f.AccountID]
		delete(s.began, f.AccountID)
		if !known {
			s.unknown++
			break
		}
		s.repairs[f.Previous] = append(s.repairs[f.Previous], days(run.StartedAt.Sub(began)))
	}
	if a := f.Attested; run.Scope.Whole() && a.Kind != "" && f.TwoFactor != a.From {
		s.attested[a.Kind] = append(s.attested[a.Kind], a.AgeDays(run.StartedAt))
	}
	if run.Scope.Whole() && (f.Verdict.Failing() || f.Verdict == audit.Unverified && f.Previous.Failing()) {
		since := cmp.Or(s.began[f.AccountID], f.Since)
		age := days(run.StartedAt.Sub(since))
		s.ages[string(cmp.Or(failing(f), f.Verdict))] = append(s.ages[string(cmp.Or(failing(f), f.Verdict))], age)
		s.open = append(s.open, []string{
			f.AccountID, f.TenantID, f.Provider, string(f.Verdict), string(f.Previous), stamp(since),
			strconv.Itoa(age), f.Rule, noticeName(f.Notice), owner(f),
		})
	}
}

// failing is the verdict that keeps a finding open; "" if none does.
func failing(f audit.Finding) audit.Verdict {
	if f.Verdict.Failing() {
		return f.Verdict
	}
	return f.Previous
}

// owner is who can fix it.
func owner(f audit.Finding) string {
	switch f.Actor {
	case providers.ActorCustomer:
		return "customer"
	case providers.ActorAdministrator:
		return "customer's administrator"
	case providers.ActorUs:
		return "operations"
	}
	return "customer"
}

func noticeName(state audit.NoticeState) string {
	if state == "" {
		return string(audit.NoticeNone)
	}
	return string(state.Shown())
}

// days is to the nearest, since no run starts at the same second as another.
func days(d time.Duration) int { return int(d.Round(24*time.Hour) / (24 * time.Hour)) }

// ages are how long findings may be open, for the table by age; a day count belongs to the first that it does not pass.
var ages = []struct {
	name string
	most int
}{{"up to 7 days", 7}, {"8 to 30 days", 30}, {"31 to 90 days", 90}, {"over 90 days", 1 << 30}}

func (s *study) tables(facts *packFacts, book *chain.Book) []table {
	slices.SortStableFunc(s.open, func(a, b []string) int { return cmp.Compare(a[5], b[5]) })
	var repairs, months, byAge, digests [][]string
	for _, v := range audit.Verdicts {
		if took := s.repairs[v]; len(took) > 0 {
			slices.Sort(took)
			repairs = append(repairs, []string{string(v), strconv.Itoa(len(took)), strconv.Itoa(quantile(took, 50)),
				strconv.Itoa(took[len(took)-1]), strconv.Itoa(quantile(took, 90))})
		}
	}
	if s.unknown > 0 {
		repairs = append(repairs, []string{"(began before these runs)", strconv.Itoa(s.unknown), "", "", ""})
	}
	for _, name := range slices.Sorted(maps.Keys(s.months)) {
		m := s.months[name]
		months = append(months, []string{name, strconv.Itoa(m.runs), strconv.Itoa(m.accounts), strconv.Itoa(m.verified),
			percent(m.verified, m.accounts), strconv.Itoa(m.open)})
	}
	for _, verdict := range slices.Sorted(maps.Keys(s.ages)) {
		row := []string{verdict}
		least := -1
		for _, age := range ages {
			n := 0
			for _, d := range s.ages[verdict] {
				if d > least && d <= age.most {
					n++
				}
			}
			least = age.most
			row = append(row, strconv.Itoa(n))
		}
		byAge = append(byAge, row)
	}
	for _, run := range facts.Runs {
		digests = append(digests, []string{run.Key, book.Runs[run.Key].Report, run.Report, run.Compared, strconv.Itoa(run.Rows), run.RowsSum, run.Detail})
	}
	ageNames := []string{"verdict"}
	for _, age := range ages {
		ageNames = append(ageNames, strings.ReplaceAll(strings.ReplaceAll(age.name, " ", "_"), "up_to", "to"))
	}
	return []table{
		{"coverage-by-month", "Coverage by month", "Runs over all accounts. Verified of the accounts that answer (those without a response for 3 nights or more are left out), and findings open at the month's last run.",
			[]string{"month", "runs", "checks_due", "verified", "percent", "open_at_end"}, months},
		{"coverage", "Coverage by run", "By traffic are those of the verified that were not asked, because the product had sent mail by the same credential.", []string{"run", "started_at", "status", "accounts", "verified", "unverified", "percent", "open", "by_traffic"}, s.coverage},
		{"exceptions", "Exceptions open at the end", "Stored credentials that need a fix, oldest first. Owner is who can fix it.",
			[]string{"account_id", "tenant_id", "provider", "verdict", "previous", "since", "days", "rule", "notice", "owner"}, s.open},
		{"open-by-age", "Open exceptions by age", "", ageNames, byAge},
		{"repairs", "Days to repair", "From the start of a finding to the run that saw it recovered.",
			[]string{"verdict", "repaired", "median_days", "most_days", "p90_days"}, repairs},
		{"two-factor", "Two-factor by strength, last run over all accounts", "What the evidence shows; see Method and limits.",
			[]string{"run", "provider", "confirmed", "likely", "undetermined", "password_only"}, s.twoFactor},
		{"attestations", "Two-factor by attestation, last run over all accounts", "Accounts whose two-factor is stated from elsewhere, with the age of the statement; accounts.csv of the run names them.",
			[]string{"kind", "accounts", "median_days", "most_days"}, s.attestedRows()},
		{"rulings", "What the guards ruled", "Results that were discarded as inconclusive, and e-mails that were held for a person.",
			[]string{"run", "provider", "ruling", "why"}, s.ruled},
		{"operator-actions", "What operators did", "", []string{"at", "who", "what", "target", "why"}, s.actions},
		{"policies", "Policy in force", "The configuration of the runs, by its SHA-256, secrets masked; since is its first run.",
			[]string{"since", "run", "sha256", "file"}, s.policies},
		{"deleted", "Runs that retention has deleted", "The chain still states that they were.", []string{"run", "started_at", "deleted_from"}, s.deleted},
		{"digests", "Runs against the chain of evidence", "kept is the report's digest that the chain states, rebuilt the one of today's database.",
			[]string{"run", "kept", "rebuilt", "compared", "rows", "rows_sha256", "detail"}, digests},
	}
}

func (s *study) attestedRows() (rows [][]string) {
	for _, kind := range audit.AttestationKinds {
		if ages := s.attested[kind]; len(ages) > 0 {
			slices.Sort(ages)
			rows = append(rows, []string{string(kind), strconv.Itoa(len(ages)), strconv.Itoa(quantile(ages, 50)), strconv.Itoa(ages[len(ages)-1])})
		}
	}
	return rows
}

// quantile is the smallest of the sorted values that so many percent of them do not pass.
func quantile(sorted []int, percent int) int { return sorted[(len(sorted)*percent+99)/100-1] }

// table is one table of the pack.
type table struct {
	Name, Title, Note string
	Head              []string
	Rows              [][]string
}

func (t table) objects() []map[string]string {
	all := []map[string]string{}
	for _, row := range t.Rows {
		object := map[string]string{}
		for i, name := range t.Head {
			object[name] = row[i]
		}
		all = append(all, object)
	}
	return all
}

// writeCSV writes the table so that it is safe to open in a spreadsheet.
func (t table) writeCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	out.Write(t.Head) // csv keeps errors for Error
	for _, row := range t.Rows {
		cells := make([]string, len(row))
		for i := range row {
			cells[i] = report.Cell(row[i])
		}
		out.Write(cells)
	}
	out.Flush()
	return out.Error()
}
