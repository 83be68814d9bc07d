package main

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"mailaudit/providers/sim"
)

// What went wrong Elsewhere, by what must not happen here. Each clinic has one mailbox and one contact;
// twenty are at Google and four at Yahoo.

func clinicBase(t *testing.T) (s *scene, google, yahoo *sim.Server) {
	t.Helper()
	s = newScene(t)
	google, yahoo = s.play(sim.Google(), sim.Mood{}), s.play(sim.Yahoo(), sim.Mood{})
	var rows []row
	for i := range 24 {
		domain := "gmail.com"
		if i >= 20 {
			domain = "yahoo.com"
		}
		rows = append(rows, s.clinic(i, domain))
	}
	s.install(rows...)
	s.done("run")
	if r := s.report(""); r.Verdicts["compliant"] != 24 {
		t.Fatalf("first night: %v", r.Verdicts)
	}
	return s, google, yahoo
}

const clinicSecret = "abcdefghijklmnop"

func (s *scene) clinic(i int, domain string) row {
	login := fmt.Sprintf("front%02d@%s", i, domain)
	s.world.Set(login, sim.Account{Password: "own", AppPasswords: []string{clinicSecret}, TwoFactor: true})
	return row{"account_id": fmt.Sprintf("a-%02d", i), "tenant_id": fmt.Sprintf("T-%02d", i), "address": login,
		"secret": clinicSecret, "contact_email": fmt.Sprintf("contact%02d@customers.example", i)}
}

// revoke removes the app passwords of the clinics in [from, to).
func (s *scene) revoke(from, to int) {
	for i := from; i < to; i++ {
		s.world.Change(fmt.Sprintf("front%02d@gmail.com", i), func(a *sim.Account) { a.AppPasswords = nil })
	}
}

func (s *scene) restore(from, to int) {
	for i := from; i < to; i++ {
		s.world.Change(fmt.Sprintf("front%02d@gmail.com", i), func(a *sim.Account) { a.AppPasswords = []string{clinicSecret} })
	}
}

func (s *scene) nothingMailed() {
	s.t.Helper()
	if got := s.recipients(); len(got) != 0 {
		s.t.Errorf("mails to %v", got)
	}
}

func (s *scene) lastSummary() string {
	s.t.Helper()
	all := s.summaries()
	if len(all) == 0 {
		s.t.Fatal("no summary")
	}
	return string(all[len(all)-1].Payload)
}

func TestIncidentMassFlipMailsNobody(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	s.revoke(0, 15)
	s.atNight(1)
	s.done("run")
	s.nothingMailed()
	if o := s.do("run", "--exit-code"); o.code != exitHeld {
		t.Errorf("exit %d, want %d", o.code, exitHeld)
	}
	if text := s.lastSummary(); !strings.Contains(text, "notices release --run") {
		t.Error("the summary does not lead with the decision")
	}
	// While the hold is open, what comes new to the provider joins it.
	s.revoke(15, 16)
	s.atNight(2)
	s.done("run")
	s.nothingMailed()
	// Who works again leaves it by himself, and a hold without anybody ends.
	s.restore(0, 16)
	s.atNight(9)
	s.done("run")
	s.nothingMailed()
	if o := s.do("run", "--exit-code"); o.code != exitDone {
		t.Errorf("exit %d after everybody works again: %s", o.code, o.stderr)
	}
}

func TestIncidentSpikeThatWaitedIsStillHeld(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	s.settings["notices"] = strings.Replace(s.settings["notices"], "confirm_nights: 1", "confirm_nights: 2", 1)
	// The guard of the first night is told to let it pass, the one of the second is not.
	s.settings["guard"] = `{min_new_failures: 1000}`
	s.revoke(0, 15)
	s.atNight(1)
	s.done("run")
	delete(s.settings, "guard")
	s.atNight(2)
	s.done("run")
	s.nothingMailed()
	if held := s.report("").Notices["held"]; held != 15 {
		t.Errorf("%d notices are held", held)
	}
}

