package oracle

import (
	"time"

	"mailaudit/cmd/mailaudit/years/observe"
)

// How often a customer is told the same.

// telling is what a contact was told of an account's finding.
type telling struct {
	first     moment
	verdict   string
	secret    observe.SecretID // the one that the finding was about
	reminders int
	over      moment // when the finding ended after that: accepted, or gone; n is 0 while it has not
}

// overBefore reports whether the finding had ended when a letter left.
func (t *telling) overBefore(l letter) bool { return t.over.n != 0 && t.over.n < l.n }

// end notes that the finding is over. What single_factor told of was accepted all the time: only another secret ends it.
func (t *telling) end(m moment, accepted observe.SecretID) {
	if t.over.n == 0 && m.n > t.first.n && (t.verdict != "single_factor" || accepted != t.secret) {
		t.over = m
	}
}

type told struct{ account, contact string }

// tellings is who was told what and has, or may have, the mail.
type tellings struct {
	w    *world
	open map[told]*telling
	ever map[string]bool // accounts of which anybody was to be told
}

func newTellings(w *world) *tellings {
	return &tellings{w, map[told]*telling{}, map[string]bool{}}
}

func (t *tellings) watch(m moment, what observe.What) []string {
	over := map[string]observe.SecretID{}
	switch o := what.(type) {
	case observe.SignIn:
		if (answer{SignIn: o, mood: t.w.mood(o.Provider, m)}).accepted() {
			for _, id := range t.w.heldBy(o, m) {
				over[id] = t.w.secret(o.Secret)
			}
		}
	case observe.AccountGone:
		over[t.w.id(o.ID)] = ""
	}
	if len(over) > 0 {
		for k, is := range t.open {
			if secret, ok := over[k.account]; ok {
				is.end(m, secret)
			}
		}
	}
	return nil
}

// tell notes what a letter told of an account.
func (t *tellings) tell(l letter, item observe.ItemRow) {
	k := told{t.w.id(item.Account), fold(l.row.Contact)}
	t.ever[k.account] = true
	if !l.handed() {
		return
	}
	if was := t.open[k]; was != nil && !was.overBefore(l) && was.verdict == item.Verdict {
		was.reminders++
		return
	}
	now := &telling{first: l.moment, verdict: item.Verdict}
	for _, a := range t.w.asked[k.account] {
		if a.n < l.n {
			now.secret = a.Secret
		} else if a.accepted() { // on the same day, before the letter was looked at
			now.end(a.moment, a.Secret)
		}
	}
	t.open[k] = now
}

// toldOnce: a finding has one first notice and then reminders, the n-th not before remind_after[n] has passed since
// the first, and none after the last. An acceptance, a departure, another verdict or another contact begins anew.
// Where remind_after was changed meanwhile, any of its values will do.
func toldOnce(w *world) rule {
	t := newTellings(w)
	return rule{name: "told once", watch: t.watch, letter: func(l letter) []string {
		var bad []string
		for _, item := range l.row.Items {
			k := told{w.id(item.Account), fold(l.row.Contact)}
			was := t.open[k]
			switch {
			case l.row.Kind == "correction" && l.handed():
				delete(t.open, k)
			case !l.accuses():
			case was != nil && !was.overBefore(l) && was.verdict == item.Verdict && !t.due(was, l):
				bad = append(bad, sprintf("%s tells again that %s is %s, as on %s and by %d reminders since; remind_after is %v",
					l, item.Account, item.Verdict, was.first, was.reminders, l.config.RemindAfter))
			case l.row.Kind == "reminder" && !t.ever[k.account]:
				bad = append(bad, sprintf("%s reminds of %s, of which nobody was told", l, item.Account))
			}
			if l.accuses() {
				t.tell(l, item)
			}
		}
		return bad
	}}
}

func (t *tellings) due(was *telling, l letter) bool {
	passed := max(l.at.Sub(was.first.at), l.shown.Sub(was.first.shown))
	for _, c := range append(t.w.config.lately(l.moment, 14*24*time.Hour), l.config) {
		if was.reminders < len(c.RemindAfter) && passed >= c.RemindAfter[was.reminders] {
			return true
		}
	}
	return false
}

// recoveredToWhoWasTold: that an account works again is told once, to the contact that was told of the failure, after
// the account was accepted and while that is its last answer.
func recoveredToWhoWasTold(w *world) rule {
	t := newTellings(w)
	return rule{name: "recovered", watch: t.watch, letter: func(l letter) []string {
		var bad []string
		for _, item := range l.row.Items {
			k := told{w.id(item.Account), fold(l.row.Contact)}
			switch was := t.open[k]; {
			case l.accuses():
				t.tell(l, item)
			case l.row.Kind != "recovered":
			case was == nil:
				bad = append(bad, sprintf("%s tells that %s works again; this contact was not told that it failed", l, item.Account))
			case !was.overBefore(l):
				bad = append(bad, sprintf("%s tells that %s works again; it was not accepted since the notice of %s", l, item.Account, was.first))
			case w.refusedLast(l, item.Account):
				bad = append(bad, sprintf("%s tells that %s works again, although its last answer was a refusal", l, item.Account))
			}
			if l.row.Kind == "recovered" && l.handed() {
				delete(t.open, k)
			}
		}
		return bad
	}}
}

// refusedLast reports whether the last clear answer about an account before a letter refused it.
func (w *world) refusedLast(l letter, account string) bool {
	asked := w.asked[w.id(account)]
	for i := len(asked) - 1; i >= 0; i-- {
		if a := asked[i]; a.n < l.n && a.clear() {
			return a.refused()
		}
	}
	return false
}

// correctedOnce: a correction goes to a contact whom a run told something, once for each such run.
func correctedOnce(w *world) rule {
	by, corrected := map[told]map[string]bool{}, map[told]int{} // the runs that told
	return rule{name: "corrected once", letter: func(l letter) []string {
		var bad []string
		for _, item := range l.row.Items {
			k := told{w.id(item.Account), fold(l.row.Contact)}
			correction := l.row.Kind == "correction"
			if correction && corrected[k] >= len(by[k]) {
				bad = append(bad, sprintf("%s corrects what nobody there was told of %s, or was corrected before", l, item.Account))
			}
			switch {
			case !l.handed():
			case correction:
				corrected[k]++
			case l.accuses():
				if by[k] == nil {
					by[k] = map[string]bool{}
				}
				by[k][l.row.Run] = true
			}
		}
		return bad
	}}
}
