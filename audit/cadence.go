package audit

import (
	"fmt"
	"time"

	"mailaudit/providers"
)

// Cadence decides when a customer is told, and when told again.
type Cadence struct {
	ConfirmNights int             // conclusive nights in a row before an ambiguous finding is told
	RemindAfter   []time.Duration // since the first notice of the finding
	Shadow        bool            // notices.mode is shadow: what is decided is not sent
}

// mailsAtMost bounds the mails about one account in mailsWithin, whatever it does.
const (
	mailsAtMost = 5
	mailsWithin = 30 * 24 * time.Hour
)

// Decision says whether a mail is due for one account, and why or why not.
type Decision struct {
	Kind NoticeKind // "" for none
	Step int
	Why  string
}

// Decide looks at an account after its night was settled. now is the start of the run; asked tells whether
// the provider itself answered tonight; lately counts the mails about the account within 30 days, and
// pending tells that one is written and not yet sent.
func (c Cadence) Decide(now time.Time, s Settled, told Told, asked bool, lately int, pending bool) Decision {
	if told.Shadow && !c.Shadow {
		told = Told{} // what shadow mode noted, the customer never read
	}
	switch {
	case !asked:
		return Decision{Why: "no answer of the provider tonight"}
	case s.Verdict.Fine() && told.Step > 0:
		return Decision{Kind: KindRecovered, Step: 0, Why: "accepted again, and the customer had been told"}
	case !s.Verdict.Failing():
		return Decision{Why: "nothing to tell"}
	case pending:
		return Decision{Why: "a mail is written and waits to be sent"}
	case lately >= mailsAtMost-1: // the last one is kept for "it works again"
		return Decision{Why: fmt.Sprintf("%d mails in 30 days already", lately)}
	case told.Step == 0:
		return c.first(s)
	}
	return c.reminder(now, told)
}

func (c Cadence) first(s Settled) Decision {
	if s.Certainty == providers.Definite {
		return Decision{Kind: KindFinding, Step: 1, Why: "the provider names the cause"}
	}
	if s.Nights < c.ConfirmNights {
		return Decision{Why: fmt.Sprintf("night %d of %d", s.Nights, c.ConfirmNights)}
	}
	return Decision{Kind: KindFinding, Step: 1, Why: fmt.Sprintf("seen on %d nights", s.Nights)}
}

func (c Cadence) reminder(now time.Time, told Told) Decision {
	n := told.Step - 1
	if n >= len(c.RemindAfter) {
		return Decision{Why: "nothing more is mailed; left to operations"}
	}
	if due := told.FirstAt.Add(c.RemindAfter[n]); now.Before(due) {
		return Decision{Why: "next reminder not before " + due.UTC().Format(time.DateOnly)}
	}
	return Decision{Kind: KindReminder, Step: told.Step + 1, Why: fmt.Sprintf("reminder %d", n+1)}
}
