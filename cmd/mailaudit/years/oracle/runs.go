package oracle

import (
	"slices"
	"strings"

	"mailaudit/cmd/mailaudit/years/observe"
)

// Every run concludes and is reported once.

// worked counts the commands that began after a moment of mailaudit's clocks and worked to their end: each carries
// further whatever is owed. One that a usage error or a signal ended did not.
func (w *world) worked(after func(m moment) bool) int {
	n := 0
	for _, c := range w.commands {
		n += count(c.works() && c.done && c.exit != 2 && c.exit < 128 && after(c.began))
	}
	return n
}

// bound is how many commands may work before what is owed is done. One would do by the papers; a second is for one
// that began while another process seemed alive.
const bound = 2

// runConcludes: a run concludes by its window's end; if no process was there, the next start concludes it. What was
// stopped by a guard goes on under its own key.
func runConcludes(w *world) rule {
	return rule{name: "run concludes", night: func() []string {
		var bad []string
		for _, r := range w.night.db.Runs {
			if r.Status == "concluded" || r.Status == "stopped" {
				continue
			}
			starts := 0
			for _, c := range w.commands {
				starts += count(c.name == "run" && c.works() && c.done && c.exit < 2 && c.began.shown.After(r.Deadline))
			}
			if starts >= bound || w.ended {
				bad = append(bad, sprintf("run %s is %s (%s); its window ended at %s", r.Key, r.Status, r.Phase, stamp(r.Deadline)))
			}
		}
		return bad
	}}
}

// summaryOnce: a run's summary stands in the channel once; a second one says that it may be a repeat. A run that a guard
// stopped is told as stopped, and once more when it has gone on.
func summaryOnce(w *world) rule {
	last := map[string]observe.SlackCall{} // by run
	texts := map[string]moment{}           // of webhooks, which bear no key
	return rule{name: "summary once", watch: func(m moment, what observe.What) []string {
		s, ok := what.(observe.SlackCall)
		if !ok || !s.Arrived || s.Thread || s.Method != "chat.postMessage" && s.Method != "webhook" ||
			strings.Contains(s.Text, "may be a repeat") {
			return nil
		}
		if s.Run == "" {
			if before, is := texts[s.Text]; is {
				return one("the same message stands in the channel twice, of %s and %s: %.120q", before, m, s.Text)
			}
			texts[s.Text] = m
			return nil
		}
		before, again := last[s.Run]
		last[s.Run] = s
		if again && !strings.Contains(before.Text, "STOPPED") {
			return one("the summary of run %s stands in the channel twice, of %s and %s", s.Run, w.posted[s.Run], m)
		}
		return nil
	}}
}

// summaryPosted: every concluded run is posted. A start tries at once whatever is owed, as soon as Slack is well.
func summaryPosted(w *world) rule {
	return rule{name: "summary posted", night: func() []string {
		var bad []string
		for _, r := range w.night.db.Runs {
			if r.Status != "concluded" || !r.PostedAt.IsZero() || !w.slackWanted() {
				continue
			}
			tries := w.worked(func(m moment) bool {
				return m.shown.After(r.FinishedAt) && all(w.slack.lately(w.night.m, w.night.m.at.Sub(m.at)), func(mood string) bool { return mood == "well" })
			})
			if tries >= bound || w.ended {
				bad = append(bad, sprintf("run %s concluded at %s and is not posted", r.Key, stamp(r.FinishedAt)))
			}
		}
		for _, key := range w.night.runs {
			r := w.runs[key]
			if _, is := w.posted[key]; !is && !r.PostedAt.IsZero() && w.tokenOnly() {
				bad = append(bad, sprintf("run %s counts as posted at %s; the channel does not have it", key, stamp(r.PostedAt)))
			}
		}
		return bad
	}}
}

// slackWanted reports whether every process of the last day was to post; tokenOnly whether by a token, so that its
// messages bear their run's key.
func (w *world) slackWanted() bool {
	return all(w.config.lately(w.night.m, day), func(c observe.Configured) bool { return c.Slack != "" })
}

func (w *world) tokenOnly() bool {
	return !slices.ContainsFunc(w.config.lately(w.night.m, 3*day), func(c observe.Configured) bool { return c.Slack != "token" })
}
