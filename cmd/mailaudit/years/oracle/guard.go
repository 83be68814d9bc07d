package oracle

import (
	"slices"
	"time"

	"mailaudit/cmd/mailaudit/years/observe"
)

// When a guard must speak.

// concluded are the whole runs of this night that have concluded, oldest first, each with its accounts.csv.
func (w *world) concluded() (runs []observe.RunRow) {
	for _, key := range w.night.runs {
		if r := w.runs[key]; r.Status == "concluded" && r.Tenant == "" && r.Provider == "" && r.Limit == 0 {
			runs = append(runs, r)
		}
	}
	slices.SortFunc(runs, func(a, b observe.RunRow) int { return int(a.Seq - b.Seq) })
	return runs
}

// lines are the accounts of a run, by provider.
func (w *world) lines(run string) map[string][]line {
	shown, ok := w.night.form("csv", run)
	if !ok {
		return nil
	}
	lines, err := readCSV(shown.Body)
	if err != nil {
		return nil // formsAgree says so
	}
	out := map[string][]line{}
	for _, l := range lines {
		out[l.provider] = append(out[l.provider], l)
	}
	return out
}

// configsOf are the configurations with which a run may have been worked on.
func (w *world) configsOf(r observe.RunRow) []observe.Configured {
	return w.config.lately(w.night.m, max(0, w.night.m.shown.Sub(r.StartedAt))+24*time.Hour)
}

// massIsHeld: newly failing is what fails now and was fine in the provider's last night that was neither held nor
// inconclusive. More of it than max_new_failures and min_new_failures, or than half of a provider with at least 4
// accounts, and the provider is held; on its first night min_new_failures alone counts. Fewer, and it is not held,
// unless an earlier hold is open. Nothing is said after a night of which not all is known, after a partial run, and
// after a person decided on a hold: whether that night was held then, the papers leave open.
func massIsHeld(w *world) rule {
	last := map[string]map[string]bool{} // by provider: who was fine; nil if that is not known
	since := 0
	return rule{name: "guard", night: func() []string {
		var bad []string
		runs := w.concluded()
		if len(runs) < len(w.night.runs) {
			for provider := range last {
				last[provider] = nil
			}
		}
		for k, decisions := range w.decided {
			if decisions[len(decisions)-1].began.n > since {
				last[k.provider] = nil
			}
		}
		since = w.night.m.n
		for _, run := range runs {
			for provider, accounts := range w.lines(run.Key) {
				held, void := slices.Contains(run.Held, provider), slices.Contains(run.Void, provider)
				base, later := last[provider]
				newly, perhaps, nowFine := crowd{}, crowd{}, map[string]bool{}
				for _, l := range accounts {
					id := w.id(l.account)
					newly.add(l.tenant, isFailing(l.verdict) && (base[id] || !later && !isFailing(l.previous)))
					perhaps.add(l.tenant, isFailing(l.verdict) && (base[id] || !isFailing(l.previous))) // who gave no answer last night was fine before
					nowFine[id] = isFine(l.verdict)
				}
				mass := func(c observe.Configured) bool { return newly.isMass(c, later) }
				few := func(c observe.Configured) bool { return perhaps.isFew(c) }
				switch configs := w.configsOf(run); {
				case later && base == nil:
				case !held && !void && all(configs, mass):
					bad = append(bad, sprintf("run %s does not hold %s, of whose %d accounts %d fail newly", run.Key, provider, len(accounts), newly.hits()))
				case held && later && !w.openBefore(provider, run) && !w.heldForFirstMails(provider, run, configs) && all(configs, few):
					bad = append(bad, sprintf("run %s holds %s, of whose %d accounts only %d fail newly: %s", run.Key, provider, len(accounts), perhaps.hits(), w.whyHeld(provider)))
				}
				if !held && !void {
					last[provider] = nowFine
				}
			}
		}
		return bad
	}}
}