func TestIncidentOutageOpensAndClosesNothing(t *testing.T) {
	t.Parallel()
	s, google, _ := clinicBase(t)
	s.revoke(0, 2)
	s.atNight(1)
	s.done("run")
	told := s.recipients()
	if len(told) != 2 {
		t.Fatalf("mails to %v", told)
	}
	s.restore(0, 2)
	s.revoke(18, 20)
	google.SetMood(sim.Mood{At: map[sim.Step]sim.Act{sim.AtSecret: sim.Say("454 4.7.0 Temporary authentication failure")}, AuthsUntil: 0})
	for i := range 4 { // and a few are answered all the same
		s.world.Change(fmt.Sprintf("front%02d@gmail.com", i), func(*sim.Account) {})
	}
	s.atNight(2)
	s.done("run")
	if r := s.report(""); r.Changes.NewlyFailing != 0 || r.Changes.Recovered != 0 || r.Verdicts["unverified"] < 11 {
		t.Errorf("changes %+v, verdicts %v", r.Changes, r.Verdicts)
	}
	if got := s.recipients(); !slices.Equal(got, told) {
		t.Errorf("mails to %v, had been %v", got, told)
	}
}

func TestIncidentDarkNightsAccuseNobody(t *testing.T) {
	t.Parallel()
	s, _, yahoo := clinicBase(t)
	yahoo.SetMood(sim.Mood{At: map[sim.Step]sim.Act{sim.AtConnect: sim.Drop()}})
	for night := 1; night <= 9; night++ {
		s.atNight(night)
		s.done("run")
		if r := s.report(""); r.Verdicts["unverified"] != 4 || r.Verdicts["compliant"] != 20 {
			t.Fatalf("night %d: %v", night, r.Verdicts)
		}
	}
	s.nothingMailed()
	s.leftClean()
}

func TestIncidentRefusedCanaryVoidsRefusals(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	s.imported(s.clinic(90, "gmail.com"))
	s.settings["providers"] = `{google: {max_concurrency: 8, max_rate: 1000/s, canaries: {good: [a-90]}}}`
	s.atNight(1)
	s.done("run")
	if r := s.report(""); r.Run.Accounts != 24 || r.Verdicts["compliant"] != 24 {
		t.Fatalf("with a canary: %+v %v", r.Run, r.Verdicts)
	}
	s.revoke(0, 3)
	s.world.Change("front90@gmail.com", func(a *sim.Account) { a.AppPasswords = nil })
	s.atNight(2)
	s.done("run")
	if r := s.report(""); r.Verdicts["unverified"] != 3 || r.Verdicts["revoked"] != 0 || r.Verdicts["compliant"] != 21 {
		t.Errorf("a canary was refused: %v", r.Verdicts)
	}
	s.nothingMailed()
}

func TestIncidentProviderThatAcceptsEverythingProvesNothing(t *testing.T) {
	t.Parallel()
	s, google, _ := clinicBase(t)
	bad := s.clinic(91, "gmail.com")
	bad["secret"] = "qqqqqqqqqqqqqqqq"
	s.imported(bad)
	s.settings["providers"] = `{google: {max_concurrency: 8, max_rate: 1000/s, canaries: {bad: [a-91]}}}`
	s.revoke(0, 2)
	s.atNight(1)
	s.done("run")
	if got := s.recipients(); len(got) != 2 {
		t.Fatalf("mails to %v", got)
	}
	google.SetMood(sim.Mood{At: map[sim.Step]sim.Act{sim.AtSecret: sim.Say("235 2.7.0 Accepted")}})
	s.atNight(2)
	s.done("run")
	r := s.report("")
	if r.Verdicts["unverified"] != 20 || r.Changes.Recovered != 0 {
		t.Errorf("a bad canary was accepted: %v, %+v", r.Verdicts, r.Changes)
	}
	if got := s.recipients(); len(got) != 2 {
		t.Errorf("mails to %v: somebody was told that all is well", got)
	}
}

func TestIncidentEmptySourceClosesNothing(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	for i := range 20 {
		s.done("accounts", "remove", fmt.Sprintf("a-%02d", i))
	}
	s.atNight(1)
	if o := s.do("run"); o.code != exitFail || !strings.Contains(o.stderr, "--accept-source") {
		t.Errorf("exit %d: %s", o.code, o.stderr)
	}
	if r := s.report(""); r.Run.Status != "stopped" {
		t.Errorf("run %+v", r.Run)
	}
	if n := len(s.summaries()); n != 2 {
		t.Errorf("%d summaries, want one for each run", n)
	}
	s.done("run", "--accept-source")
	if r := s.report(""); r.Run.Status != "concluded" || r.Run.Accounts != 4 {
		t.Errorf("run %+v", r.Run)
	}
}

