package oracle

import (
	"slices"
	"time"

	"mailaudit/cmd/mailaudit/years/observe"
)

// Why a mail that tells of a failure may be sent.

// failing are the verdicts that customers are told.
var failing = []string{"single_factor", "app_password_required", "revoked", "invalid", "sign_in_blocked", "auth_disabled",
	"method_retired", "account_blocked", "misconfigured"}

// fine are the verdicts of an accepted credential that leave nothing to do.
var fine = []string{"compliant", "unproven"}

func isFailing(verdict string) bool { return slices.Contains(failing, verdict) }
func isFine(verdict string) bool    { return slices.Contains(fine, verdict) }

// failingOnly: a customer is told of a failing verdict and of nothing else.
func failingOnly(*world) rule {
	return rule{name: "failing only", letter: func(l letter) []string {
		for _, item := range l.row.Items {
			if l.accuses() && !isFailing(item.Verdict) {
				return one("%s tells of %s, which is %q", l, item.Account, item.Verdict)
			}
		}
		return nil
	}}
}

// supports reports whether an answer bears a verdict out, contradicts whether it shows it wrong; of the rest nothing
// can be said. single_factor is told of what was accepted, misconfigured of what could not be asked.
func supports(verdict string, a answer) bool {
	switch verdict {
	case "single_factor":
		return a.accepted()
	case "misconfigured":
		return !a.accepted()
	}
	return a.refused()
}

func contradicts(verdict string, a answer) bool { return a.clear() && !supports(verdict, a) }

// grounds are the answers about an account up to a letter that support a verdict, none older than one that
// contradicts it, the oldest first.
func (w *world) grounds(l letter, item observe.ItemRow) []answer {
	var out []answer
	asked := w.asked[w.id(item.Account)]
	for i := len(asked) - 1; i >= 0; i-- {
		switch a := asked[i]; {
		case a.n > l.n:
		case contradicts(item.Verdict, a):
			slices.Reverse(out)
			return out
		case supports(item.Verdict, a):
			out = append(out, a)
		}
	}
	slices.Reverse(out)
	return out
}

// freshRefusal: a mail that tells of a failure leaves only on a refusal of the secret that is stored now, at most 24 h
// old, which no later answer contradicts. What waited longer is re-checked first.
func freshRefusal(w *world) rule {
	const fresh = 24 * time.Hour
	return rule{name: "fresh refusal", letter: func(l letter) []string {
		var bad []string
		for _, item := range l.row.Items {
			rows := w.account(item.Account, l.moment)
			if !l.accuses() || len(rows) == 0 || rows[0].gone {
				continue
			}
			grounds := w.grounds(l, item)
			ofStored := slices.DeleteFunc(slices.Clone(grounds), func(a answer) bool {
				return !slices.ContainsFunc(rows, func(r row) bool { return r.Secret == a.Secret })
			})
			switch {
			case len(grounds) == 0:
				bad = append(bad, sprintf("%s tells that %s is %s, which the last answer does not bear out", l, item.Account, item.Verdict))
			case len(ofStored) == 0:
				bad = append(bad, sprintf("%s tells that %s is %s; the secret stored since then was never refused", l, item.Account, item.Verdict))
			case l.since(ofStored[len(ofStored)-1].moment) > fresh:
				bad = append(bad, sprintf("%s tells that %s is %s, by an answer of %s", l, item.Account, item.Verdict, ofStored[len(ofStored)-1].moment))
			}
		}
		return bad
	}}
}

// runOf is the concluded run in which something was asked at a moment of mailaudit's clocks.
func (w *world) runOf(shown time.Time) (observe.RunRow, bool) {
	for _, r := range w.runs {
		if r.Status == "concluded" && !shown.Before(r.StartedAt) && !shown.After(r.FinishedAt) {
			return r, true
		}
	}
	return observe.RunRow{}, false
}

// confirmed: the customer of an ambiguous finding is told after confirm_nights concluded runs in a row whose starts
// are at least 20 h apart. Ambiguous, whatever the rules say, are single_factor (from the secret's shape),
// misconfigured, and a bare refused password; Microsoft names its causes, and so does a token endpoint.
func confirmed(w *world) rule {
	const apart = 20 * time.Hour
	ambiguous := func(verdict string, a answer) bool {
		switch verdict {
		case "single_factor", "misconfigured":
			return true
		case "revoked", "invalid":
			return !a.OAuth && a.Provider != "microsoft"
		}
		return false
	}
	return rule{name: "confirmed", letter: func(l letter) []string {
		var bad []string
		for _, item := range l.row.Items {
			grounds := w.grounds(l, item)
			if !l.accuses() || len(grounds) == 0 || !ambiguous(item.Verdict, grounds[len(grounds)-1]) {
				continue
			}
			want := l.config.ConfirmNights
			for _, c := range w.config.lately(l.moment, l.at.Sub(grounds[0].at)) {
				want = min(want, c.ConfirmNights)
			}
			var starts []time.Time
			for _, a := range grounds {
				if r, ok := w.runOf(a.shown); ok && !slices.Contains(r.Void, a.Provider) {
					starts = append(starts, r.StartedAt)
				}
			}
			slices.SortFunc(starts, time.Time.Compare)
			nights, last := 0, time.Time{}
			for _, start := range starts {
				if nights == 0 || start.Sub(last) >= apart {
					nights, last = nights+1, start
				}
			}
			if nights < want {
				bad = append(bad, sprintf("%s tells that %s is %s after %d nights of %d; answers since %s",
					l, item.Account, item.Verdict, nights, want, grounds[0].moment))
			}
		}
		return bad
	}}
}

