package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"mailaudit/cmd/mailaudit/config"
	"mailaudit/report"
)

type evidenceCmd struct {
	From string `required:"" placeholder:"DATE" help:"The first day, such as 2026-01-01."`
	To   string `required:"" placeholder:"DATE" help:"The last day."`
	Out  string `required:"" placeholder:"FILE.zip" help:"Where to write."`
}

func (e evidenceCmd) Run(ctx context.Context, g *Globals, around *surroundingsOf) error {
	c, err := config.Load(g.Config, around.lookupEnv)
	if err != nil {
		return err
	}
	from, err := time.ParseInLocation(time.DateOnly, e.From, c.TimeZone)
	if err != nil {
		return usageError("--from %q is not a day such as 2026-01-31", e.From)
	}
	to, err := time.ParseInLocation(time.DateOnly, e.To, c.TimeZone)
	if err != nil {
		return usageError("--to %q is not a day such as 2026-01-31", e.To)
	}
	if to.Before(from) {
		return usageError("--to %s lies before --from %s", e.To, e.From)
	}
	log := g.logger(around.stderr)
	store, err := openStore(ctx, c, existing, log)
	if err != nil {
		return err
	}
	defer store.Close()
	a := &app{config: c, log: log, around: around, store: store, now: around.clock()}
	nights := 0
	err = writeOut(around.stdout, e.Out, func(w io.Writer) (err error) {
		nights, err = report.WriteEvidence(ctx, w, liveSource{store, a.workedOn}, from, to.AddDate(0, 0, 1), a.reportOptions())
		return err
	})
	if err == nil && nights == 0 {
		fmt.Fprintf(around.stderr, "mailaudit: no run started from %s to %s; the pack holds no night\n", e.From, e.To)
	}
	if err == nil && e.Out != "-" {
		_, err = fmt.Fprintf(around.stdout, "%s: %s\n", e.Out, report.Number(nights, "run", "runs"))
	}
	return err
}
