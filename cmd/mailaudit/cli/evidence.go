package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"mailaudit/cmd/mailaudit/app"
	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/report"
)

type EvidenceCmd struct {
	From string `required:"" placeholder:"DATE" help:"The first day, such as 2026-01-01."`
	To   string `required:"" placeholder:"DATE" help:"The last day."`
	Out  string `required:"" placeholder:"FILE.zip" help:"Where to write."`
}

func (e EvidenceCmd) check() error {
	_, _, err := e.days(time.UTC)
	return err
}

// days are the beginnings of the first and the last day in the zone.
func (e EvidenceCmd) days(zone *time.Location) (from, to time.Time, err error) {
	if from, err = time.ParseInLocation(time.DateOnly, e.From, zone); err != nil {
		return from, to, exit.Usagef("--from %q is not a day such as 2026-01-31", e.From)
	}
	if to, err = time.ParseInLocation(time.DateOnly, e.To, zone); err != nil {
		return from, to, exit.Usagef("--to %q is not a day such as 2026-01-31", e.To)
	}
	if to.Before(from) {
		return from, to, exit.Usagef("--to %s lies before --from %s", e.To, e.From)
	}
	return from, to, nil
}

func (e EvidenceCmd) Run(ctx context.Context, a *app.App) error {
	from, to, err := e.days(a.Config.TimeZone)
	if err != nil {
		return err
	}
	nights := 0
	err = writeOut(a.Env.Stdout, e.Out, func(w io.Writer) (err error) {
		nights, err = report.WriteEvidence(ctx, w, app.LiveSource{Storage: a.Store, WorkedOn: a.WorkedOn}, from, to.AddDate(0, 0, 1), a.ReportOptions())
		return err
	})
	if err == nil && nights == 0 {
		fmt.Fprintf(a.Env.Stderr, "mailaudit: no run started from %s to %s; the pack holds no night\n", e.From, e.To)
	}
	if err == nil && e.Out != "-" {
		_, err = fmt.Fprintf(a.Env.Stdout, "%s: %s\n", e.Out, report.Number(nights, "run", "runs"))
	}
	return err
}
