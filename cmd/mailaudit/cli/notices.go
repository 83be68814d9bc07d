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
	List     noticesListCmd     `cmd:"" help:"List customer e-mails and their state."`
	Stop     noticesStopCmd     `cmd:"" help:"Kill switch: stop all customer e-mail until start."`
	Start    noticesStartCmd    `cmd:"" help:"Resume customer e-mail."`
	Bounced  noticesBouncedCmd  `cmd:"" help:"Add a contact whose e-mail bounced to the call list."`
	Preview  noticesPreviewCmd  `cmd:"" help:"Show three of the held or queued e-mails as they would go out."`
	Release  noticesReleaseCmd  `cmd:"" help:"Approve what a guard holds: re-checks, then e-mails those still failing."`
	Discard  noticesDiscardCmd  `cmd:"" help:"Discard what a guard holds; cancels these e-mails."`
	Told     noticesToldCmd     `cmd:"" help:"After a restore: mark queued e-mails as sent that customers already have."`
	Correct  noticesCorrectCmd  `cmd:"" help:"Tell exactly those customers whom a wrong run notified that it was wrong, once."`
	Snooze   noticesSnoozeCmd   `cmd:"" help:"Mute a tenant until a date."`
	Unsnooze noticesUnsnoozeCmd `cmd:"" help:"Unmute a tenant."`
}

type noticesListCmd struct {
	Run_   string `name:"run" placeholder:"KEY" help:"Only this run's."`
	State  string `help:"queued, held, sent, failed, ambiguous, shadowed or suppressed."`
	Limit  int    `default:"100" help:"At most N, newest first."`
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
