package scenario

import (
	"fmt"
	"strings"
	"testing"

	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/providers/sim"
)

func TestIncidentMassFlipMailsNobody(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	s.revoke(0, 15)
	s.atNight(1)
	s.done("run")
	s.nothingMailed()
	if o := s.do("run", "--exit-code"); o.code != exit.Held {
		t.Errorf("exit %d, want %d", o.code, exit.Held)
	}
	if text := s.lastSummary(); !strings.Contains(text, "notices release --run") {
		t.Error("the summary does not lead with the decision")
	}
	s.done("run") // without the flag it is no error
	// While the hold is open, what comes new to the provider joins it.
	s.revoke(15, 16)
	s.atNight(2)
	s.done("run")
	s.nothingMailed()
	s.held("run", "--exit-code")
	// Who works again leaves it by himself, and a hold without anybody ends.
	s.restore(0, 16)
	s.atNight(3)
	s.done("run")
	s.nothingMailed()
	if o := s.do("run", "--exit-code"); o.code != exit.Done {
		t.Errorf("exit %d after everybody works again: %s", o.code, o.stderr)
	}
}

// held runs a command that must end with 3.
func (s *scene) held(args ...string) {
	s.t.Helper()
	if o := s.do(args...); o.code != exit.Held || !strings.Contains(o.stderr, "while a hold is open: --run") {
		s.t.Errorf("mailaudit %s: exit %d, want %d: %s", strings.Join(args, " "), o.code, exit.Held, o.stderr)
	}
}

// Nobody decides: every run that concludes meanwhile says so by its exit code, and each again when it is started
// again. What a later run holds is not an earlier one's to tell.
func TestIncidentOpenHoldOfAnEarlierRunIsToldByTheExitCode(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	s.done("run", "--key", "before", "--exit-code")
	s.revoke(0, 15)
	s.atNight(1)
	s.held("run", "--key", "first", "--exit-code")
	for night := 2; night <= 3; night++ {
		s.atNight(night)
		s.held("run", "--key", fmt.Sprintf("night-%d", night), "--exit-code") // mails nobody, and holds nothing of its own
	}
	s.held("run", "--key", "night-2", "--exit-code")
	s.done("run", "--key", "before", "--exit-code")
	s.done("notices", "discard", "--run", "first", "--provider", "google", "--by", "maria")
	s.done("run", "--key", "night-3", "--exit-code")
	s.done("run", "--key", "first", "--exit-code")
}

// Two nights' findings, each few enough, come due at once: when mails are switched on, here.
func TestIncidentSpikeThatWaitedIsStillHeld(t *testing.T) {
	t.Parallel()
	s := spikeThatWaited(t)
	s.nothingMailed()
	if held := s.report("").Notices["held"]; held != 14 {
		t.Errorf("%d notices are held", held)
	}
}

func spikeThatWaited(t *testing.T) *scene {
	t.Helper()
	s, _, _ := clinicBase(t)
	live := s.settings["notices"]
	s.settings["notices"] = strings.Replace(live, "mode: live", "mode: \"off\"", 1)
	s.settings["recheck_refused"] = "1h" // so that all of them are refused the night that mails are switched on
	s.revoke(0, 7)
	s.atNight(1)
	s.done("run")
	s.revoke(7, 14)
	s.atNight(2)
	s.done("run")
	s.settings["notices"] = live
	s.atNight(3)
	s.done("run")
	return s
}

// holds checks how many notices wait for a person.
func (s *scene) holds(want int) {
	s.t.Helper()
	if n := len(s.notices("--state", "held")); n != want {
		s.t.Errorf("%d notices are held, want %d", n, want)
	}
}

// Such a hold is of its notices, for its accounts began to fail before it.
func TestIncidentHoldOfASpikeThatWaitedDoesNotLapse(t *testing.T) {
	t.Parallel()
	s := spikeThatWaited(t)
	s.atNight(4)
	s.done("run")
	s.nothingMailed()
	s.holds(14)
}

// What the provider says for certain is no less a spike.
func TestIncidentDefiniteWordsOfAMassAreHeld(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	for i := range 15 {
		s.world.Change(fmt.Sprintf("front%02d@gmail.com", i), func(a *sim.Account) { a.State = sim.BrowserSignIn })
	}
	s.atNight(1)
	s.done("run")
	s.nothingMailed()
	if r := s.report(""); r.Verdicts["sign_in_blocked"] != 15 || r.Notices["held"] != 15 {
		t.Errorf("verdicts %v, notices %v", r.Verdicts, r.Notices)
	}
}

