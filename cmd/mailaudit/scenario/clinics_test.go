package scenario

import (
	"database/sql"
	"fmt"
	"testing"

	"mailaudit/providers/sim"
)

// What went wrong elsewhere must not happen here: a file for each kind of incident, named by what never is. Each
// test was seen failing with its guard taken out. Each clinic has one mailbox and one contact; twenty are at
// Google and four at Yahoo.

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

// inDatabase does by hand what the program never would.
func (s *scene) inDatabase(statement string, args ...any) {
	s.t.Helper()
	s.embedded()
	db, err := sql.Open("sqlite", s.path("mailaudit.db"))
	s.need(err)
	_, err = db.Exec(statement, args...)
	s.need(err)
	s.need(db.Close())
}
