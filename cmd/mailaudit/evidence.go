package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"mailaudit/report"
)

type evidenceCmd struct {
	From string `required:"" placeholder:"DATE" help:"The first day, such as 2026-01-01."`
	To   string `required:"" placeholder:"DATE" help:"The last day."`
	Out  string `required:"" placeholder:"FILE.zip" help:"Where to write."`
}

func (e evidenceCmd) check() error {
	_, _, err := e.days(time.UTC)
	return err
}

// days are the beginnings of the first and the last day in the zone.
func (e evidenceCmd) days(zone *time.Location) (from, to time.Time, err error) {
	if from, err = time.ParseInLocation(time.DateOnly, e.From, zone); err != nil {
		return from, to, usageError("--from %q is not a day such as 2026-01-31", e.From)
	}
	if to, err = time.ParseInLocation(time.DateOnly, e.To, zone); err != nil {
		return from, to, usageError("--to %q is not a day such as 2026-01-31", e.To)
	}
	if to.Before(from) {
		return from, to, usageError("--to %s lies before --from %s", e.To, e.From)
	}
	return from, to, nil
}

func (e evidenceCmd) Run(ctx context.Context, a *app) error {
	from, to, err := e.days(a.config.TimeZone)
	if err != nil {
		return err
	}
	nights := 0
	err = writeOut(a.around.stdout, e.Out, func(w io.Writer) (err error) {
		nights, err = report.WriteEvidence(ctx, w, liveSource{a.store, a.workedOn}, from, to.AddDate(0, 0, 1), a.reportOptions())
		return err
	})
	if err == nil && nights == 0 {
		fmt.Fprintf(a.around.stderr, "mailaudit: no run started from %s to %s; the pack holds no night\n", e.From, e.To)
	}
	if err == nil && e.Out != "-" {
		_, err = fmt.Fprintf(a.around.stdout, "%s: %s\n", e.Out, report.Number(nights, "run", "runs"))
	}
	return err
}
