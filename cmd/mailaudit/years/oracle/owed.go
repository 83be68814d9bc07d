package oracle

import (
	"slices"
	"time"

	"mailaudit/cmd/mailaudit/years/observe"
)

// Every mail is settled, and nobody is forgotten.

const day = 24 * time.Hour

// mailsAreSettled: every mail that is queued is sent, suppressed or failed within bounded days. Counted are days on
// which nothing stood in its way: relay, source and the mail's provider well, nothing stopped, snoozed or held, the
// mode live, and no cap reached. What was in hand when a process ended is settled by the next start.
func mailsAreSettled(w *world) rule {
	const days = 7
	idle, tonight := map[int64]int{}, map[string]int{} // free days; mails offered, by contact, tenant and in all
	return rule{name: "mails are settled", letter: func(l letter) []string {
		for _, k := range []string{"", "contact " + fold(l.row.Contact), "tenant " + l.row.Tenant} {
			tonight[k]++
		}
		return nil
	}, night: func() []string {
		var bad []string
		m := w.night.m
		for _, n := range w.night.db.Notices {
			switch n.State {
			case "sending", "forming":
				stuck := w.worked(func(m moment) bool { return m.shown.After(n.CreatedAt.Add(day)) })
				if stuck >= bound && !w.alive() || w.ended {
					bad = append(bad, sprintf("M-%d of %s is still %q", n.ID, stamp(n.CreatedAt), n.State))
				}
			case "queued":
				c := w.config.at(m)
				free := w.free(n.Provider) && w.mightHaveSent(n, c) &&
					!w.switched.at(m).stopped && !w.isMuted(n.Tenant) && c.Mode == "live" &&
					tonight[""] < c.MaxPerNight && tonight["contact "+fold(n.Contact)] < c.MaxPerRecipient && tonight["tenant "+n.Tenant] < c.MaxPerTenant
				idle[n.ID] += count(free)
				if idle[n.ID] > days || w.ended && free {
					bad = append(bad, sprintf("M-%d of %s, due %s, is still queued (%s); nothing stands in its way", n.ID, stamp(n.CreatedAt), stamp(n.DueAt), n.Detail))
				}
			default:
				delete(idle, n.ID)
			}
		}
		clear(tonight)
		return bad
	}}
}

// mightHaveSent reports whether something that sends worked within the last day, when the notice was due and its
// tenant's hours were open.
func (w *world) mightHaveSent(n observe.NoticeRow, c observe.Configured) bool {
	m := w.night.m
	zones := w.zones(letter{moment: m, row: n, config: c})
	return w.worked(func(b moment) bool {
		return b.at.After(m.at.Add(-day)) && !b.shown.Before(n.DueAt) && !b.shown.Before(n.WaitsUntil) && (c.SendBetween == "" || all(zones, func(zone *time.Location) bool {
			return within(c.SendBetween, b.shown.In(zone)) && within(c.SendBetween, b.shown.Add(grace).In(zone))
		}))
	}) > 0
}

// alive reports whether any process is at work.
func (w *world) alive() bool {
	for _, p := range w.processes {
		if !p.ended {
			return true
		}
	}
	return false
}

// free reports whether relay, source, Slack and a provider were well for the last day.
func (w *world) free(provider string) bool {
	well := func(mood string) bool { return mood == "" || mood == "well" }
	for _, t := range []*timeline[string]{&w.relay, &w.source, &w.slack} {
		if slices.ContainsFunc(t.lately(w.night.m, day), func(mood string) bool { return !well(mood) }) {
			return false
		}
	}
	t := w.moods[provider]
	return t == nil || !slices.ContainsFunc(t.lately(w.night.m, day), func(m observe.Mood) bool { return m != observe.Well })
}

func (w *world) isMuted(tenant string) bool {
	t := w.mutes[tenant]
	return t != nil && t.at(w.night.m).until.After(w.night.m.shown)
}

// nobodyForgotten: the customer of a finding that is definite, or confirmed, has a notice in some state. Judged is an
// account that fails in more than confirm_nights whole runs at least 20 h apart, with a contact and nothing that kept
// the runs from writing.
func nobodyForgotten(w *world) rule {
	type finding struct {
		began, last time.Time // runs
		nights      int
	}
	open := map[string]finding{}
	return rule{name: "nobody is forgotten", night: func() []string {
		var bad []string
		noticed := map[string]time.Time{}
		for _, n := range w.night.db.Notices {
			for _, item := range n.Items {
				if id := w.id(item.Account); (n.Kind == "finding" || n.Kind == "reminder") && n.CreatedAt.After(noticed[id]) {
					noticed[id] = n.CreatedAt
				}
			}
		}
		for _, run := range w.concluded() {
			for provider, accounts := range w.lines(run.Key) {
				for _, l := range accounts {
					id := w.id(l.account)
					f, was := open[id]
					switch {
					case isFine(l.verdict):
						delete(open, id)
						continue
					case !isFailing(l.verdict) || slices.Contains(run.Void, provider):
						continue
					case !was:
						f.began = run.StartedAt
					}
					if run.StartedAt.Sub(f.last) >= 20*time.Hour {
						f.nights, f.last = f.nights+1, run.StartedAt
					}
					open[id] = f
					due := all(w.configsOf(run), func(c observe.Configured) bool { return c.Mode != "off" && f.nights > c.ConfirmNights })
					if !due || !noticed[id].Before(f.began) || slices.Contains(run.Held, provider) {
						continue
					}
					if rows := w.account(id, w.night.m); len(rows) > 0 && !rows[0].gone && rows[0].contact() != "" && rows[0].Canary == "" {
						bad = append(bad, sprintf("%s fails since %s, in %d runs up to %s, and no notice was written for %s",
							l.account, stamp(f.began), f.nights, run.Key, rows[0].Contact))
					}
				}
			}
		}
		return bad
	}}
}
