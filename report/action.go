package report

import (
	"strings"

	"mailaudit/audit"
)

// ActionKind names what operations have to look at.
type ActionKind string

const (
	ActionMismatch   ActionKind = "mismatch"
	ActionStopped    ActionKind = "stopped"
	ActionIncomplete ActionKind = "incomplete"
	ActionEmpty      ActionKind = "empty"
	ActionOwnData    ActionKind = "own_data"
	ActionCoverage   ActionKind = "coverage"
	ActionOverdue    ActionKind = "overdue"
	ActionHeld       ActionKind = "held"
	ActionVoid       ActionKind = "void"
	ActionFault      ActionKind = "fault"
	ActionUnknown    ActionKind = "unknown_replies"
	ActionNoAnswer   ActionKind = "no_answer"
	ActionDebt       ActionKind = "coverage_debt"
	ActionChronic    ActionKind = "chronic"
	ActionFailed     ActionKind = "failed_mails"
	ActionAmbiguous  ActionKind = "ambiguous_mails"
	ActionCalls      ActionKind = "calls"
	ActionReversed   ActionKind = "reversed"
)

// Action is one thing for operations to do. Its texts name no mailbox, no customer's host and no
// provider's words, so that they may stand in a channel.
type Action struct {
	Kind     ActionKind
	Provider string
	Count    int
	Text     string // what is the matter
	Fix      string // what to do; "" where Command says it
	Command  string // the words after "mailaudit"; "" if none helps
	Section  string // of the page and of the text, where more is told
}

// Level is how urgent a night is.
type Level string

const (
	LevelAlarm   Level = "alarm"   // somebody must decide or fix something now
	LevelWork    Level = "work"    // there is something for operations
	LevelCalm    Level = "calm"    // nothing to do
	LevelRunning Level = "running" // not known yet
)

func (s *Summary) actions() []Action {
	var a []Action
	key := s.Run.Key
	if len(s.Mismatch) > 0 {
		a = append(a, Action{Kind: ActionMismatch, Count: len(s.Mismatch), Section: "mismatch",
			Text: "Do not use this report: its numbers do not add up (" + s.Mismatch[0] + ")",
			Fix:  "run mailaudit doctor and keep the database as it is"})
	}
	switch s.Run.Status {
	case audit.RunStopped:
		a = append(a, Action{Kind: ActionStopped, Text: "Fix what stopped the run, then start it again: " + s.stopReason()})
	case audit.RunIncomplete:
		a = append(a, Action{Kind: ActionIncomplete, Count: s.Expected() - s.Numbers.Accounts,
			Text:    "Resume the run: " + Count(s.Numbers.Verified) + " of " + Accounts(s.Expected()) + " verified, no worker",
			Command: "run --key " + key})
	}
	if s.empty() {
		a = append(a, Action{Kind: ActionEmpty, Text: "Check the source table or view: it has no account", Command: "doctor"})
	}
	for _, q := range s.refusedByUs() {
		a = append(a, Action{Kind: ActionOwnData, Provider: q.Provider, Count: q.Count, Section: "no-answer",
			Text: "Correct the source: all " + q.text() + " are unverified, " + q.Reason, Command: "doctor"})
	}
	if s.Uncovered() {
		a = append(a, Action{Kind: ActionCoverage, Count: s.Expected() - s.Numbers.Verified, Section: "no-answer",
			Text: "Restore coverage: " + Count(s.Numbers.Verified) + " of " + Accounts(s.Expected()) + " verified" + s.mostlyUnverified()})
	}
	if n := s.Mails.Overdue; n > 0 {
		a = append(a, Action{Kind: ActionOverdue, Count: n, Command: "deliver",
			Text: "Run deliver every hour: " + Number(n, "e-mail is", "e-mails are") + " overdue > 24 h"})
	}
	a = append(a, s.providerActions()...)
	a = append(a, s.reversalActions()...)
	if n := s.Mails.States[audit.NoticeFailed] + s.Mails.FailedBefore; n > 0 {
		a = append(a, Action{Kind: ActionFailed, Count: n, Command: "notices list --state failed",
			Text: "Call the customers of " + Number(n, "e-mail", "e-mails") + " refused for good: they are not notified"})
	}
	if n := s.Mails.States[audit.NoticeAmbiguous]; n > 0 {
		a = append(a, Action{Kind: ActionAmbiguous, Count: n, Command: "notices list --state ambiguous",
			Text: "Check " + Number(n, "e-mail", "e-mails") + " with delivery unconfirmed"})
	}
	if n := s.Mails.Calls; n > 0 {
		a = append(a, Action{Kind: ActionCalls, Count: n, Command: "notices list --state suppressed --run " + key,
			Text: "Call " + Number(n, "customer", "customers") + ": our e-mails do not reach them"})
	}
	return a
}

func (s *Summary) stopReason() string {
	if s.Run.StopReason == "" {
		return "no reason was noted"
	}
	return s.Run.StopReason
}

