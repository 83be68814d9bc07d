package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"mailaudit/audit"
	"mailaudit/cmd/mailaudit/app"
	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/providers"
	"mailaudit/report"
)

type rehearseCmd struct {
	Live   bool   `help:"As if notices.mode were live from today."`
	Change string `placeholder:"ID" help:"An announced change of a provider takes effect; mailaudit report names those that come."`
	On     string `placeholder:"DATE" help:"With --change: its day, as 2026-12-31, in the place of the announced one."`
	Format string `enum:"text,json" default:"text" help:"text or json."`
}

func (k rehearseCmd) check() error {
	if k.On != "" {
		if k.Change == "" {
			return exit.Usagef("--on is the day of a change: it needs --change ID")
		}
		if _, err := time.Parse(time.DateOnly, k.On); err != nil {
			return exit.Usagef("--on %q is not a date such as 2026-12-31", k.On)
		}
	}
	if k.Change == "" && !k.Live {
		return exit.Usagef("name what to rehearse: --live, or --change ID")
	}
	return nil
}

func (rehearseCmd) wants() app.Wants { return app.Wants{Keys: true} }

const (
	liveDays   = 14 // so many days are rehearsed of going live,
	changeDays = 31 // and so many after a change
)

func (k rehearseCmd) Run(ctx context.Context, a *app.App) error {
	w := app.WhatIf{Live: k.Live, Until: a.Now().AddDate(0, 0, liveDays)}
	if k.Change != "" {
		c, err := k.change(a)
		if err != nil {
			return err
		}
		w.Change, w.Until = &c, audit.Latest(w.Until, c.Day.AddDate(0, 0, changeDays))
	}
	r, err := a.Rehearse(ctx, w)
	if err != nil {
		return err
	}
	out := rehearsedOf(a, w, r)
	if k.Format == "json" {
		return out.json(a.Env.Stdout)
	}
	return out.text(a.Env.Stdout)
}

func (k rehearseCmd) change(a *app.App) (providers.Change, error) {
	all := a.Config.Rules().Changes()
	i := slices.IndexFunc(all, func(c providers.Change) bool { return c.ID == k.Change })
	if i < 0 {
		var ids []string
		for _, c := range all {
			ids = append(ids, c.ID)
		}
		return providers.Change{}, exit.Usagef("--change %q is not an announced change; known are %s", k.Change, cmp.Or(strings.Join(ids, ", "), "none"))
	}
	c := all[i]
	if k.On != "" {
		c.Day, _ = time.Parse(time.DateOnly, k.On)
	}
	if c.Reply == "" {
		return c, exit.Usagef("the announced change %s has no reply to rehearse: add reply: \"535 …\" to it in the changes.yaml of rules_dir", c.ID)
	}
	return c, nil
}

// rehearsed is what is shown of a rehearsal.
type rehearsed struct {
	From    string          `json:"from"`
	Until   string          `json:"until"`
	Runs    int             `json:"runs"`
	Mode    audit.Mode      `json:"mode"`
	Change  *changeShown    `json:"change"`
	Days    []rehearsedDay  `json:"days"`
	Mails   []rehearsedMail `json:"mails"`
	Queued  int             `json:"queued_at_end"`
	Holds   []heldShown     `json:"holds"`
	Stopped []stoppedShown  `json:"stopped"`
	Late    *lateShown      `json:"not_reached_in_time"`
	Unknown int             `json:"unknown"`
}

type changeShown struct {
	ID       string `json:"id"`
	Title    string `json:"title"`
	Provider string `json:"provider"`
	Day      string `json:"day"`
}

type rehearsedDay struct {
	Day   string                   `json:"day"`
	Mails int                      `json:"mails"`
	Kinds map[audit.NoticeKind]int `json:"kinds"`
}

// rehearsedMail is one e-mail, by ids alone.
type rehearsedMail struct {
	Day      string           `json:"day"`
	Kind     audit.NoticeKind `json:"kind"`
	Tenant   string           `json:"tenant_id"`
	Provider string           `json:"provider"`
	Accounts []string         `json:"accounts"`
}

type heldShown struct {
	Run      string `json:"run"`
	Provider string `json:"provider"`
	Why      string `json:"why"`
	Notices  int    `json:"notices"`
}

type stoppedShown struct {
	Run string `json:"run"`
	Why string `json:"why"`
}

type lateShown struct {
	Customers  int `json:"customers"`
	Days       int `json:"days_left"`
	Needed     int `json:"max_ahead_per_night_needed"` // 0: no value is enough
	DaysNeeded int `json:"days_needed"`
}

