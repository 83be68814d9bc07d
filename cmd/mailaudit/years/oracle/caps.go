package oracle

import (
	"time"

	"mailaudit/cmd/mailaudit/years/observe"
)

// How many mails. Warnings of announced changes have a cap of their own, and corrections have none.

func (l letter) capped() bool {
	return l.handed() && (l.accuses() || l.row.Kind == "recovered")
}

// left is a mail that a customer has or may have.
type left struct {
	moment
}

// capOfNight: at most max_per_night mails; the rest waits. The papers leave open whether a night is a local day, the
// time since the last run began, or a day of the world: only what is too much by every measure is reported. What
// run --changed tells at once is beside it.
func capOfNight(w *world) rule {
	var sent []left
	return rule{name: "max_per_night", letter: func(l letter) []string {
		if !l.capped() || !l.byRun() {
			return nil
		}
		zone, began := zoneOf("", l.config.TimeZone), time.Time{}
		for _, r := range w.runs {
			if r.StartedAt.After(began) && !r.StartedAt.After(l.shown) {
				began = r.StartedAt
			}
		}
		var today, tonight, sinceRun int
		kept := sent[:0]
		for _, s := range sent {
			if l.night-s.night > 2 {
				continue
			}
			kept = append(kept, s)
			today += count(sameDay(s.shown, l.shown, zone))
			tonight += count(s.night == l.night)
			sinceRun += count(!s.shown.Before(began))
		}
		sent = append(kept, left{moment: l.moment})
		if before := min(today, tonight, sinceRun); before >= l.config.MaxPerNight {
			return one("%s is mail %d of its night; max_per_night is %d", l, before+1, l.config.MaxPerNight)
		}
		return nil
	}}
}

// capOfRecipient: at most max_per_recipient mails to one address on a local day.
func capOfRecipient(w *world) rule {
	return perDay(w, "max_per_recipient", func(l letter) string { return fold(l.row.Contact) },
		func(c observe.Configured) int { return c.MaxPerRecipient })
}

// capOfTenant: at most max_per_tenant mails for one tenant on a local day.
func capOfTenant(w *world) rule {
	return perDay(w, "max_per_tenant", func(l letter) string { return l.row.Tenant },
		func(c observe.Configured) int { return c.MaxPerTenant })
}

// perDay counts mails by whom they are for. The day is that of the configured zone or the tenant's: only what is too
// much in each of them is reported.
func perDay(w *world, name string, of func(letter) string, limit func(observe.Configured) int) rule {
	sent := map[string][]moment{}
	return rule{name: name, letter: func(l letter) []string {
		if !l.capped() {
			return nil
		}
		whom := of(l)
		var kept []moment
		for _, m := range sent[whom] {
			if l.night-m.night <= 2 {
				kept = append(kept, m)
			}
		}
		before := len(kept)
		for _, zone := range append(w.zones(l), zoneOf("", l.config.TimeZone)) {
			n := 0
			for _, m := range kept {
				n += count(sameDay(m.shown, l.shown, zone))
			}
			before = min(before, n)
		}
		sent[whom] = append(kept, l.moment)
		if before >= limit(l.config) {
			return one("%s is mail %d of its day for %s; %s is %d", l, before+1, whom, name, limit(l.config))
		}
		return nil
	}}
}

func sameDay(a, b time.Time, zone *time.Location) bool {
	return a.In(zone).Format(time.DateOnly) == b.In(zone).Format(time.DateOnly)
}

func count(is bool) int {
	if is {
		return 1
	}
	return 0
}

// neverTwice: what the relay took, or left open after the final dot, is never offered again; what it did not have is
// offered again under the same Message-ID. A refusal for good stands once the relay took another mail after it, since it
// may have meant us until then: in a process that heard both, the mail is offered no second time after the next refusal.
func neverTwice(*world) rule {
	type offer struct {
		message string
		settled observe.RelayAnswer
		at      moment
		refused int // for good, by the process of at
	}
	byNumber, byMessage := map[int64]offer{}, map[string]int64{}
	took := map[int]int{} // when the relay last took a mail, by process
	return rule{name: "never twice", letter: func(l letter) []string {
		if !l.known {
			return nil
		}
		before, again := byNumber[l.row.ID]
		other, taken := byMessage[l.MessageID]
		now := offer{message: l.MessageID, at: l.moment}
		switch {
		case l.handed():
			now.settled, took[l.process] = l.Answer, l.n
		case l.Answer == observe.RelayNever && !l.lost:
			if now.refused = 1; again && before.refused > 0 && before.at.process == l.process {
				now.refused++
				if took[l.process] > before.at.n {
					now.settled = l.Answer
				}
			}
		}
		byNumber[l.row.ID], byMessage[l.MessageID] = now, l.row.ID
		switch {
		case again && before.settled != "":
			return one("%s left again; at %s the relay's answer was %q", l, before.at, before.settled)
		case again && before.message != l.MessageID:
			return one("%s has the Message-ID %s; at %s it was %s", l, l.MessageID, before.at, before.message)
		case taken && other != l.row.ID:
			return one("%s has the Message-ID of M-%d", l, other)
		}
		return nil
	}}
}
