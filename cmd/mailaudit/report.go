package main

import (
	"context"
	"fmt"
	"io"

	"mailaudit/report"
	"mailaudit/report/page"
	"mailaudit/report/slack"
)

type reportCmd struct {
	Key    string `arg:"" optional:"" help:"The run; default: the latest."`
	Format string `enum:"text,json,csv,html,slack" default:"text" help:"text, json, csv, html or slack."`
	Out    string `placeholder:"FILE" help:"Where to write; default: standard output."`
}

func (r reportCmd) Run(ctx context.Context, a *app) error {
	src := liveSource{a.store, a.workedOn}
	options := a.reportOptions()
	_, plain := a.around.lookupEnv("NO_COLOR") // no-color.org
	options.Colour = !plain && r.Out == "" && isTerminal(a.around.stdout)
	summary, err := report.Build(ctx, src, r.Key, options)
	if err != nil {
		return err
	}
	return writeOut(a.around.stdout, r.Out, func(w io.Writer) error { return r.write(ctx, w, a, src, summary) })
}

func (r reportCmd) write(ctx context.Context, w io.Writer, a *app, src report.Source, s *report.Summary) error {
	switch r.Format {
	case "json":
		return s.WriteJSON(ctx, w, src)
	case "csv":
		return s.WriteCSV(ctx, w, src)
	case "html":
		return page.Write(ctx, w, s, src)
	case "slack":
		payload, err := slack.Payload(s, a.slackLayout())
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w, "%s\n", payload)
		return err
	}
	return s.WriteText(w)
}