// With 28 quiet nights behind it, four times their 95th percentile is the limit where that is less.
func TestIncidentMoreThanTheMonthKnowsIsHeld(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	s.settings["guard"] = `{min_new_failures: 2, max_new_failures: 40%}`
	s.pastNights(27)
	s.revoke(0, 5) // within the share, and half of the provider would be ten
	s.atNight(1)
	s.done("run")
	s.nothingMailed()
	if held := s.report("").Notices["held"]; held != 5 {
		t.Errorf("%d notices are held", held)
	}
}

// pastNights puts copies of the last night before it.
func (s *scene) pastNights(n int) {
	s.t.Helper()
	s.inDatabase(`WITH RECURSIVE back(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM back WHERE i < ?1)
		INSERT INTO runs (run_key, seq, status, phase, scope, whole, started_at, deadline, accounts, finished_at, numbers, posted_at)
		SELECT run_key || '-' || i, seq - i, status, phase, scope, whole, started_at - i * 86400000000, deadline - i * 86400000000,
			accounts, finished_at - i * 86400000000, numbers, posted_at - i * 86400000000 FROM runs, back WHERE seq = 1`, n)
}

// Narrowed runs of one night, each small enough, are one spike.
func TestIncidentMassInPortionsIsHeld(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	s.settings["guard"] = `{min_new_failures: 3}`
	s.revoke(0, 8)
	s.atNight(1)
	for i := range 8 {
		s.done("run", "--key", fmt.Sprintf("n-%d", i), "--tenant", fmt.Sprintf("T-%02d", i))
	}
	if got := s.recipients(); len(got) > 3 {
		t.Errorf("mails to %v", got)
	}
	if n := len(s.notices("--state", "held")); n < 5 {
		t.Errorf("%d notices are held", n)
	}
}

// What a person has discarded is not mailed the next night because a few of it have recovered.
func TestIncidentDiscardedIsNotMailedTheNextNight(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	s.revoke(0, 15)
	s.atNight(1)
	s.done("run", "--key", "spike")
	s.done("notices", "discard", "--run", "spike", "--provider", "google", "--by", "maria")
	s.restore(3, 15)
	s.atNight(2)
	s.done("run")
	s.nothingMailed()
	if held := s.notices("--state", "held"); len(held) != 3 || !strings.Contains(held[0].Detail, "discarded") {
		t.Errorf("held: %+v", held)
	}
}

// A shared host that turns its customers away is as much a spike as a provider that does.
func TestIncidentHostThatTurnsAllAwayIsHeld(t *testing.T) {
	t.Parallel()
	s, _, host := hostsOfOther(t)
	for i := range 4 {
		s.world.Change(fmt.Sprintf("user%02d@%s", i, host), func(a *sim.Account) { a.Password = "Changed!1" })
	}
	s.atNight(1)
	s.done("run")
	s.nothingMailed()
	if held := s.notices("--state", "held"); len(held) != 4 || !strings.Contains(held[0].Detail, "at one host") {
		t.Errorf("held: %+v", held)
	}
	if strings.Contains(s.lastSummary(), host) {
		t.Error("the summary names a customer's host")
	}
}

// A spike is one by the night it shows in: what is left of it once it may be told is few enough to pass.
func TestIncidentSpikeThatShrankBeforeItMayBeToldIsHeld(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	s.settings["notices"] = strings.Replace(s.settings["notices"], "confirm_nights: 1", "confirm_nights: 2", 1)
	s.revoke(0, 15)
	s.atNight(1)
	s.done("run")
	s.nothingMailed()
	s.restore(8, 15)
	s.atNight(2)
	s.done("run")
	s.nothingMailed()
	s.holds(8)
}

// The nights of a hold are none that a refused secret is left alone for: who works again is seen the same night.
func TestIncidentHeldAccountsAreAskedEveryNight(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	s.revoke(0, 15)
	for night := 1; night <= 4; night++ {
		s.atNight(night)
		if night == 4 {
			s.restore(0, 15)
		}
		s.done("run")
		s.nothingMailed()
	}
	if r := s.report(""); r.Verdicts["compliant"] != 24 {
		t.Errorf("the night that all work again: %v", r.Verdicts)
	}
	s.holds(0)
}

// Nor is what was discarded before it might have been told, and so had no notices yet.
func TestIncidentDiscardedBeforeItMightBeToldIsNotMailed(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	s.settings["notices"] = strings.Replace(s.settings["notices"], "confirm_nights: 1", "confirm_nights: 2", 1)
	s.revoke(0, 15)
	s.atNight(1)
	s.done("run", "--key", "spike")
	s.done("notices", "discard", "--run", "spike", "--provider", "google", "--by", "maria")
	s.restore(3, 15)
	s.atNight(2)
	s.done("run")
	s.nothingMailed()
	if held := s.notices("--state", "held"); len(held) != 3 || !strings.Contains(held[0].Detail, "discarded") {
		t.Errorf("held: %+v", held)
	}
}