func rehearsedOf(a *app.App, w app.WhatIf, r app.Rehearsed) rehearsed {
	zone := a.Config.TimeZone
	out := rehearsed{From: r.From.In(zone).Format(time.DateOnly), Until: w.Until.In(zone).Format(time.DateOnly), Runs: r.Runs, Mode: r.Mode,
		Queued: len(r.Queued), Unknown: r.Unknown, Days: []rehearsedDay{}, Mails: []rehearsedMail{}, Holds: []heldShown{}, Stopped: []stoppedShown{}}
	if c := w.Change; c != nil {
		out.Change = &changeShown{c.ID, c.Title, c.Provider, c.Day.Format(time.DateOnly)}
	}
	days := map[string]*rehearsedDay{}
	for _, n := range slices.Backward(r.Mails) {
		at := n.SentAt
		if at.IsZero() {
			at = n.CreatedAt
		}
		name := at.In(zone).Format(time.DateOnly)
		if days[name] == nil {
			days[name] = &rehearsedDay{Day: name, Kinds: map[audit.NoticeKind]int{}}
		}
		days[name].Mails++
		out.Mails = append(out.Mails, rehearsedMail{name, n.Kind, n.TenantID, n.Provider, n.Accounts()})
		days[name].Kinds[n.Kind]++
	}
	for _, name := range slices.Sorted(maps.Keys(days)) {
		out.Days = append(out.Days, *days[name])
	}
	for _, h := range r.Holds {
		out.Holds = append(out.Holds, heldShown{h.RunKey, h.Provider, h.Why, h.Notices})
	}
	for _, key := range slices.Sorted(maps.Keys(r.Stopped)) {
		out.Stopped = append(out.Stopped, stoppedShown{key, r.Stopped[key]})
	}
	if l := r.Late; l != nil {
		out.Late = &lateShown{l.Customers, l.Days, l.Needed, l.DaysNeeded}
	}
	return out
}

func (r rehearsed) json(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

func (r rehearsed) text(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Rehearsal %s to %s: %s, notices.mode %s\n", r.From, r.Until, app.HowMany(r.Runs, "run"), r.Mode)
	if c := r.Change; c != nil {
		fmt.Fprintf(&b, "%s: %s, last day %s\n", app.Title(c.Provider), c.Title, c.Day)
	}
	if r.Unknown > 0 {
		fmt.Fprintf(&b, "%s never checked yet: rehearsed without a response\n", report.Number(r.Unknown, "account was", "accounts were"))
	}
	b.WriteString("\n")
	if r.Mode != audit.ModeLive {
		fmt.Fprintf(&b, "notices.mode is %s: no customer is e-mailed; --live shows what live would send\n", r.Mode)
	}
	if len(r.Days) == 0 {
		b.WriteString("no e-mails\n")
	} else {
		t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(t, "DAY\tE-MAILS\tFIRST\tREMINDERS\tRECOVERED\tWARNINGS\t")
		for _, d := range r.Days {
			fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t\n", d.Day, d.Mails, d.Kinds[audit.KindFinding], d.Kinds[audit.KindReminder],
				d.Kinds[audit.KindRecovered], d.Kinds[audit.KindAhead])
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	if r.Queued > 0 {
		fmt.Fprintf(&b, "%s still waiting at the end\n", report.Number(r.Queued, "e-mail is", "e-mails are"))
	}
	for _, h := range r.Holds {
		fmt.Fprintf(&b, "\nHold, run %s, %s: %s\n  %s on hold until somebody decides\n", h.Run, app.Title(h.Provider), h.Why, report.Number(h.Notices, "e-mail", "e-mails"))
	}
	for _, s := range r.Stopped {
		fmt.Fprintf(&b, "\nRun %s would stop: %s\n", s.Run, s.Why)
	}
	if l := r.Late; l != nil {
		fmt.Fprintf(&b, "\n%s not warned before the day (%s for e-mail left)\n", report.Number(l.Customers, "customer is", "customers are"), app.HowMany(l.Days, "day"))
		if l.Needed > 0 {
			fmt.Fprintf(&b, "  notices.max_ahead_per_night: %d reaches all of them;\n", l.Needed)
		}
		fmt.Fprintf(&b, "  under the caps as they are, warnings take %s for e-mail\n", app.HowMany(l.DaysNeeded, "day"))
	} else if r.Change != nil && r.Mode == audit.ModeLive {
		b.WriteString("\nThe caps let every warning leave before the day.\n")
	}
	b.WriteString("\nNothing was stored, asked, e-mailed or posted.\n")
	_, err := io.WriteString(w, b.String())
	return err
}
