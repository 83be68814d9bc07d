package decide

import (
	"fmt"
	"time"

	"mailaudit/audit"
	"mailaudit/providers"
)

// mailsAtMost bounds the mails about one account in mailsWithin, whatever it does.
const (
	mailsAtMost = 5
	MailWindow  = 30 * 24 * time.Hour
)

// dueMail looks at an account after its night was settled. now is the start of the run; asked reports whether
// the provider itself answered tonight; lately counts the mails about the account within 30 days, and
// pending tells that one is written and not yet sent.
func dueMail(c audit.Cadence, now time.Time, s audit.Settled, told audit.Told, asked bool, lately int, pending bool) audit.Decision {
	if told.Shadow && !c.Shadow {
		told = audit.Told{} // what shadow mode noted, the customer never read
	}
	switch {
	case !asked:
		return audit.Decision{Why: "no response in this run"}
	case s.Verdict.Fine() && told.Step > 0:
		return audit.Decision{Kind: audit.KindRecovered, Step: 0, Why: "accepted again, and the customer had been notified"}
	case !s.Verdict.Failing():
		return audit.Decision{Why: "nothing to notify"}
	case pending:
		return audit.Decision{Why: "an e-mail is written and waits to be sent"}
	case lately >= mailsAtMost-1: // the last one is kept for "it works again"
		return audit.Decision{Why: fmt.Sprintf("%d e-mails in 30 days already", lately)}
	case told.Step == 0:
		return firstMail(c, s)
	}
	return nextReminder(c, now, s, told)
}

func firstMail(c audit.Cadence, s audit.Settled) audit.Decision {
	switch {
	case s.Certainty == providers.Definite:
		return audit.Decision{Kind: audit.KindFinding, Step: 1, Why: "the provider names the cause"}
	case unconfirmed(c, s):
		return audit.Decision{Why: nightOf(c, s)}
	}
	return audit.Decision{Kind: audit.KindFinding, Step: 1, Why: fmt.Sprintf("failed in %d runs", s.Nights)}
}

// unconfirmed reports whether the finding is ambiguous and was not seen on enough nights in a row to notify anybody.
func unconfirmed(c audit.Cadence, s audit.Settled) bool {
	return s.Certainty != providers.Definite && s.Nights < c.ConfirmNights
}

func nightOf(c audit.Cadence, s audit.Settled) string {
	if c.ConfirmNights-s.Nights == 1 {
		return fmt.Sprintf("needs one more failed run (%d of %d)", s.Nights, c.ConfirmNights)
	}
	return fmt.Sprintf("needs %d more failed runs (%d of %d)", c.ConfirmNights-s.Nights, s.Nights, c.ConfirmNights)
}

// ReminderDue is the earliest hour of the next reminder; zero where nobody was notified, or none is left.
func ReminderDue(c audit.Cadence, told audit.Told) time.Time {
	n := told.Step - 1
	if n < 0 || n >= len(c.RemindAfter) {
		return time.Time{}
	}
	due := told.FirstAt.Add(c.RemindAfter[n])
	if afterLast := told.At.Add(c.RemindAfter[0]); !told.At.IsZero() && afterLast.After(due) {
		return afterLast // a late reminder delays those that it overtook
	}
	return due
}

func nextReminder(c audit.Cadence, now time.Time, s audit.Settled, told audit.Told) audit.Decision {
	n := told.Step - 1
	if n >= len(c.RemindAfter) {
		return audit.Decision{Why: "no further reminder; left to operations"}
	}
	due := ReminderDue(c, told)
	if now.Before(due) {
		return audit.Decision{Why: "next reminder not before " + due.UTC().Format(time.DateOnly)}
	}
	if unconfirmed(c, s) { // the customer stored another wrong secret: a reminder would tell the new verdict
		return audit.Decision{Why: nightOf(c, s)}
	}
	return audit.Decision{Kind: audit.KindReminder, Step: told.Step + 1, Why: fmt.Sprintf("reminder %d", n+1)}
}

// NextMail is [dueMail] with what the outbox holds: where the mail that ends the story is on its way,
// another would say the same once more.
func NextMail(c audit.Cadence, now time.Time, s audit.Settled, told audit.Told, asked bool, m audit.Mailing) audit.Decision {
	d := dueMail(c, now, s, told, asked, m.Lately, m.Pending)
	if d.Kind == audit.KindRecovered && m.Closing {
		return audit.Decision{Why: "an e-mail is written and waits to be sent"}
	}
	return d
}
