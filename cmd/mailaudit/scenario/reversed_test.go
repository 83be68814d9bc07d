package scenario

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"mailaudit/providers/sim"
)

// Google asks five clinics for an app password that they have long had, and takes it the next night: nobody has changed
// anything. The run counts them, names the rule and the run that notified, doubts the rule for the run, so that a sixth
// clinic is not notified by it at once, and offers the corrections; one of them is sent, once.
func TestRefusalsThatAreTakenBack(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	s.settings["notices"] = `{mode: live, send_between: "", confirm_nights: 2}`
	wants := func(from, to int, app bool) {
		for i := from; i < to; i++ {
			s.world.Change(fmt.Sprintf("front%02d@gmail.com", i), func(a *sim.Account) {
				if a.Password, a.AppPasswords = "own", []string{clinicSecret}; app {
					a.Password, a.AppPasswords = clinicSecret, nil
				}
			})
		}
	}
	wants(0, 5, true)
	s.revoke(7, 8) // this customer's app password is gone, and a new one ends it: nothing is taken back
	s.atNight(1)
	s.done("run", "--key", "wrong")
	if got := s.recipients(); len(got) != 5 {
		t.Fatalf("first mails to %v", got)
	}

	wants(0, 5, false)
	wants(5, 6, true)
	repaired := s.clinic(7, "gmail.com")
	repaired["secret"] = "zyxwvutsrqponmlk"
	s.world.Change("front07@gmail.com", func(a *sim.Account) { a.AppPasswords = []string{"zyxwvutsrqponmlk"} })
	s.imported(repaired)
	s.atNight(2)
	s.done("run", "--key", "right")

	var r struct {
		Quality   map[string]int
		Reversals []struct {
			AccountID string `json:"account_id"`
			Rule, Run string
			Told      bool
		}
		Findings []struct {
			AccountID string `json:"account_id"`
			Notice    string
		}
	}
	s.need(json.Unmarshal([]byte(s.done("report", "--format", "json")), &r))
	if r.Quality["reversed"] != 5 || r.Quality["told_then_reversed"] != 5 || r.Quality["by_traffic"] != 0 || len(r.Quality) != 3 {
		t.Errorf("quality %v", r.Quality)
	}
	for i, v := range r.Reversals {
		if v.AccountID != fmt.Sprintf("a-%02d", i) || v.Rule != "google/app-password-required" || v.Run != "wrong" || !v.Told {
			t.Errorf("%+v", v)
		}
	}
	for _, f := range r.Findings {
		if f.AccountID == "a-05" && f.Notice != "none" {
			t.Errorf("the sixth clinic is notified by a rule in doubt: %+v", f)
		}
	}
	text := s.done("report")
	for _, want := range []string{
		"5 refusals reversed, the secret unchanged (5 notified)",
		"5 of the 5 refusals by the rule google/app-password-required were reversed",
		"mailaudit notices correct --run wrong --by YOU --account a-03",
	} {
		if !strings.Contains(strings.Join(strings.Fields(text), " "), want) {
			t.Errorf("the report has no %q:\n%s", want, text)
		}
	}
	var said strings.Builder
	for _, post := range s.slack.Posts() {
		said.Write(post.Payload)
	}
	if !strings.Contains(said.String(), "5 refusals reversed, the secret unchanged (5 notified)") {
		t.Error("Slack does not tell of it")
	}

	s.atNight(3)
	s.done("run", "--key", "third")
	s.need(json.Unmarshal([]byte(s.done("report", "--format", "json")), &r))
	if r.Quality["reversed"] != 0 {
		t.Errorf("the night after: %v", r.Quality)
	}
	before := len(s.relay.Messages())
	s.done("notices", "correct", "--run", "wrong", "--account", "a-00", "--by", "ops")
	s.done("deliver")
	s.done("notices", "correct", "--run", "wrong", "--by", "ops")
	s.done("deliver")
	mails := s.relay.Messages()[before:]
	var to []string
	for _, m := range mails {
		to = append(to, m.To...)
	}
	slices.Sort(to)
	if want := []string{"contact00@customers.example", "contact01@customers.example", "contact02@customers.example", "contact03@customers.example", "contact04@customers.example"}; !slices.Equal(to, want) {
		t.Errorf("corrections to %v, want each once", to)
	}
}
