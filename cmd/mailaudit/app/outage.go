package app

import (
	"context"
	"errors"
	"log/slog"
	"regexp"

	"mailaudit/audit"
	"mailaudit/audit/aside"
	"mailaudit/audit/persist"
	"mailaudit/audit/postgres"
	"mailaudit/audit/sqlite"
	"mailaudit/cmd/mailaudit/config"
)

// outages report the databases of a process that are away: the program's own, and the accounts' where that is another.
type outages struct {
	own, source *persist.Outage
}

func newOutages(c *config.Config, log *slog.Logger) outages {
	blame, fix := postgres.Blame, postgres.Fix
	if c.Database.Kind != config.PostgreSQL {
		blame, fix = sqlite.Blame, func(error) string { return "" }
	}
	o := outages{own: &persist.Outage{What: "database", Log: log, Away: isAway(blame), AwayText: riverIsAway, Fix: fix}}
	o.source = o.own
	if c.Accounts.Database.Kind != "" {
		away := isAway(postgres.Blame)
		o.source = &persist.Outage{
			What: "accounts.database", Log: log, Fix: postgres.Fix,
			Away: func(err error) bool { return errors.Is(err, aside.ErrSource) && away(err) },
		}
	}
	return o
}

// DatabaseFix is what an operator can do about a database that cannot be worked with; "" if that is not known.
func DatabaseFix(err error) string { return postgres.Fix(err) }

// fold is a log without what others say of an outage. Which database an error is about is asked of the source first.
func (o outages) fold(log *slog.Logger) *slog.Logger {
	if o.source != o.own {
		return o.source.Fold(o.own.Fold(log))
	}
	return o.own.Fold(log)
}

func isAway(blame func(error) (audit.Blame, string)) func(error) bool {
	return func(err error) bool {
		b, _ := blame(err)
		return b == audit.BlameAway
	}
}

// awayText is what drivers say of a database that is away. River logs its errors as text alone.
var awayText = regexp.MustCompile(`failed to connect to|SQLSTATE (?:08|53|57P|25006)|conn closed|unexpected EOF|connection reset|broken pipe|i/o timeout|` +
	`database or disk is full|database is locked|attempt to write a readonly database`)

func riverIsAway(text string) bool { return awayText.MatchString(text) }

// Patient repeats a step of a start while the database is away: a run would wait for it, too.
func (a *App) Patient(ctx context.Context, step func(context.Context) error) error {
	return a.away.own.Wait(ctx, step)
}
