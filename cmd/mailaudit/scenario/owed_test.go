package scenario

import (
	"strings"
	"testing"

	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/providers/sim"
)

// TestWhatTheRelayPutsOffIsOwed: a mail that was due and has not left makes the night incomplete, whatever
// kept it, and the next start tries it whatever hour was set for that.
func TestWhatTheRelayPutsOffIsOwed(t *testing.T) {
	t.Parallel()
	for name, mood := range map[string]sim.RelayMood{
		"a recipient": {Recipients: map[string]string{"b@contact.example": "450 4.2.0 greylisted"}},
		"a message":   {Data: "451 4.3.0 try again later"},
		"a sender":    {Mail: "451 4.3.2 busy"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := slackScene(t)
			s.imported(row{"account_id": "b", "tenant_id": "T-2", "address": "b@gmail.com", "secret": appPassword, "contact_email": "b@contact.example"})
			s.relay.SetMood(mood)
			for range 2 { // a concluded run that is started again gives its own code
				o := s.do("run", "--key", "night")
				if o.code != exit.Failed || !strings.Contains(lastLine(o.stderr), "1 mail;") {
					t.Errorf("exit %d: %s", o.code, lastLine(o.stderr))
				}
			}
			if r := s.report("night"); r.Run.Status != "concluded" || r.Notices["queued"] != 1 {
				t.Errorf("%s, notices %v", r.Run.Status, r.Notices)
			}
			s.relay.SetMood(sim.RelayMood{})
			s.settings["deliver_within"] = "60s"
			s.done("deliver")
			s.done("run", "--key", "night")
			if got := s.recipients(); len(got) != 1 {
				t.Errorf("mailed to %v", got)
			}
		})
	}
}
