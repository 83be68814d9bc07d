package scenario

import (
	"strings"
	"testing"

	"mailaudit/providers/sim"
)

// A dry run on the same day costs the run no second sign-in where the answer was definite: each is taken once. A secret
// that was changed since is asked anew, and on the next day so is everything.
func TestRunTakesTheDefiniteAnswersOfTheDaysDryRun(t *testing.T) {
	t.Parallel()
	s, google, yahoo := clinicBase(t)
	signIns := func() int { return int(google.Counters().Credentials + yahoo.Counters().Credentials) }

	s.atNight(1)
	s.revoke(1, 2)
	if out := s.done("run", "--dry-run"); !strings.Contains(out, "a run takes its definite answers instead of asking again") {
		t.Errorf("the dry run says %s", out)
	}
	renewed := s.clinic(5, "gmail.com")
	s.world.Set("front05@gmail.com", sim.Account{Password: "own", AppPasswords: []string{"zyxwvutsrqponmlk"}, TwoFactor: true})
	renewed["secret"] = "zyxwvutsrqponmlk"
	s.imported(renewed)

	before := signIns()
	s.done("run")
	if asked := signIns() - before; asked != 2 { // what was changed, and what is doubtful: a bare 535
		t.Errorf("%d sign-ins in the run after the dry run, want 2", asked)
	}
	r := s.report("")
	if got := r.verdictsOf()["revoked"]; r.Run.Verified != 24 || len(got) != 1 || got[0] != "a-01" {
		t.Errorf("verified %d, revoked %v", r.Run.Verified, got)
	}
	if carried := strings.Count(s.done("report", "--format", "json"), `"carried":true`); carried != 0 {
		t.Errorf("%d accounts count as not re-checked", carried)
	}

	before = signIns()
	s.done("run", "--key", "again")
	if asked := signIns() - before; asked < 22 {
		t.Errorf("another run of the day made %d sign-ins: an answer was taken twice", asked)
	}
	s.atNight(2)
	before = signIns()
	s.done("run")
	if asked := signIns() - before; asked != 24 {
		t.Errorf("%d sign-ins on the next day, want 24", asked)
	}

	// A check has the attempt that is left, and after it says when the account may be asked again.
	if out := s.done("check", "a-00"); !strings.Contains(out, "compliant; 2FA confirmed") || !strings.Contains(out, "The provider accepted it") {
		t.Errorf("check says %s", out)
	}
	again := sceneStart().AddDate(0, 0, 3).Format("2006-01-02T15:04:05Z07:00")
	if out := s.done("check", "a-00"); !strings.Contains(out, "from "+again+" on: at most 2 sign-ins a day") || strings.Contains(out, "rule ") {
		t.Errorf("a check without an attempt says %s", out)
	}
	if out := s.done("check", "--format", "json", "a-00"); !strings.Contains(out, `"retry_at": "`+again+`"`) {
		t.Errorf("as JSON: %s", out)
	}
}
