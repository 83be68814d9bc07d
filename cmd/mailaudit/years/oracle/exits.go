package oracle

import (
	"slices"
	"strings"
	"time"

	"mailaudit/cmd/mailaudit/years/observe"
)

// exitCodes: 0 done; 1 the work failed or is not complete; 2 usage or configuration; 3 only with run --exit-code, when
// the run concluded while a hold is open; 4 and 5 only with check --exit-code; 130 and 143 on interruption. Errors go
// to standard error as one line.
func exitCodes(w *world) rule {
	var runs []*command // of tonight, to be looked at with the database
	var sent []letter   // of the last days
	return rule{name: "exit code", watch: func(m moment, what observe.What) []string {
		o, ok := what.(observe.CommandEnded)
		if !ok {
			return nil
		}
		i := slices.IndexFunc(w.commands, func(c *command) bool { return c.ID == o.ID })
		if i < 0 {
			return one("command %d ended without a beginning: %v", o.ID, o.Args)
		}
		c := w.commands[i]
		var allowed []int
		switch {
		case c.name == "run" && c.has("exit-code"):
			allowed = []int{3}
		case c.name == "check" && c.has("exit-code"):
			allowed = []int{4, 5}
		}
		line := strings.Join(c.Args, " ")
		var bad []string
		if !slices.Contains(append(allowed, 0, 1, 2, 130, 143), o.Exit) {
			bad = append(bad, sprintf("%q ended with %d", line, o.Exit))
		}
		stderr := strings.TrimSpace(o.Stderr)
		if (o.Exit == 1 || o.Exit == 2) && strings.Count(stderr, "\n") != 0 {
			bad = append(bad, sprintf("%q ended with %d and says so in several lines: %.200q", line, o.Exit, stderr))
		}
		if (o.Exit == 1 || o.Exit == 2) && stderr == "" {
			bad = append(bad, sprintf("%q ended with %d and does not say why", line, o.Exit))
		}
		if c.name == "run" && c.works() {
			runs = append(runs, c)
		}
		return bad
	}, letter: func(l letter) []string {
		if l.handed() {
			sent = append(sent, l)
		}
		return nil
	}, night: func() []string {
		var bad []string
		sent = slices.DeleteFunc(sent, func(l letter) bool { return w.night.m.at.Sub(l.at) > 6*day })
		for _, c := range runs {
			bad = append(bad, w.judgeRun(c, sent)...)
		}
		runs = nil
		return bad
	}}
}

// judgeRun compares the code of a run with what the database shows after the night. What happened between the run's
// end and that look is left out: a hold that was decided, a mail that was sent.
func (w *world) judgeRun(c *command, sent []letter) (bad []string) {
	line := strings.Join(c.Args, " ")
	open := func(h observe.HoldRow) bool {
		return !h.OpenedAt.After(c.ended.shown) && (h.State == "open" || h.DecidedAt.After(c.ended.shown))
	}
	held := slices.ContainsFunc(w.night.db.Holds, open)
	if c.has("exit-code") && (c.exit == 3 && !held || c.exit == 0 && held) {
		bad = append(bad, sprintf("%q ended with %d at %s; a hold was open: %t", line, c.exit, c.ended, held))
	}
	if c.exit != 0 && c.exit != 3 {
		return bad
	}
	if key := c.flags["key"]; key != "" && w.runs[key].Status != "concluded" {
		bad = append(bad, sprintf("%q ended with %d; its run is %q", line, c.exit, w.runs[key].Status))
	}
	for _, r := range w.night.db.Runs {
		if r.Status == "concluded" && !r.FinishedAt.After(c.ended.shown) && w.configOf(c.began).Slack != "" &&
			(r.PostedAt.IsZero() || r.PostedAt.After(c.ended.shown)) && !w.postedBefore(r, c.ended) {
			bad = append(bad, sprintf("%q ended with %d at %s; the summary of run %s was owed", line, c.exit, c.ended, r.Key))
		}
	}
	for _, n := range w.night.db.Notices {
		if n.State == "sending" && n.CreatedAt.Before(c.began.shown) && !w.alive() {
			bad = append(bad, sprintf("%q ended with %d at %s; M-%d was sending", line, c.exit, c.ended, n.ID))
		}
		if n.State == "queued" && !n.DueAt.IsZero() && min(c.began.shown.Sub(n.DueAt), c.began.shown.Sub(n.WaitsUntil)) > day && c.exit == 0 &&
			w.configOf(c.began).Mode == "live" && !w.clockMoved(10*day) && !w.capsWereFull(n, c, sent) {
			bad = append(bad, sprintf("%q ended with 0 at %s; M-%d, due %s, was overdue", line, c.ended, n.ID, stamp(n.DueAt)))
		}
	}
	return bad
}

// capsWereFull reports whether so many mails left within the days before a command that a notice waits for its turn: the
// rest waits, as the caps say, and that is no failure.
func (w *world) capsWereFull(n observe.NoticeRow, c *command, sent []letter) bool {
	const reach = 72 * time.Hour // a weekend
	config := w.configOf(c.began)
	var all, contact, tenant, domain int
	for _, l := range sent {
		if c.began.shown.Sub(l.shown) > reach {
			continue
		}
		all++
		contact += count(fold(l.row.Contact) == fold(n.Contact))
		tenant += count(l.row.Tenant == n.Tenant)
		domain += count(domainOf(l.row.Contact) == domainOf(n.Contact))
	}
	return all >= config.MaxPerNight || contact >= config.MaxPerRecipient || tenant >= config.MaxPerTenant || domain >= config.MaxPerNight
}

func domainOf(contact string) string {
	contact = fold(contact)
	return contact[strings.LastIndexByte(contact, '@')+1:]
}

// postedBefore reports whether a run's summary stood in the channel at a moment, whatever the clocks said then: they may
// have been set back since.
func (w *world) postedBefore(r observe.RunRow, m moment) bool {
	if posted, is := w.posted[r.Key]; is {
		return posted.n < m.n
	}
	return r.PostedAt.After(w.night.m.shown)
}