func (s *Summary) providerActions() []Action {
	var void, unknown, silent []Action
	held := s.holdActions()
	for _, p := range s.Providers {
		if p.Void {
			void = append(void, Action{Kind: ActionVoid, Provider: p.Name, Count: p.NoAnswer, Section: "no-answer",
				Text: "Check " + p.Title + ": its results are inconclusive and discarded, " + reasonOr(p.VoidReason, Accounts(p.NoAnswer)+" gave no response")})
		}
		n := s.Unknown(p.Name)
		if n > 0 {
			unknown = append(unknown, Action{Kind: ActionUnknown, Provider: p.Name, Count: n, Section: "unknown", Command: "rules propose",
				Text: "Review unrecognized replies at " + p.Title + ": " + Accounts(n) + ", counted as unverified"})
		}
		if s.HeldNow(p.Name) {
			n += s.inUse(p.Name) // the hold tells of them
		}
		if n := p.NoAnswer - n - s.chronicOf(p.Name); !p.Void && s.Finished() && tooSilent(n, p.Accounts) {
			silent = append(silent, Action{Kind: ActionNoAnswer, Provider: p.Name, Count: n, Section: "no-answer",
				Text: "Check " + p.Title + ": " + Count(n) + " of " + Accounts(p.Accounts) + " unverified" + s.mostly(p.Name)})
		}
	}
	var faults []Action
	for _, f := range s.Faults {
		faults = append(faults, Action{Kind: ActionFault, Text: f.line(), Fix: f.Fix})
	}
	out := append(held, void...)
	out = append(out, faults...)
	out = append(append(out, unknown...), silent...)
	out = append(out, s.chronicActions()...)
	return append(out, s.debtActions()...)
}

func (s *Summary) holdActions() []Action {
	var out []Action
	for _, h := range s.Undecided() {
		text := "Approve or discard " + Count(h.Waiting) + " " + h.Title + " " + plural(h.Waiting, "e-mail", "e-mails")
		if h.RunKey != s.Run.Key {
			text += ", on hold since " + h.Since.In(s.Zone).Format("Mon 2 Jan")
		}
		text += ": " + reasonOr(h.Why, "a guard holds them")
		out = append(out, Action{Kind: ActionHeld, Provider: h.Provider, Count: h.Waiting, Section: "holds", Text: text})
	}
	return out
}

// tooSilent reports whether so many accounts without an answer are more than a night usually leaves: one in
// fifty, and never one or two.
func tooSilent(n, accounts int) bool { return n > 2 && n*50 > accounts }

// mostly names the rule behind most of a provider's silence. The reason itself may name a host.
func (s *Summary) mostly(provider string) string {
	for _, q := range s.NoAnswer {
		if q.Provider != provider {
			continue
		}
		if q.Reason == audit.ReasonContradicted {
			return ", mostly refused here while the product sends through them: our egress IP may be the cause"
		}
		if q.Rule == "" {
			return ", mostly no response from the server"
		}
		return ", mostly by " + q.Rule
	}
	return ""
}

// uncoveredMost is how many unverified accounts a small run may have, whatever their share.
const uncoveredMost = 5

// mostlyUnverified names the largest cause of unverified accounts, by provider. The reason itself may name a host.
func (s *Summary) mostlyUnverified() string {
	if len(s.NoAnswer) == 0 {
		return ""
	}
	most := s.NoAnswer[0]
	return "; " + Count(most.Count) + " at " + s.ProviderTitle(most.Provider) + s.mostly(most.Provider)
}

// Uncovered reports whether the run checked too little to be calm about: less than MinCoverage, by more than a few
// accounts, or nothing at all. Accounts without a response for three nights are none of those to be checked.
func (s *Summary) Uncovered() bool {
	all, done := s.Expected(), s.Numbers.Verified
	owed := all - s.ChronicTotal()
	if !s.Finished() || all == 0 || s.MinCoverage <= 0 {
		return false
	}
	return done == 0 || float64(done) < s.MinCoverage*float64(owed) && owed-done > uncoveredMost
}

func reasonOr(reason, otherwise string) string {
	if strings.TrimSpace(reason) == "" {
		return otherwise
	}
	return reason
}

func (s *Summary) level() Level {
	for _, a := range s.Actions {
		switch a.Kind {
		case ActionMismatch, ActionStopped, ActionIncomplete, ActionHeld, ActionOverdue, ActionCoverage, ActionEmpty, ActionOwnData:
			return LevelAlarm
		}
	}
	switch {
	case s.Uncovered():
		return LevelAlarm
	case len(s.Actions) > 0:
		return LevelWork
	case s.Run.Status == audit.RunRunning:
		return LevelRunning
	}
	return LevelCalm
}

// Changes up to these are what every night brings.
const (
	usualChanges = 2  // of a small customer base
	mostUsual    = 10 // of any
)

// Quiet reports whether one line says all that is to be said: the run covered the source, nobody has to act,
// it is not the first, and hardly anything changed.
func (s *Summary) Quiet() bool {
	usual := min(mostUsual, max(usualChanges, s.Numbers.Accounts/100))
	return s.Level == LevelCalm && s.Finished() && s.Run.Scope.Whole() && s.Previous != nil &&
		s.Numbers.Changes.NewlyFailing <= usual && s.Numbers.Changes.Recovered <= usual
}
