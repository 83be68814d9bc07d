package cli

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"mailaudit/audit"
	"mailaudit/cmd/mailaudit/app"
	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/report"
)

type findingsCmd struct {
	List findingsListCmd `cmd:"" help:"Open findings: when the customer was last notified, and when the next reminder is due."`
}

type findingsListCmd struct {
	Tenant   string `help:"Only this tenant's."`
	Provider string `help:"Only this provider's."`
	Verdict  string `help:"Only those with this verdict."`
	New      bool   `help:"Only new failures of the latest run."`
	Format   string `enum:"table,json,csv" default:"table" help:"table, json or csv."`
}

func (k findingsListCmd) check() error {
	if k.Verdict != "" && !audit.Verdict(k.Verdict).Failing() {
		return exit.Usagef("--verdict %q is no verdict of a finding; these are: %s", k.Verdict, app.Joined(failing()))
	}
	if k.Provider != "" {
		if _, err := app.MustProvider(k.Provider); err != nil {
			return err
		}
	}
	return nil
}

// failing lists the verdicts of findings.
func failing() (all []audit.Verdict) {
	for _, v := range audit.Verdicts {
		if v.Failing() {
			all = append(all, v)
		}
	}
	return all
}

// findingLine is an open finding as it is listed. Null is what has not come about: nobody notified, no reminder left.
type findingLine struct {
	AccountID    string        `json:"account_id"`
	TenantID     string        `json:"tenant_id"`
	TenantName   string        `json:"tenant_name"`
	Provider     string        `json:"provider"`
	Address      string        `json:"address"` // as report.addresses says
	Verdict      audit.Verdict `json:"verdict"`
	Certainty    string        `json:"certainty"`
	Since        string        `json:"since"`
	New          bool          `json:"new"`
	LastNotified *string       `json:"last_notified_at"`
	Notice       *string       `json:"notice_number"`
	NextReminder *string       `json:"next_reminder_at"`
	since        time.Time
	notified     time.Time
	reminder     time.Time
}

// findingsPage is how many accounts' states are read at once.
const findingsPage = 500

// Run walks over the latest concluded run of the whole source, and lists what is settled as failing: an account
// without an answer keeps its finding.
func (k findingsListCmd) Run(ctx context.Context, a *app.App) error {
	out := newFindingWriter(a, k.Format)
	last, err := a.Store.ConcludedBefore(ctx, 1<<62)
	if errors.Is(err, audit.ErrNoRun) {
		return out.flush()
	}
	if err != nil {
		return err
	}
	var page []audit.Finding
	flush := func() error {
		ids := make([]string, len(page))
		for i, f := range page {
			ids[i] = f.AccountID
		}
		states, err := a.Store.LoadStates(ctx, ids)
		if err != nil {
			return err
		}
		for _, f := range page {
			if line := k.listed(a, f, states[f.AccountID]); k.wants(line) {
				if err := out.write(line); err != nil {
					return err
				}
			}
		}
		page = page[:0]
		return nil
	}
	err = a.Store.Findings(ctx, last, func(f audit.Finding) error {
		if !f.Verdict.Failing() && !f.Previous.Failing() || f.Verdict.Fine() {
			return nil
		}
		if page = append(page, f); len(page) < findingsPage {
			return nil
		}
		return flush()
	})
	return errors.Join(err, flush(), out.flush())
}

func (k findingsListCmd) wants(l findingLine) bool {
	return l.Verdict.Failing() && (k.Tenant == "" || l.TenantID == k.Tenant) && (k.Provider == "" || l.Provider == k.Provider) &&
		(k.Verdict == "" || l.Verdict == audit.Verdict(k.Verdict)) && (!k.New || l.New)
}

// listed is a finding as it stands now: what was remedied since the run is open no more.
func (k findingsListCmd) listed(a *app.App, f audit.Finding, st audit.State) findingLine {
	line := findingLine{
		AccountID: f.AccountID, TenantID: f.TenantID, TenantName: f.TenantName, Provider: f.Provider, Address: f.Address,
		Verdict: st.Settled.Verdict, Certainty: string(st.Settled.Certainty), Since: app.RFC3339(st.Settled.Since),
		New: f.Verdict.Failing() && !f.Previous.Failing(), since: st.Settled.Since,
	}
	if a.Config.Report.Addresses != "full" {
		line.Address = report.Mask(f.Address)
	}
	told := a.LastNotified(st.Told)
	line.notified, line.reminder = told.LastNotified, told.NextReminder
	line.LastNotified, line.NextReminder = dated(line.notified), dated(line.reminder)
	if told.Number != "" {
		line.Notice = &told.Number
	}
	return line
}

// dated is a time in JSON; nil where there is none.
func dated(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := app.RFC3339(t)
	return &text
}

// findingWriter writes lines as they come.
type findingWriter struct {
	write func(findingLine) error
	flush func() error
}

func newFindingWriter(a *app.App, format string) findingWriter {
	switch format {
	case "json":
		list := jsonList{w: a.Env.Stdout}
		return findingWriter{func(l findingLine) error { return list.add(l) }, list.close}
	case "csv":
		return findingsCSV(a.Env.Stdout)
	}
	w := tabwriter.NewWriter(a.Env.Stdout, 0, 0, 2, ' ', 0)
	_, err := fmt.Fprintln(w, "ACCOUNT\tTENANT\tPROVIDER\tVERDICT\tSINCE\tNOTIFIED\tNEXT REMINDER")
	zone := a.Config.TimeZone
	return findingWriter{
		func(l findingLine) error {
			verdict := string(l.Verdict)
			if l.New {
				verdict += " (new)"
			}
			notified := "-"
			if l.LastNotified != nil {
				notified = day(l.notified, zone)
				if l.Notice != nil {
					notified += " " + *l.Notice
				}
			}
			_, werr := fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", report.Plain(l.AccountID), report.Plain(l.TenantID), l.Provider, verdict,
				day(l.since, zone), notified, day(l.reminder, zone))
			return errors.Join(err, werr)
		},
		func() error { return errors.Join(err, w.Flush()) },
	}
}

func findingsCSV(w io.Writer) findingWriter {
	out := csv.NewWriter(w)
	err := out.Write([]string{"account_id", "tenant_id", "tenant_name", "provider", "address", "verdict", "certainty", "since", "new", "last_notified_at", "notice_number", "next_reminder_at"})
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	return findingWriter{
		func(l findingLine) error {
			row := []string{l.AccountID, l.TenantID, l.TenantName, l.Provider, l.Address, string(l.Verdict), l.Certainty, l.Since, fmt.Sprint(l.New),
				text(l.LastNotified), text(l.Notice), text(l.NextReminder)}
			for i := range row {
				row[i] = report.Cell(row[i])
			}
			return errors.Join(err, out.Write(row))
		},
		func() error { out.Flush(); return errors.Join(err, out.Error()) },
	}
}

// day writes a date short, in a zone; "-" for the zero time.
func day(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return "-"
	}
	return t.In(zone).Format("2 Jan 2006")
}