// liveTraffic: a refusal that the product's own mail contradicts, sent with this credential less than 24 h before it,
// is nobody's fault but ours. A time more than 5 minutes ahead of the refusal is no proof.
func liveTraffic(w *world) rule {
	return rule{name: "live traffic", letter: func(l letter) []string {
		var bad []string
		for _, item := range l.row.Items {
			t, grounds := w.accounts[w.id(item.Account)], w.grounds(l, item)
			if !l.accuses() || item.Verdict == "single_factor" || t == nil || len(grounds) == 0 {
				continue
			}
			last := grounds[len(grounds)-1]
			if all(t.lately(last.moment, grace), func(r row) bool {
				before := last.shown.Sub(r.LastSentOKAt)
				return !r.LastSentOKAt.IsZero() && before < 24*time.Hour && before >= -5*time.Minute
			}) {
				bad = append(bad, sprintf("%s tells that %s is %s by the answer of %s, although the product had sent mail through it at %s",
					l, item.Account, item.Verdict, last.moment, stamp(t.at(last.moment).LastSentOKAt)))
			}
		}
		return bad
	}}
}

// neverForAnOutage: no customer is told of a failure whose credential was good all the time, and whose provider
// refused it as it refused everybody. Only where it refused so few that no guard could notice, or where a person
// released what a guard held, such a mail is not the program's fault.
func neverForAnOutage(w *world) rule {
	return rule{name: "never for an outage", night: func() []string {
		for _, key := range w.night.runs {
			before := map[string]string{}
			for _, accounts := range w.lines(key) {
				for _, l := range accounts {
					before[w.id(l.account)] = l.previous
					if w.verdicts[w.id(l.account)] = l.verdict; l.verdict == "unverified" {
						w.verdicts[w.id(l.account)] = l.previous
					}
				}
			}
			w.previous[key] = before
		}
		return nil
	}, letter: func(l letter) []string {
		if !l.accuses() || w.releasedBefore(l) {
			return nil
		}
		var bad []string
		for _, item := range l.row.Items {
			asked := w.answersSinceAccepted(l, item.Account)
			if len(asked) == 0 || item.Verdict == "single_factor" {
				continue
			}
			first, last := asked[0], asked[len(asked)-1]
			if slices.ContainsFunc(asked, answer.trulyRefused) ||
				!w.good(mailbox{last.Provider, last.Folded}, last.Secret, first.at, l.moment) {
				continue
			}
			if i := slices.IndexFunc(asked, answer.refused); i >= 0 {
				first = asked[i]
			}
			lied := w.liedTo(first)
			if first.mood == observe.Refusing && !lied.isMass(l.config, true) || w.releasedSince(first, l) {
				continue
			}
			bad = append(bad, sprintf("%s tells that %s is %s; its credential was good all the time and %s was %q from %s, for %d of %d accounts",
				l, item.Account, item.Verdict, last.Provider, first.mood, first.moment, lied.hits(), lied.accounts()))
		}
		return bad
	}}
}

// answersSinceAccepted are the answers about an account up to a letter, since it was last accepted, the oldest first.
func (w *world) answersSinceAccepted(l letter, account string) []answer {
	var out []answer
	for _, a := range w.asked[w.id(account)] {
		switch {
		case a.n > l.n:
		case a.accepted():
			out = nil
		default:
			out = append(out, a)
		}
	}
	return out
}

// verdictBefore is what was last said of an account before a run.
func (w *world) verdictBefore(id, run string) string {
	if before, shown := w.previous[run]; shown {
		return before[id]
	}
	return w.verdicts[id]
}

// releasedSince reports whether a person released a hold of an answer's run before a letter, when the finding had no
// notice yet that the hold could keep.
func (w *world) releasedSince(first answer, l letter) bool {
	run, in := w.runOf(first.shown)
	return in && w.decision(holdKey{run.Key, first.Provider}, "release", l.moment) != nil
}

// liedTo counts the accounts of a provider with a good credential, accepted the last time, that the provider's mood
// met in the run of an answer.
func (w *world) liedTo(first answer) crowd {
	lied := crowd{}
	run, inRun := w.runOf(first.shown)
	for id, t := range w.accounts {
		r := t.at(first.moment)
		if r.gone || r.Provider != first.Provider || r.Canary != "" {
			continue
		}
		accepted, hit := false, false
		for _, a := range w.asked[id] {
			met := a.Answer == observe.OfMood && (a.n == first.n || inRun && !a.shown.Before(run.StartedAt) && !a.shown.After(run.FinishedAt))
			failed := isFailing(w.verdictBefore(id, run.Key))                        // "single_factor": it is no new failure
			traffic := !r.LastSentOKAt.IsZero() && a.shown.Sub(r.LastSentOKAt) < day // which contradicts it
			if met && accepted && !failed && !traffic && w.good(mailbox{a.Provider, a.Folded}, a.Secret, a.at, a.moment) {
				hit = true
				break
			}
			if a.clear() {
				accepted = a.accepted()
			}
		}
		lied.add(r.Tenant, hit)
	}
	return lied
}

// passes is the highest number of new failures of a provider that the guard does not hold.
func passes(accounts int, c observe.Configured) int {
	limit := max(c.MinNewFailures, int(c.MaxNewFailures*float64(accounts)+1e-9))
	if accounts >= 4 {
		limit = min(limit, accounts/2)
	}
	return limit
}
