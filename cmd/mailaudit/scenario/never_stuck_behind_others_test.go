package scenario

import (
	"fmt"
	"testing"

	"mailaudit/providers/sim"
)

// A crowd of mails that must wait does not keep back those that need not.
func TestIncidentWaitingMailsHoldUpNobody(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.play(sim.Google(), sim.Mood{})
	s.settings["notices"] = `{mode: live, send_between: "", confirm_nights: 1, max_per_night: 5000, max_per_recipient: 1}`
	s.settings["guard"] = `{min_new_failures: 5000}`
	var rows []row
	for i := range 230 {
		r := s.clinic(i, "gmail.com")
		r["account_id"], r["tenant_id"] = fmt.Sprintf("a-%03d", i), fmt.Sprintf("T-%03d", i)
		if r["contact_email"] = "reseller@customers.example"; i >= 227 {
			r["contact_email"] = fmt.Sprintf("owner%d@customers.example", i)
		}
		s.world.Change(r["address"], func(a *sim.Account) { a.AppPasswords = nil })
		rows = append(rows, r)
	}
	s.install(rows...)
	s.done("run")
	if got := s.recipients(); len(got) != 4 {
		t.Errorf("mails to %v", got)
	}
}
