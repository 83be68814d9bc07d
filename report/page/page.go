// Package page writes a run's report as one self-contained HTML file: no script, nothing loaded from
// elsewhere, light and dark, fit for print. What it says comes from a [report.Summary]; the findings come
// from one more walk over the run's accounts, of which it keeps as many as a page can bear. Start with
// [Write].
package page

import (
	"bufio"
	"context"
	_ "embed"
	"fmt"
	"html/template"
	"io"

	"mailaudit/audit"
	"mailaudit/report"
)

//go:embed page.html
var source string

var functions = template.FuncMap{
	"count":   report.Count,
	"verdict": report.Words[audit.Verdict],
	"percent": report.Percent,
	"plain":   report.Plain,
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
	Sections []*findings
}

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
			out = append(out, noticeCount{state, n, v.Mails.Kinds(state)})
		}
	}
	return out
}

type noticeCount struct {
	State audit.NoticeState
	Count int
	Kinds []string
}
