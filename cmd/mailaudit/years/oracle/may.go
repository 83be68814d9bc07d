package oracle

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Whether a mail may leave at all.

var sprintf = fmt.Sprintf

// one is the sentence as a rule's result.
func one(format string, args ...any) []string { return []string{sprintf(format, args...)} }

// all reports whether there are any and each of them does.
func all[T any](list []T, does func(T) bool) bool {
	return len(list) > 0 && !slices.ContainsFunc(list, func(t T) bool { return !does(t) })
}

// modeIsLive: in shadow mode and with mode off nothing is mailed.
func modeIsLive(*world) rule {
	return rule{name: "mode", letter: func(l letter) []string {
		if l.config.Mode == "live" {
			return nil
		}
		return one("%s was offered to the relay with notices.mode %s", l, l.config.Mode)
	}}
}

// sameInstallation: a database that bears another name refuses to mail. The name is stored at the first start.
func sameInstallation(w *world) rule {
	stored := ""
	return rule{name: "installation", letter: func(l letter) []string {
		if stored == "" {
			stored = w.config.spans[0].is.Installation
		}
		if name := l.config.Installation; stored != "" && name != "" && name != stored {
			return one("%s was sent by installation %q with the database of %q", l, name, stored)
		}
		return nil
	}}
}

// killSwitch: nothing leaves between notices stop and notices start.
func killSwitch(w *world) rule {
	return rule{name: "kill switch", letter: func(l letter) []string {
		if all(w.switched.lately(l.moment, grace), func(s switchState) bool { return s.stopped && s.sure }) {
			return one("%s left although notices were stopped", l)
		}
		return nil
	}}
}

// muted: a tenant that is snoozed is mailed nothing until the day.
func muted(w *world) rule {
	return rule{name: "snoozed", letter: func(l letter) []string {
		if l.row.Kind == "correction" {
			return nil // the mistake was ours
		}
		t := w.mutes[l.row.Tenant]
		if t == nil || !all(t.lately(l.moment, grace), func(m mute) bool { return m.sure && l.shown.Before(m.until) }) {
			return nil
		}
		return one("%s left although tenant %s is snoozed until %s", l, l.row.Tenant, stamp(t.at(l.moment).until))
	}}
}

// pilot: where notices.only names tenants, providers or verdicts, nobody else is mailed. What was told before the
// pilot was narrowed may be corrected.
func pilot(*world) rule {
	outside := func(only []string, is string) bool { return len(only) > 0 && !slices.Contains(only, is) }
	return rule{name: "pilot", letter: func(l letter) []string {
		c := l.config
		if l.row.Kind == "correction" {
			return nil
		}
		if outside(c.OnlyTenants, l.row.Tenant) || outside(c.OnlyProviders, l.row.Provider) {
			return one("%s left, for %s at %s, with notices.only %v %v", l, l.row.Tenant, l.row.Provider, c.OnlyTenants, c.OnlyProviders)
		}
		for _, item := range l.row.Items {
			if l.accuses() && outside(c.OnlyVerdicts, item.Verdict) {
				return one("%s tells %s, which is %s, with notices.only.verdicts %v", l, item.Account, item.Verdict, c.OnlyVerdicts)
			}
		}
		return nil
	}}
}

// openHours: mails leave within send_between in the tenant's time zone; those of run --changed at any hour. Where
// a tenant's rows name several zones, any of them will do, and a zone that is none is the configured one.
func openHours(w *world) rule {
	return rule{name: "send_between", letter: func(l letter) []string {
		if l.config.SendBetween == "" || l.row.Kind == "recovered" && !l.byRun() {
			return nil
		}
		var told []string
		for _, zone := range w.zones(l) {
			local := l.shown.In(zone)
			if within(l.config.SendBetween, local) || within(l.config.SendBetween, local.Add(-grace)) {
				return nil
			}
			told = append(told, local.Format("Mon 15:04 MST"))
		}
		return one("%s left at %s, outside %s", l, strings.Join(told, ", "), l.config.SendBetween)
	}}
}

// zones are those that the rows of a letter's tenant name, and the configured one where a row names none or rubbish.
func (w *world) zones(l letter) []*time.Location {
	var zones []*time.Location
	for _, t := range w.accounts {
		for _, r := range t.lately(l.moment, 24*time.Hour) {
			if r.Tenant == l.row.Tenant {
				zones = append(zones, zoneOf(r.TimeZone, l.config.TimeZone))
			}
		}
	}
	if zones == nil {
		zones = append(zones, zoneOf("", l.config.TimeZone))
	}
	slices.SortFunc(zones, func(a, b *time.Location) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(zones)
}

func zoneOf(name, otherwise string) *time.Location {
	for _, n := range []string{name, otherwise} {
		if n == "" || n == "Local" {
			continue
		}
		if zone := loadZone(n); zone != nil {
			return zone
		}
	}
	return time.UTC
}

var zonesLoaded = map[string]*time.Location{}

func loadZone(name string) *time.Location {
	if zone, known := zonesLoaded[name]; known {
		return zone
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		zone = nil
	}
	zonesLoaded[name] = zone
	return zone
}

// within reports whether a local time is in a window such as "Mon-Fri 09:00-16:00".
func within(window string, t time.Time) bool {
	days, hours, _ := strings.Cut(window, " ")
	first, last, isRange := strings.Cut(days, "-")
	if !isRange {
		last = first
	}
	from, to, today := weekday(first), weekday(last), int(t.Weekday())
	if (today-from+7)%7 > (to-from+7)%7 {
		return false
	}
	opens, closes, _ := strings.Cut(hours, "-")
	clock := t.Format("15:04")
	return opens <= clock && clock < closes
}

func weekday(name string) int {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if d.String()[:3] == name {
			return int(d)
		}
	}
	panic("oracle: no such weekday: " + name)
}

// slackFirst: a run's mails wait until Slack has its summary, or 12 h after it concluded.
func slackFirst(w *world) rule {
	const atMost = 12 * time.Hour
	return rule{name: "Slack first", letter: func(l letter) []string {
		if l.config.Slack == "" || !l.byRun() || l.row.Kind == "correction" {
			return nil
		}
		if m, is := w.posted[l.row.Run]; is && m.n < l.n {
			return nil
		}
		run, known := w.runs[l.row.Run]
		if !known || !run.PostedAt.IsZero() && !run.PostedAt.After(l.shown) {
			return nil
		}
		if !run.FinishedAt.IsZero() && l.shown.Sub(run.FinishedAt) >= atMost {
			return nil
		}
		return one("%s left before Slack had the summary of run %s, which concluded at %s", l, l.row.Run, stamp(run.FinishedAt))
	}}
}
