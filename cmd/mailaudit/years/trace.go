package years

import (
	"fmt"

	"mailaudit/cmd/mailaudit/years/observe"
)

// tell writes an observation for people, where somebody traces the play. What processes do is told by the stage.
func (s *Stage) tell(o observe.Observation) {
	if s.opt.Trace == nil {
		return
	}
	text := ""
	switch w := o.What.(type) {
	case observe.Mail:
		text = fmt.Sprintf("%d mails M-%d to %v about %v: %s %q", o.Process, w.Number, w.To, w.Mailboxes, w.Answer, w.Subject)
	case observe.SignIn:
		text = fmt.Sprintf("%d asks %s at %s with %s: %s %q", o.Process, w.Login, w.Provider, w.Secret, w.Answer, w.Reply)
	case observe.SlackCall:
		text = fmt.Sprintf("%d calls %s for run %q: %d %s, arrived %v", o.Process, w.Method, w.Run, w.Status, w.Error, w.Arrived)
	case observe.AccountIs:
		text = fmt.Sprintf("account %s of %s: %s with %s, contact %q", w.ID, w.Tenant, w.Address, w.Secret, w.Contact)
	case observe.AccountGone, observe.MailboxIs, observe.ProviderIs, observe.SourceIs, observe.ClockMoved, observe.RelayIs, observe.SlackIs,
		observe.EgressIs, observe.ClientSecretIs, observe.Configured:
		text = fmt.Sprintf("%T %+v", w, w)
	default:
		return
	}
	s.trace("  %s", text)
}
