// Package page writes a run's report as one self-contained HTML file: nothing loaded from elsewhere, one
// script of its own under a policy that lets no other run, light and dark, fit for print. What it says comes
// from a [report.Summary]; the findings come from one more walk over the run's accounts, of which it keeps as
// many as a page can bear. Start with [Write]; [WriteIndex] lists the runs.
package page

import (
	"bufio"
	"context"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"time"

	"mailaudit/audit"
	"mailaudit/report"
)

// debtsShown bounds the tenants that are listed as unknown for long.
const debtsShown = 100

//go:embed page.html
var source string

var functions = template.FuncMap{
	"count":      report.Count,
	"verdict":    report.Words[audit.Verdict],
	"correct":    correction,
	"against":    report.Contradiction,
	"percent":    report.Percent,
	"plain":      report.Plain,
	"capital":    report.Capital,
	"first":      func(d []report.Debt) []report.Debt { return d[:min(len(d), debtsShown)] },
	"firstHosts": func(c []report.Chronic) []report.Chronic { return c[:min(len(c), debtsShown)] },
}

// Write writes the page of the summary's run.
func Write(ctx context.Context, w io.Writer, s *report.Summary, src report.Source) error {
	layout, err := template.New("page").Funcs(functions).Parse(source)
	if err != nil {
		return fmt.Errorf("parse report page: %w", err)
	}
	findings, err := collect(ctx, src, s)
	if err != nil {
		return fmt.Errorf("write report page: %w", err)
	}
	out := bufio.NewWriterSize(w, 1<<16)
	if err := layout.Execute(out, view{s, findings}); err != nil {
		return fmt.Errorf("write report page: %w", err)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write report page: %w", err)
	}
	return nil
}

// view is what the template reads.
type view struct {
	*report.Summary
	findings *findings
}

// Sections are the parts of the findings that have any.
func (v view) Sections() []*section {
	return slices.DeleteFunc(slices.Clone(v.findings.Sections), func(s *section) bool { return s.Count == 0 })
}

func (v view) FindingsTotal() int { return v.findings.Total() }
func (v view) Listed() int        { return v.findings.Listed() }
func (v view) Hidden() int        { return v.findings.Hidden() }

// Command is a command as it can be pasted where the program runs.
func (v view) Command(words string) string { return v.prefix() + "mailaudit " + words }

func (v view) prefix() string {
	if v.CommandPrefix == "" {
		return ""
	}
	return report.Plain(v.CommandPrefix) + " "
}

// Found reports whether findings of the provider are listed.
func (v view) Found(p report.Provider) bool { return p.Accounts > p.Verdicts[audit.Compliant] }

// Definitions say what each number means.
func (v view) Definitions() []report.Definition { return report.Definitions }

// Date is a day as the page writes it.
func (v view) Date(t time.Time) string { return day(t, v.Zone) }

// Verdicts are the verdicts that the run has come to, in the order of reports.
func (v view) Verdicts() []verdictCount {
	var out []verdictCount
	for _, name := range audit.Verdicts {
		if n := v.Numbers.Verdicts[name]; n > 0 {
			out = append(out, verdictCount{name, n})
		}
	}
	return out
}

type verdictCount struct {
	Verdict audit.Verdict
	Count   int
}

// NoticeCounts are the run's mails by state, in the order of reports.
func (v view) NoticeCounts() []noticeCount {
	var out []noticeCount
	for _, state := range audit.NoticeStates {
		if n := v.Mails.States[state]; n > 0 {
			out = append(out, noticeCount{report.StateWord(state), n, v.Mails.Kinds(state)})
		}
	}
	return out
}

type noticeCount struct {
	State string
	Count int
	Kinds []string
}

// correction is the command that takes back what a customer was told of a refusal that does not stand; "" where none does.
func correction(f audit.Finding) string {
	if !report.Doubtful(f) {
		return ""
	}
	return report.CorrectCommand(f)
}
