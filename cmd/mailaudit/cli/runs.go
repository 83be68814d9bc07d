package cli

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"mailaudit/audit"
	"mailaudit/cmd/mailaudit/app"
	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/report"
)

type runsCmd struct {
	List runsListCmd `cmd:"" help:"Runs, newest first: status, coverage, new, recovered, open, e-mails."`
}

type runsListCmd struct {
	Limit  int    `default:"20" help:"At most N."`
	Format string `enum:"table,json" default:"table" help:"table or json."`
}

func (k runsListCmd) check() error {
	if k.Limit < 1 {
		return exit.Usagef("--limit %d is less than 1", k.Limit)
	}
	return nil
}

// runLine is a run as it is listed. Its numbers are those of its report; they are null until it has concluded.
type runLine struct {
	Key       string                    `json:"key"`
	StartedAt string                    `json:"started_at"`
	Status    audit.RunStatus           `json:"status"`
	Scope     audit.Scope               `json:"scope"`
	Accounts  int                       `json:"accounts"`
	Verified  *int                      `json:"verified"`
	Chronic   int                       `json:"chronic"` // without a response for long, which coverage leaves out
	New       *int                      `json:"newly_failing"`
	Recovered *int                      `json:"recovered"`
	Open      *int                      `json:"open"`
	Notices   map[audit.NoticeState]int `json:"notices"`

	started time.Time
}

func (k runsListCmd) Run(ctx context.Context, a *app.App) error {
	src := app.LiveSource{Storage: a.Store, WorkedOn: a.WorkedOn}
	runs, err := src.ListRuns(ctx, k.Limit, false)
	if err != nil {
		return err
	}
	lines := make([]runLine, len(runs))
	for i, r := range runs {
		if lines[i], err = runListed(ctx, src, r); err != nil {
			return err
		}
	}
	if k.Format == "json" {
		return writeJSONList(a.Env.Stdout, lines)
	}
	w := tabwriter.NewWriter(a.Env.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "RUN\tSTART\tSTATUS\tCOVERAGE\tNEW\tRECOVERED\tOPEN\tE-MAILS")
	for _, l := range lines {
		coverage := "-"
		if l.Verified != nil {
			coverage = l.coverage()
		}
		status := string(l.Status)
		if !l.Scope.Whole() {
			status += ", partial"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", l.Key, app.Local(l.started, a.Config.TimeZone), status, coverage, counted(l.New), counted(l.Recovered),
			counted(l.Open), report.Count(l.Notices[audit.NoticeSent]))
	}
	return w.Flush()
}

func runListed(ctx context.Context, src report.Source, r audit.Run) (runLine, error) {
	l := runLine{Key: r.Key, StartedAt: app.RFC3339(r.StartedAt), Status: r.Status, Scope: r.Scope, Accounts: r.Accounts, started: r.StartedAt}
	if n := r.Numbers; n != nil {
		l.Accounts, l.Verified, l.Chronic, l.New, l.Recovered, l.Open = n.Accounts, &n.Verified, n.Chronic, &n.Changes.NewlyFailing, &n.Changes.Recovered, &n.Open
	}
	counts, err := src.CountNotices(ctx, r.Key)
	if err != nil {
		return l, fmt.Errorf("count the notices of run %s: %w", r.Key, err)
	}
	l.Notices = map[audit.NoticeState]int{}
	for state, n := range counts {
		l.Notices[state.Shown()] += n
	}
	return l, nil
}

// coverage is told of runs whose accounts are counted.
func (l runLine) coverage() string { return report.Percent(*l.Verified, l.Accounts-l.Chronic) }

// counted is a number that may not be known yet.
func counted(n *int) string {
	if n == nil {
		return "-"
	}
	return report.Count(*n)
}
