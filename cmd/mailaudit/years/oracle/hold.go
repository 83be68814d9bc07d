package oracle

import (
	"slices"

	"mailaudit/cmd/mailaudit/years/observe"
)

// What a guard holds stays held until a person decides.

// decision returns the last command of a kind on a hold that began before a moment.
func (w *world) decision(k holdKey, verb string, before moment) *command {
	for _, c := range slices.Backward(w.decided[k]) {
		if c.name == "notices "+verb && c.began.n < before.n {
			return c
		}
	}
	return nil
}

// releasedBefore reports whether a person had released the hold that a letter's notice waited in.
func (w *world) releasedBefore(l letter) bool {
	return l.row.Hold != "" && w.decision(holdKey{l.row.Hold, l.row.Provider}, "release", l.moment) != nil
}

// heldStays: a hold never sends. A failure is mailed only after notices release, and never after discard; neither are
// mails that a run wrote for a provider that it held and that bear no hold.
func heldStays(w *world) rule {
	return rule{name: "held", letter: func(l letter) []string {
		if !l.accuses() {
			return nil
		}
		k := holdKey{l.row.Hold, l.row.Provider}
		switch run, known := w.runs[l.row.Run]; {
		case l.row.Hold != "" && w.decision(k, "release", l.moment) == nil:
			return one("%s left although it waits in the hold of %s on %s, which nobody released", l, k.run, k.provider)
		case l.row.Hold == "" && known && slices.Contains(run.Held, l.row.Provider):
			return one("%s left although run %s held %s", l, l.row.Run, l.row.Provider)
		}
		return nil
	}, night: func() []string {
		var bad []string
		open := map[holdKey]bool{}
		for _, h := range w.night.db.Holds {
			open[holdKey{h.Run, h.Provider}] = h.State == "open"
		}
		for _, n := range w.night.db.Notices {
			isOpen, known := open[holdKey{n.Hold, n.Provider}]
			switch {
			case n.Hold != "" && isOpen && !slices.Contains([]string{"held", "suppressed"}, n.State):
				bad = append(bad, sprintf("M-%d is %q although the hold of %s on %s is open", n.ID, n.State, n.Hold, n.Provider))
			case n.State == "held" && n.Hold == "":
				bad = append(bad, sprintf("M-%d is held by no hold", n.ID))
			case n.State == "held" && known && !isOpen && w.wasHeld(n.ID) && w.wasDecided(holdKey{n.Hold, n.Provider}):
				bad = append(bad, sprintf("M-%d is still held a night after the hold of %s on %s ended", n.ID, n.Hold, n.Provider))
			}
		}
		return bad
	}}
}

func (w *world) wasHeld(id int64) bool {
	return slices.ContainsFunc(w.night.before.Notices, func(n observe.NoticeRow) bool { return n.ID == id && n.State == "held" })
}

func (w *world) wasDecided(k holdKey) bool {
	return slices.ContainsFunc(w.night.before.Holds, func(h observe.HoldRow) bool {
		return h.Run == k.run && h.Provider == k.provider && h.State != "open"
	})
}

// holdEndsByDecision: a hold ends by notices release, by discard, or because every account in it was accepted or has
// left. It never lapses and never disappears.
func holdEndsByDecision(w *world) rule {
	return rule{name: "hold", night: func() []string {
		var bad []string
		before := map[holdKey]observe.HoldRow{}
		for _, h := range w.night.before.Holds {
			before[holdKey{h.Run, h.Provider}] = h
		}
		for _, h := range w.night.db.Holds {
			k := holdKey{h.Run, h.Provider}
			was, known := before[k]
			delete(before, k)
			if h.State == "open" || known && was.State != "open" || len(w.decided[k]) > 0 {
				continue
			}
			if still := w.stillRefused(k); len(still) > 0 {
				bad = append(bad, sprintf("the hold of %s on %s is %q by %q; nobody decided it, and %v were not accepted since",
					h.Run, h.Provider, h.State, h.DecidedBy, still))
			}
		}
		for k, was := range before {
			if was.State == "open" {
				bad = append(bad, sprintf("the open hold of %s on %s has disappeared", k.run, k.provider))
			}
		}
		return bad
	}}
}

// stillRefused lists the accounts in a hold's notices that are there and whose last clear answer is not an acceptance.
func (w *world) stillRefused(k holdKey) []string {
	var still []string
	for _, n := range append(slices.Clone(w.night.before.Notices), w.night.db.Notices...) {
		if n.Hold != k.run || n.Provider != k.provider || n.Kind == "recovered" {
			continue
		}
		for _, item := range n.Items {
			rows := w.account(item.Account, w.night.m)
			l := letter{moment: w.night.m, row: n}
			if len(rows) > 0 && !rows[0].gone && len(w.grounds(l, item)) > 0 && !slices.Contains(still, item.Account) {
				still = append(still, item.Account)
			}
		}
	}
	return still
}