// crowd is how many of each tenant's accounts are hit. One tenant alone moves no ruling for the others: the papers leave
// open how tenants are weighed, so the oracle asks for a hold only where tenants, each counted once, are too many, and
// for none where the accounts as they are are few.
type crowd map[string]*struct{ hit, of int }

func (c crowd) add(tenant string, hit bool) {
	t := at(c, tenant)
	t.hit, t.of = t.hit+count(hit), t.of+1
}

func (c crowd) hits() (n int) {
	for _, t := range c {
		n += t.hit
	}
	return n
}

func (c crowd) accounts() (n int) {
	for _, t := range c {
		n += t.of
	}
	return n
}

// share is the mean of the tenants' shares, and tenants how many are hit.
func (c crowd) share() (share float64, tenants int) {
	for _, t := range c {
		share += float64(t.hit) / float64(t.of) / float64(len(c))
		tenants += count(t.hit > 0)
	}
	return share, tenants
}

// others reports whether the others, without the tenant who is hit most, are more than normal, most of them for the most
// part.
func (c crowd) others(normal int) bool {
	most, hard, mostIsHard := 0, 0, false
	for _, t := range c {
		hard += count(2*t.hit > t.of)
		if t.hit > most || t.hit == most && 2*t.hit > t.of {
			most, mostIsHard = t.hit, 2*t.hit > t.of
		}
	}
	return c.hits()-most > normal && 2*(hard-count(mostIsHard)) > len(c)-1
}

func (c crowd) isMass(config observe.Configured, later bool) bool {
	share, tenants := c.share()
	normal := config.MinNewFailures
	if later {
		normal = max(normal, int(config.MaxNewFailures*float64(c.accounts())+1e-9))
	}
	switch {
	case len(c) == 1 && later:
		return c.hits() > passes(c.accounts(), config)
	case len(c) == 1:
		return c.hits() > normal
	}
	return tenants > normal || later && len(c) >= 4 && share > 0.5 || c.others(normal)
}

func (c crowd) isFew(config observe.Configured) bool {
	share, _ := c.share()
	if len(c) == 1 {
		return c.hits() <= passes(c.accounts(), config)
	}
	return c.hits() <= config.MinNewFailures && (share <= 0.5 || c.accounts() < 4)
}

func (c crowd) isOutage(atLeast int, most float64) bool {
	share, tenants := c.share()
	if len(c) == 1 {
		tenants = c.hits()
	}
	return tenants > atLeast && share > most || c.others(atLeast)
}

// heldForFirstMails reports whether a run's first mails for a provider were many, since a mass waited for its second
// night, or whether somebody has discarded some lately: both need a person.
func (w *world) heldForFirstMails(provider string, run observe.RunRow, configs []observe.Configured) bool {
	for k := range w.decided {
		if k.provider == provider && w.decision(k, "discard", w.night.m) != nil {
			return true
		}
	}
	items := 0
	for _, n := range w.night.db.Notices {
		if n.Run == run.Key && n.Provider == provider && n.Kind == "finding" {
			items += len(n.Items)
		}
	}
	return slices.ContainsFunc(configs, func(c observe.Configured) bool { return items > c.MinNewFailures })
}

// whyHeld is what the open hold on a provider says.
func (w *world) whyHeld(provider string) string {
	for _, h := range w.night.db.Holds {
		if h.Provider == provider && h.State == "open" {
			return h.Run + ", " + h.Why
		}
	}
	return "no hold is open"
}

// openBefore reports whether a hold on a provider was open when a run began, or was while it went on.
func (w *world) openBefore(provider string, run observe.RunRow) bool {
	return slices.ContainsFunc(w.night.db.Holds, func(h observe.HoldRow) bool {
		return h.Provider == provider && h.Run != run.Key && h.OpenedAt.Before(run.FinishedAt) &&
			(h.State == "open" || h.DecidedAt.After(run.StartedAt))
	})
}

