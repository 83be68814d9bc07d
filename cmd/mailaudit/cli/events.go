package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"mailaudit/audit"
	"mailaudit/cmd/mailaudit/app"
	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/report"
)

type eventsCmd struct {
	List   eventsListCmd   `cmd:"" help:"Events for the product, newest first: state, tries, what came of the last."`
	Replay eventsReplayCmd `cmd:"" help:"Send events again: those with the ids, or all dead ones."`
}

type eventsListCmd struct {
	State  string `enum:"queued,sent,dead," default:"" help:"queued, sent or dead."`
	Limit  int    `default:"50" help:"At most N."`
	Format string `enum:"table,json" default:"table" help:"table or json."`
}

func (k eventsListCmd) check() error {
	if k.Limit < 1 {
		return exit.Usagef("--limit %d is less than 1", k.Limit)
	}
	return nil
}

// eventLine is an event as it is listed.
type eventLine struct {
	ID        string           `json:"id"`
	Type      audit.EventType  `json:"type"`
	AccountID string           `json:"account_id,omitempty"`
	State     audit.EventState `json:"state"`
	Tries     int              `json:"tries"`
	At        string           `json:"at"`
	NextTry   string           `json:"next_try_at,omitempty"`
	Detail    string           `json:"detail"`
	Data      json.RawMessage  `json:"data"`
}

func (k eventsListCmd) Run(ctx context.Context, a *app.App) error {
	events, err := a.Store.ListEvents(ctx, audit.EventState(k.State), k.Limit)
	if err != nil {
		return err
	}
	if k.Format == "json" {
		lines := make([]eventLine, len(events))
		for i, e := range events {
			lines[i] = eventLine{ID: e.ID, Type: e.Type, AccountID: e.AccountID, State: e.State, Tries: e.Tries, At: app.RFC3339(e.At), Detail: e.Detail, Data: json.RawMessage(e.Data)}
			if e.State == audit.EventQueued {
				lines[i].NextTry = app.RFC3339(e.DueAt)
			}
		}
		return writeJSONList(a.Env.Stdout, lines)
	}
	w := tabwriter.NewWriter(a.Env.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "EVENT\tTYPE\tACCOUNT\tSTATE\tTRIES\tLAST TRY")
	for _, e := range events {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\n", e.ID, e.Type, report.Plain(e.AccountID), e.State, e.Tries, report.Plain(e.Detail))
	}
	return w.Flush()
}

type eventsReplayCmd struct {
	IDs  []string `arg:"" optional:"" name:"id" help:"Events, as events list names them."`
	Dead bool     `help:"All dead events."`
}

func (k eventsReplayCmd) check() error {
	if k.Dead == (len(k.IDs) > 0) {
		return exit.Usagef("events replay needs ids or --dead")
	}
	return nil
}

func (k eventsReplayCmd) Run(ctx context.Context, a *app.App) error {
	n, err := a.Store.ReplayEvents(ctx, k.IDs, a.Now())
	if err != nil {
		return err
	}
	if len(k.IDs) > 0 && n < len(k.IDs) {
		return fmt.Errorf("%d of %d events are queued again; the others are not known, or queued already: mailaudit events list names them", n, len(k.IDs))
	}
	_, err = fmt.Fprintf(a.Env.Stdout, "%s queued again; serve sends them\n", report.Number(n, "event", "events"))
	return err
}
