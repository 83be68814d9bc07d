package cli

import (
	"context"
	"fmt"
	"io"

	"mailaudit/cmd/mailaudit/app"
	"mailaudit/report"
	"mailaudit/report/page"
	"mailaudit/report/slack"
)

type ReportCmd struct {
	Key    string `arg:"" optional:"" help:"The run; default: the latest."`
	Format string `enum:"text,json,csv,html,slack" default:"text" help:"text, json, csv, html or slack."`
	Out    string `placeholder:"FILE" help:"Where to write; default: standard output."`
}

func (r ReportCmd) Run(ctx context.Context, a *app.App) error {
	src := app.LiveSource{Storage: a.Store, WorkedOn: a.WorkedOn}
	options := a.ReportOptions()
	_, plain := a.Env.LookupEnv("NO_COLOR") // no-color.org
	options.Colour = !plain && r.Out == "" && app.IsTerminal(a.Env.Stdout)
	summary, err := report.Build(ctx, src, r.Key, options)
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
