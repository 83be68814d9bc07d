package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"mailaudit/audit"
	"mailaudit/cmd/mailaudit/app"
	"mailaudit/report"
	"mailaudit/report/page"
	"mailaudit/report/slack"
)

type ReportCmd struct {
	Key    string `arg:"" optional:"" help:"The run, or the local date on which it started; default: the latest."`
	Format string `enum:"text,json,csv,html,slack" default:"text" help:"text, json, csv, html or slack."`
	Out    string `placeholder:"FILE" help:"Where to write; default: standard output."`
}

func (r ReportCmd) Run(ctx context.Context, a *app.App) error {
	src := app.LiveSource{Storage: a.Store, WorkedOn: a.WorkedOn}
	options := a.ReportOptions()
	_, plain := a.Env.LookupEnv("NO_COLOR") // no-color.org
	options.Colour = !plain && r.Out == "" && app.IsTerminal(a.Env.Stdout)
	key, err := keyOf(ctx, src, r.Key, options.Zone)
	if err != nil {
		return err
	}
	summary, err := report.Build(ctx, src, key, options)
	if err != nil {
		return err
	}
	return writeOut(a.Env.Stdout, r.Out, func(w io.Writer) error { return r.Write(ctx, w, a, src, summary) })
}

func (r ReportCmd) Write(ctx context.Context, w io.Writer, a *app.App, src report.Source, s *report.Summary) error {
	switch r.Format {
	case "json":
		return s.WriteJSON(ctx, w, src)
	case "csv":
		return s.WriteCSV(ctx, w, src)
	case "html":
		return page.Write(ctx, w, s, src)
	case "slack":
		payload, err := slack.Payload(s, a.SlackLayout())
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w, "%s\n", payload)
		return err
	}
	return s.WriteText(w)
}

// keyOf is the key of the run that is meant: a key, or the local date on which a run started, which people see in
// every summary. Where no run bears the key and several started on that date, the error names them.
func keyOf(ctx context.Context, src report.Source, meant string, zone *time.Location) (string, error) {
	if meant == "" {
		return "", nil
	}
	_, err := src.LoadRun(ctx, meant)
	if _, notDate := time.Parse(time.DateOnly, meant); !errors.Is(err, audit.ErrNoRun) || notDate != nil {
		return meant, nil // Build says what is wrong with it
	}
	runs, err := src.ListRuns(ctx, runsByDate, false)
	if err != nil {
		return "", err
	}
	var keys []string
	for _, run := range runs {
		if run.StartedAt.In(zone).Format(time.DateOnly) == meant {
			keys = append(keys, run.Key)
		}
	}
	switch len(keys) {
	case 0:
		return meant, nil
	case 1:
		return keys[0], nil
	}
	return "", fmt.Errorf("%d runs started on %s: %s; name one", len(keys), meant, strings.Join(keys, ", "))
}

// runsByDate is how many runs, from the latest on, are looked at for a date.
const runsByDate = 10_000
