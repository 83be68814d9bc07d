package cli

import (
	"context"
	"fmt"
	"slices"
	"text/tabwriter"

	"mailaudit/audit"
	"mailaudit/cmd/mailaudit/app"
	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/report"
	"mailaudit/report/notice"
)

type noticesCmd struct {
	List     noticesListCmd     `cmd:"" help:"The customer mails and where they stand."`
	Stop     noticesStopCmd     `cmd:"" help:"The kill switch: no customer mail leaves until start."`
	Start    noticesStartCmd    `cmd:"" help:"Let customer mails leave again."`
	Bounced  noticesBouncedCmd  `cmd:"" help:"Put a contact whose mail came back on the call list."`
	Preview  noticesPreviewCmd  `cmd:"" help:"Three of the notices that are held or queued, as they would go out."`
	Release  noticesReleaseCmd  `cmd:"" help:"Verify again what a guard held, and mail what still fails."`
	Discard  noticesDiscardCmd  `cmd:"" help:"End a hold; none of its notices is mailed."`
	Told     noticesToldCmd     `cmd:"" help:"After a restore: queued mails whose customers have them already count as sent."`
	Correct  noticesCorrectCmd  `cmd:"" help:"Tell exactly those whom a wrong run has told something that it was wrong, once."`
	Snooze   noticesSnoozeCmd   `cmd:"" help:"Mail a tenant nothing until a day."`
	Unsnooze noticesUnsnoozeCmd `cmd:"" help:"Mail a tenant again."`
}

type noticesListCmd struct {
	Run_   string `name:"run" placeholder:"KEY" help:"Only this run's."`
	State  string `help:"queued, held, sent, failed, ambiguous, shadowed or suppressed."`
	Limit  int    `default:"100" help:"At most so many, newest first."`
	Format string `enum:"table,json" default:"table" help:"table or json."`
}

func (l noticesListCmd) check() error {
	if l.State != "" && !slices.Contains(audit.NoticeStates[:], audit.NoticeState(l.State)) {
		return exit.Usagef("--state %q is not one of %s", l.State, app.Joined(audit.NoticeStates[:]))
	}
	return nil
}

func (l noticesListCmd) Run(ctx context.Context, a *app.App) error {
	if l.Run_ != "" {
		if _, err := a.Store.LoadRun(ctx, l.Run_); err != nil {
			return err
		}
	}
	all, err := a.Store.ListNotices(ctx, l.Run_, audit.NoticeState(l.State), l.Limit)
	if err != nil {
		return err
	}
	if l.Format == "json" {
		lines := make([]noticeLine, len(all))
		for i, n := range all {
			lines[i] = noticeJSON(n)
		}
		return writeJSONList(a.Env.Stdout, lines)
	}
	w := tabwriter.NewWriter(a.Env.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NOTICE\tRUN\tKIND\tTENANT\tPROVIDER\tACCOUNTS\tTO\tSTATE\tDUE\tDETAIL")
	for _, n := range all {
		j := noticeJSON(n)
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\t%s\n", j.Notice, j.Run, j.Kind, report.Plain(j.Tenant), j.Provider,
			len(j.Accounts), report.Plain(j.To), j.State, j.Due, report.Plain(j.Detail))
	}
	return w.Flush()
}

type noticeLine struct {
	Notice   string   `json:"notice"`
	Run      string   `json:"run"`
	Kind     string   `json:"kind"`
	Tenant   string   `json:"tenant_id"`
	Provider string   `json:"provider"`
	To       string   `json:"to"` // masked
	State    string   `json:"state"`
	Detail   string   `json:"detail"`
	Due      string   `json:"due_at"`
	Waits    string   `json:"waits_until"` // for the re-check of its accounts
	Sent     string   `json:"sent_at"`
	Accounts []string `json:"accounts"`
}

func noticeJSON(n audit.Notice) noticeLine {
	line := noticeLine{
		Notice: notice.Reference(n.ID), Run: n.RunKey, Kind: string(n.Kind), Tenant: n.TenantID, Provider: n.Provider,
		To: report.Mask(n.ContactEmail), State: string(n.State.Shown()), Detail: n.Detail,
		Due: app.RFC3339(n.DueAt), Waits: app.RFC3339(n.WaitsUntil), Sent: app.RFC3339(n.SentAt), Accounts: []string{},
	}
	for _, i := range n.Items {
		line.Accounts = append(line.Accounts, i.AccountID)
	}
	return line
}
