package oracle

import (
	"time"

	"mailaudit/cmd/mailaudit/years/observe"
)

// How often providers are asked. Days are calendar days in time_zone, by mailaudit's clocks.

// perLogin counts the conversations of a day in which a credential was sent.
type perLogin struct {
	w    *world
	day  string
	zone string
	sent map[mailbox]map[observe.SecretID]int
}

// add counts a conversation; ok is false if none was sent. A day on which the zone was changed counts from there.
func (p *perLogin) add(m moment, what observe.What) (s observe.SignIn, ok bool) {
	if s, ok = what.(observe.SignIn); !ok || !s.Sent {
		return s, false
	}
	name := p.w.configOf(m).TimeZone
	if day := m.shown.In(zoneOf("", name)).Format(time.DateOnly); day != p.day || name != p.zone {
		p.day, p.zone, p.sent = day, name, map[mailbox]map[observe.SecretID]int{}
	}
	box := mailbox{s.Provider, s.Folded}
	if p.sent[box] == nil {
		p.sent[box] = map[observe.SecretID]int{}
	}
	s.Secret = p.w.secret(s.Secret)
	p.sent[box][s.Secret]++
	return s, true
}

// canary reports whether a mailbox is one of the operator's own, which are asked beside everything else.
func (w *world) canary(s observe.SignIn, m moment) bool {
	for _, id := range w.heldBy(s, m) {
		if w.accounts[id].at(m).Canary != "" {
			return true
		}
	}
	return false
}

// attemptsPerDay: at most attempts_per_day conversations in which a credential was sent, per login and secret, over
// all tenants, runs, crashes and checks; 4 for a canary.
func attemptsPerDay(w *world) rule {
	p := perLogin{w: w}
	return rule{name: "attempts_per_day", watch: func(m moment, what observe.What) []string {
		s, sent := p.add(m, what)
		if !sent {
			return nil
		}
		limit := w.configOf(m).AttemptsPerDay
		for _, c := range w.config.lately(m, 24*time.Hour) {
			limit = max(limit, c.AttemptsPerDay)
		}
		if w.canary(s, m) {
			limit = 4
		}
		if n := p.sent[mailbox{s.Provider, s.Folded}][s.Secret]; n > limit {
			return one("%s at %s was asked with secret %s for the time no. %d of %s, at %s; allowed are %d", s.Folded, s.Provider, s.Secret, n, p.day, m, limit)
		}
		return nil
	}}
}

// secretsPerDay: at most 3 secrets a day for one login. One that the mailbox accepted before is no guess, and counts as
// none: several customers may each have one of their own.
func secretsPerDay(w *world) rule {
	const limit = 3
	type known struct {
		box    mailbox
		secret observe.SecretID
	}
	p, accepted := perLogin{w: w}, map[known]bool{}
	return rule{name: "secrets per day", watch: func(m moment, what observe.What) []string {
		if a, ok := what.(observe.SignIn); ok {
			k := known{mailbox{a.Provider, a.Folded}, w.secret(a.Secret)}
			if accepted[k] {
				return nil
			}
			defer func() {
				if (answer{SignIn: a, mood: w.mood(a.Provider, m)}).accepted() {
					accepted[k] = true
				}
			}()
		}
		if s, sent := p.add(m, what); sent {
			if n := len(p.sent[mailbox{s.Provider, s.Folded}]); n > limit {
				return one("%s at %s was asked with %d secrets on %s, the last at %s", s.Folded, s.Provider, n, p.day, m)
			}
		}
		return nil
	}}
}

// refusalsPerHost: after max_refusals refusals of a night a host is left alone. Several runs on one of the world's
// nights have one allowance each.
func refusalsPerHost(w *world) rule {
	type host struct{ provider, name string }
	refused := map[host]int{}
	return rule{name: "max_refusals", watch: func(m moment, what observe.What) []string {
		a, ok := what.(observe.SignIn)
		p := w.processes[m.process]
		if !ok || !a.Sent || w.canary(a, m) || p == nil || p.command == nil || p.command.name != "run" || !p.command.works() {
			return nil
		}
		if refusal := (answer{SignIn: a, mood: w.mood(a.Provider, m)}); refusal.refused() {
			refused[host{a.Provider, fold(a.Host)}]++
		}
		return nil
	}, night: func() []string {
		var bad []string
		for h, n := range refused {
			runs := max(1, len(w.night.runs))
			if all(w.config.lately(w.night.m, 36*time.Hour), func(c observe.Configured) bool {
				limit := c.MaxRefusals[h.provider]
				return limit > 0 && n > limit*runs
			}) {
				bad = append(bad, sprintf("%s at %s refused %d times in night %d of %d runs", h.name, h.provider, n, w.night.m.night, runs))
			}
		}
		clear(refused)
		return bad
	}}
}

// unusableRows: a row that cannot be meant is our own fault: its secret is sent nowhere and its customer is not notified.
func unusableRows(w *world) rule {
	unusable := func(id string, m moment) bool {
		return all(w.account(id, m), func(r row) bool { return r.OwnData })
	}
	return rule{name: "unusable row", watch: func(m moment, what observe.What) []string {
		s, ok := what.(observe.SignIn)
		if !ok || !s.Sent {
			return nil
		}
		if ids := w.heldBy(s, m); all(ids, func(id string) bool { return unusable(id, m) }) {
			return one("the secret of %v was sent to %s at %s; the row is one that must not be used", ids, s.Host, m)
		}
		return nil
	}, letter: func(l letter) []string {
		for _, item := range l.row.Items {
			if l.accuses() && unusable(item.Account, l.moment) {
				return one("%s tells of %s, whose row must not be used", l, item.Account)
			}
		}
		return nil
	}}
}