// outageIsInconclusive: where more than max_unreachable and more than 10 of a provider's accounts gave no answer,
// although they had one on their last night, its night is inconclusive. Counted is what certainly is no answer: a
// provider that hangs or is away.
func outageIsInconclusive(w *world) rule {
	answered := map[string]bool{}
	return rule{name: "outage", night: func() []string {
		var bad []string
		for _, run := range w.concluded() {
			for provider, accounts := range w.lines(run.Key) {
				silent := crowd{}
				for _, l := range accounts {
					id := w.id(l.account)
					silent.add(l.tenant, l.verdict == "unverified" && answered[id] && w.silent(id, run))
					answered[id] = l.verdict != "unverified"
				}
				if slices.Contains(run.Void, provider) || silent.hits() <= 10 {
					continue
				}
				if all(w.configsOf(run), func(c observe.Configured) bool { return silent.isOutage(10, c.MaxUnreachable) }) {
					bad = append(bad, sprintf("run %s takes %s's night for conclusive: %d of %d accounts gave no answer", run.Key, provider, silent.hits(), len(accounts)))
				}
			}
		}
		return bad
	}}
}

// silent reports whether an account was asked in a run and nothing came back.
func (w *world) silent(id string, run observe.RunRow) bool {
	asked := false
	for _, a := range w.asked[id] {
		if a.shown.Before(run.StartedAt) || a.shown.After(run.FinishedAt) {
			continue
		}
		if a.Answer != observe.Unreached && (a.Answer != observe.OfMood || a.mood != observe.Hangs) {
			return false
		}
		asked = true
	}
	return asked
}

// inconclusiveSaysNothing: nothing that an inconclusive run found of a provider is told or changes a finding.
func inconclusiveSaysNothing(w *world) rule {
	return rule{name: "inconclusive", letter: func(l letter) []string {
		if run, known := w.runs[l.row.Run]; known && slices.Contains(run.Void, l.row.Provider) && (l.accuses() || l.row.Kind == "recovered") {
			return one("%s was written by run %s, whose results for %s are inconclusive", l, l.row.Run, l.row.Provider)
		}
		return nil
	}, night: func() []string {
		var bad []string
		for _, run := range w.concluded() {
			for provider, accounts := range w.lines(run.Key) {
				for _, l := range accounts {
					if slices.Contains(run.Void, provider) && (isFailing(l.verdict) && !isFailing(l.previous) || isFine(l.verdict) && isFailing(l.previous)) {
						bad = append(bad, sprintf("run %s: %s turns from %q to %s, although %s's results are inconclusive", run.Key, l.account, l.previous, l.verdict, provider))
					}
				}
			}
		}
		return bad
	}}
}

// sourceGuard: where more than max_source_loss of the accounts, and more than one, are gone since the last run, the run stops before it
// says or closes anything, until a person accepts the source.
func sourceGuard(w *world) rule {
	var before map[string]bool
	return rule{name: "source guard", night: func() []string {
		var bad []string
		for _, run := range w.concluded() {
			lines := w.lines(run.Key)
			if lines == nil {
				before = nil
				continue
			}
			now := map[string]bool{}
			for _, accounts := range lines {
				for _, l := range accounts {
					now[w.id(l.account)] = true
				}
			}
			lost := 0
			for id := range before {
				lost += count(!now[id])
			}
			accepted := slices.ContainsFunc(w.commands, func(c *command) bool { return c.has("accept-source") && w.night.m.since(c.began) < 48*time.Hour })
			if !accepted && lost > 1 && all(w.configsOf(run), func(c observe.Configured) bool { return float64(lost) > c.MaxSourceLoss*float64(len(before))+1e-9 }) {
				bad = append(bad, sprintf("run %s concluded although %d of %d accounts are gone since the last run", run.Key, lost, len(before)))
			}
			before = now
		}
		return bad
	}}
}
