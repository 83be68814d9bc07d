package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"mailaudit/audit"
	"mailaudit/cmd/mailaudit/app"
	"mailaudit/report"
)

type statusCmd struct {
	Format string `enum:"text,json" default:"text" help:"text or json."`
}

// status is one screen: where the program stands and what needs an operator.
type status struct {
	LastRun *runLine       `json:"last_run"` // null before the first
	NextRun *string        `json:"next_run_at"`
	Mode    string         `json:"mode"`
	Stopped string         `json:"notices_stopped"` // who stopped e-mails, and when; "" where they may leave
	Mails   statusMails    `json:"notices"`
	Holds   []statusHold   `json:"holds"`
	Actions []statusAction `json:"actions"`

	next time.Time
}

// statusMails counts over all runs, at most [statusNotices] of each kind.
type statusMails struct {
	Queued   int `json:"queued"`
	Held     int `json:"held"`
	Deferred int `json:"deferred"` // of the queued: the relay put them off
	Sent     int `json:"sent_24h"`
	Cap      int `json:"max_per_night"`
}

type statusHold struct {
	Run      string `json:"run"`
	Provider string `json:"provider"`
	Why      string `json:"why"`
	OpenedAt string `json:"opened_at"`
	Notices  int    `json:"notices"`

	opened time.Time
}

type statusAction struct {
	Text    string `json:"text"`
	Fix     string `json:"fix"`
	Command string `json:"command"` // to be pasted; "" where none helps
}

// statusNotices bounds what is read of the outbox.
const statusNotices = 20_000

func (k statusCmd) Run(ctx context.Context, a *app.App) error {
	s, err := statusOf(ctx, a)
	if err != nil {
		return err
	}
	if k.Format == "json" {
		return writeIndented(a.Env.Stdout, s)
	}
	return s.write(a.Env.Stdout, a)
}

func statusOf(ctx context.Context, a *app.App) (s status, err error) {
	s = status{Mode: a.Config.Notices.Mode, Holds: []statusHold{}, Actions: []statusAction{}}
	if next, ok := (app.Slots{Schedule: a.Config.Schedule, Zone: a.Config.TimeZone}).Next(a.Now()); ok {
		s.next, s.NextRun = next.At, dated(next.At)
	}
	if s.Stopped, err = a.Store.Setting(ctx, audit.SettingStopped); err != nil {
		return s, err
	}
	if s.Mails, err = mailsOf(ctx, a); err != nil {
		return s, err
	}
	holds, err := a.Store.OpenHolds(ctx)
	if err != nil {
		return s, err
	}
	for _, h := range holds {
		s.Holds = append(s.Holds, statusHold{Run: h.RunKey, Provider: h.Provider, Why: h.Why, OpenedAt: app.RFC3339(h.OpenedAt), Notices: h.Notices, opened: h.OpenedAt})
	}
	src := app.LiveSource{Storage: a.Store, WorkedOn: a.WorkedOn}
	summary, err := report.Build(ctx, src, "", a.ReportOptions())
	if errors.Is(err, audit.ErrNoRun) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	line, err := runListed(ctx, src, summary.Run)
	if err != nil {
		return s, err
	}
	s.LastRun = &line
	for _, action := range summary.Actions {
		s.Actions = append(s.Actions, statusAction{Text: action.Text, Fix: action.Fix, Command: a.Pasted(action.Command)})
	}
	return s, nil
}

func mailsOf(ctx context.Context, a *app.App) (m statusMails, err error) {
	m.Cap = a.Config.Notices.MaxPerNight
	for state, n := range map[audit.NoticeState]*int{audit.NoticeQueued: &m.Queued, audit.NoticeHeld: &m.Held} {
		all, err := a.Store.ListNotices(ctx, "", state, statusNotices)
		if err != nil {
			return m, err
		}
		*n = len(all)
	}
	deferred, err := a.Store.Deferred(ctx, a.Now(), statusNotices)
	if err != nil {
		return m, err
	}
	m.Deferred = len(deferred)
	m.Sent, err = a.Store.SentSince(ctx, a.Now().Add(-24*time.Hour), audit.SentTo{})
	return m, err
}

func (s status) write(w io.Writer, a *app.App) error {
	var all error
	say := func(name, format string, args ...any) {
		_, err := fmt.Fprintf(w, "%-9s %s\n", name, fmt.Sprintf(format, args...))
		all = errors.Join(all, err)
	}
	zone := a.Config.TimeZone
	if l := s.LastRun; l == nil {
		say("last run", "none; mailaudit run starts one")
	} else {
		say("last run", "%s, %s, %s", l.Key, app.Local(l.started, zone), l.Status)
		if l.Verified != nil {
			say("", "coverage %s of %s; new %s, recovered %s, open %s", l.coverage(), report.Accounts(l.Accounts-l.Chronic),
				counted(l.New), counted(l.Recovered), counted(l.Open))
		}
	}
	if s.NextRun == nil {
		say("next run", "no schedule is set; cron or a CronJob starts runs")
	} else {
		say("next run", "%s, where serve is up", app.Local(s.next, zone))
	}
	mode := s.Mode
	if s.Stopped != "" {
		mode += "; e-mails are stopped " + s.Stopped
	}
	say("mode", "%s", mode)
	say("e-mails", "%s queued (%s deferred by the relay), %s on hold; %s sent in 24 h, at most %s a run", report.Count(s.Mails.Queued), report.Count(s.Mails.Deferred),
		report.Count(s.Mails.Held), report.Count(s.Mails.Sent), report.Count(s.Mails.Cap))
	for _, h := range s.Holds {
		say("hold", "%s, run %s: %s, open for %s", app.Title(h.Provider), h.Run, report.Number(h.Notices, "e-mail", "e-mails"), age(a.Now().Sub(h.opened)))
	}
	if len(s.Actions) == 0 {
		say("action", "none")
	}
	for _, action := range s.Actions {
		say("action", "%s", action.Text)
		for _, more := range []string{action.Fix, action.Command} {
			if more != "" {
				say("", "→ %s", more)
			}
		}
	}
	return all
}

// age writes how long ago: hours below two days, days above.
func age(d time.Duration) string {
	if d < 48*time.Hour {
		return app.HowMany(int(d/time.Hour), "hour")
	}
	return app.HowMany(int(d/(24*time.Hour)), "day")
}
