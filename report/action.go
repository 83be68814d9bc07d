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
	ActionOverdue    ActionKind = "overdue"
	ActionHeld       ActionKind = "held"
	ActionVoid       ActionKind = "void"
	ActionFault      ActionKind = "fault"
	ActionUnknown    ActionKind = "unknown_replies"
	ActionNoAnswer   ActionKind = "no_answer"
	ActionDebt       ActionKind = "coverage_debt"
	ActionFailed     ActionKind = "failed_mails"
	ActionAmbiguous  ActionKind = "ambiguous_mails"
	ActionCalls      ActionKind = "calls"
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
			Text: "The numbers do not add up (" + s.Mismatch[0] + ")",
			Fix:  "do not act on this report; run mailaudit doctor and keep the database as it is"})
	}
	switch s.Run.Status {
	case audit.RunStopped:
		a = append(a, Action{Kind: ActionStopped, Text: "The run stopped before it said anything: " + s.stopReason()})
	case audit.RunIncomplete:
		a = append(a, Action{Kind: ActionIncomplete, Count: s.Expected() - s.Numbers.Accounts,
			Text:    "The run is not finished (" + Count(s.Numbers.Verified) + " of " + Mailboxes(s.Expected()) + " checked) and no process works on it",
			Command: "run --key " + key})
	}
	if n := s.Mails.Overdue; n > 0 {
		a = append(a, Action{Kind: ActionOverdue, Count: n, Command: "deliver",
			Text: Number(n, "mail has", "mails have") + " been due for a day and not left: nothing delivers"})
	}
	a = append(a, s.providerActions()...)
	if n := s.Mails.States[audit.NoticeFailed] + s.Mails.FailedBefore; n > 0 {
		a = append(a, Action{Kind: ActionFailed, Count: n, Command: "notices list --state failed",
			Text: Number(n, "mail was", "mails were") + " refused for good: these customers do not know"})
	}
	if n := s.Mails.States[audit.NoticeAmbiguous]; n > 0 {
		a = append(a, Action{Kind: ActionAmbiguous, Count: n, Command: "notices list --state ambiguous",
			Text: Number(n, "mail", "mails") + " may or may not have arrived: the line went dead at the end"})
	}
	if n := s.Mails.Calls; n > 0 {
		a = append(a, Action{Kind: ActionCalls, Count: n, Command: "notices list --state suppressed --run " + key,
			Text: Number(n, "customer", "customers") + " to telephone: our mails do not reach them"})
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
				Text: p.Title + "'s night does not count: " + reasonOr(p.VoidReason, Mailboxes(p.NoAnswer)+" without an answer")})
		}
		n := s.Unknown(p.Name)
		if n > 0 {
			unknown = append(unknown, Action{Kind: ActionUnknown, Provider: p.Name, Count: n, Section: "unknown",
				Text: p.Title + ", " + Mailboxes(n) + ": a reply that no rule knows (counted as unverified)"})
		}
		if s.HeldNow(p.Name) {
			n += s.inUse(p.Name) // the hold tells of them
		}
		if n := p.NoAnswer - n; !p.Void && s.Finished() && tooSilent(n, p.Accounts) {
			silent = append(silent, Action{Kind: ActionNoAnswer, Provider: p.Name, Count: n, Section: "no-answer",
				Text: p.Title + ", " + Count(n) + " of " + Mailboxes(p.Accounts) + " unverified" + s.mostly(p.Name)})
		}
	}
	var faults []Action
	for _, f := range s.Faults {
		faults = append(faults, Action{Kind: ActionFault, Text: f.line(), Fix: f.Fix})
	}
	out := append(held, void...)
	out = append(out, faults...)
	out = append(append(out, unknown...), silent...)
	return append(out, s.debtActions()...)
}

func (s *Summary) holdActions() []Action {
	var out []Action
	for _, h := range s.OpenHolds() {
		text := h.Title + " notices are held: " + reasonOr(h.Why, "a guard waits for a person")
		if h.RunKey != s.Run.Key {
			text = h.Title + " notices are held since the night of " + h.Since.In(s.Zone).Format("Mon 2 Jan") + ": " + reasonOr(h.Why, "a guard waits for a person")
		}
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
			return ", mostly refused here while the product sends through them: our address may be the cause"
		}
		if q.Rule == "" {
			return ", mostly without a word from the server"
		}
		return ", mostly by " + q.Rule
	}
	return ""
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
		case ActionMismatch, ActionStopped, ActionIncomplete, ActionHeld, ActionOverdue:
			return LevelAlarm
		}
	}
	switch {
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