func TestIncidentLostStateIsNoNews(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	db, err := sql.Open("sqlite", s.path("mailaudit.db"))
	s.need(err)
	_, err = db.Exec(`DELETE FROM account_states`)
	s.need(err)
	s.need(db.Close())
	s.revoke(0, 3)
	s.atNight(1)
	s.done("run")
	s.nothingMailed()
	if text := s.lastSummary(); !strings.Contains(text, "takes stock") {
		t.Error("operations are not told that the state was lost")
	}
}

func TestIncidentLongPauseIsNoNews(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	s.revoke(0, 3)
	s.atNight(9)
	s.done("run")
	s.nothingMailed()
	// The night after is a night like others: what still fails is told.
	s.atNight(10)
	s.done("run")
	if got := s.recipients(); len(got) != 3 {
		t.Errorf("mails to %v", got)
	}
}

func TestIncidentLiveTrafficContradictsARefusal(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	r := s.clinic(0, "gmail.com")
	s.revoke(0, 1)
	s.atNight(1)
	r["last_sent_ok_at"] = s.clock.now().Add(-2 * time.Hour).UTC().Format(time.RFC3339)
	s.imported(r)
	s.revoke(0, 1)
	s.done("run")
	if got := s.report("").verdictsOf(); !slices.Equal(got["unverified"], []string{"a-00"}) || len(got["revoked"]) != 0 {
		t.Errorf("findings %v", got)
	}
	s.nothingMailed()
}

func TestIncidentUnopenedSecretAccusesNobody(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	db, err := sql.Open("sqlite", s.path("mailaudit.db"))
	s.need(err)
	_, err = db.Exec(`UPDATE mail_accounts SET secret = substr(secret, 1, length(secret) - 4) WHERE account_id IN ('a-03', 'a-04')`)
	s.need(err)
	s.need(db.Close())
	s.atNight(1)
	s.done("run")
	if got := s.report("").verdictsOf(); !slices.Equal(got["unverified"], []string{"a-03", "a-04"}) {
		t.Errorf("findings %v", got)
	}
	if text := s.lastSummary(); !strings.Contains(text, "could not be opened") {
		t.Error("operations are not told")
	}
	s.nothingMailed()
}

func TestIncidentOneMailboxOfManyTenantsIsAskedOnce(t *testing.T) {
	t.Parallel()
	s, google, _ := clinicBase(t)
	var rows []row
	for i := 100; i < 110; i++ {
		r := s.clinic(i, "gmail.com")
		r["address"] = "front00@gmail.com"
		rows = append(rows, r)
	}
	s.imported(rows...)
	s.revoke(0, 1)
	s.atNight(1)
	before := google.Counters().Credentials
	s.done("run")
	if asked := google.Counters().Credentials - before; asked != 20 {
		t.Errorf("%d conversations for 20 mailboxes of 30 accounts", asked)
	}
	got := s.report("").verdictsOf()
	if len(got["revoked"]) != 1 || len(got["invalid"]) != 10 {
		t.Errorf("findings %v", got)
	}
	for _, m := range s.relay.Messages() {
		if strings.Count(string(m.Data), "customers.example") > 0 && strings.Contains(string(m.Data), "T-1") {
			t.Error("a mail names a tenant")
		}
	}
}

func TestIncidentSharedHostIsLeftAloneAfterRefusals(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	shared := s.play(sim.CPanel(), sim.Mood{})
	s.settings["providers"] = `{other: {max_concurrency: 8, max_rate: 1000/s, max_refusals: 3}}`
	host := sim.CPanel().Hosts[0]
	var rows []row
	for i := range 30 {
		login := fmt.Sprintf("user%02d@clinic%02d.example", i, i)
		s.world.Set(login, sim.Account{Password: "Changed!1"})
		rows = append(rows, row{"account_id": fmt.Sprintf("a-%02d", i), "tenant_id": fmt.Sprintf("T-%02d", i), "address": login,
			"secret": "Old!secret1", "host": host, "port": "465"})
	}
	s.install(rows...)
	s.done("run")
	if n := shared.Counters().Credentials; n != 3 {
		t.Errorf("the host was asked %d times", n)
	}
	if r := s.report(""); r.Verdicts["invalid"] != 3 || r.Verdicts["unverified"] != 27 {
		t.Errorf("verdicts %v", r.Verdicts)
	}
}
