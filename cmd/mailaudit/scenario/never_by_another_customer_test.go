package scenario

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"mailaudit/providers/sim"
)

// neighbour adds mailboxes of one more tenant at Google, each with a contact of its own.
func (s *scene) neighbour(n int) {
	s.t.Helper()
	var rows []row
	for i := range n {
		r := s.clinic(100+i, "gmail.com")
		r["tenant_id"] = "neighbour"
		rows = append(rows, r)
	}
	s.imported(rows...)
}

// What one tenant breaks holds nobody else's mails, and takes no more of the night's mails than its turn.
func TestIncidentOneTenantNeitherHoldsNorCrowdsOut(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	s.settings["notices"] = strings.Replace(s.settings["notices"], "confirm_nights: 1", "confirm_nights: 1, max_per_night: 5", 1)
	s.neighbour(30)
	s.atNight(1)
	s.done("run")
	s.revoke(100, 130)
	s.revoke(0, 3)
	s.atNight(2)
	s.done("run")
	got := s.recipients()
	for i := range 3 {
		if contact := fmt.Sprintf("contact%02d@customers.example", i); !slices.Contains(got, contact) {
			t.Errorf("%s was not mailed", contact)
		}
	}
	if len(got) != 5 || len(s.notices("--state", "held")) != 0 {
		t.Errorf("mails to %v", got)
	}
}

// Wrong secrets of one tenant at a shared host, new ones every night, leave the host to the others: those that were
// accepted before are asked, and so is another's mailbox that is refused.
func TestIncidentOneTenantShutsNoSharedHost(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.play(sim.CPanel(), sim.Mood{})
	s.settings["providers"] = `{other: {max_concurrency: 2, max_rate: 1000/s, max_refusals: 3}}`
	host := sim.CPanel().Hosts[0]
	at := func(id, tenant, secret string) row {
		login := id + "@clinic.example"
		s.world.Set(login, sim.Account{Password: "right"})
		return row{"account_id": id, "tenant_id": tenant, "address": login, "secret": secret, "host": host, "port": "465"}
	}
	var rows []row
	for i := range 12 {
		rows = append(rows, at(fmt.Sprintf("v%02d", i), fmt.Sprintf("T-%d", i/2), "right"))
	}
	s.install(rows...)
	s.done("run")
	for night := 1; night <= 2; night++ {
		var wrong []row
		for i := range 6 {
			wrong = append(wrong, at(fmt.Sprintf("a%d", i), "neighbour", fmt.Sprintf("wrong-%d-%d", night, i)))
		}
		s.imported(wrong...)
		s.world.Change("v05@clinic.example", func(a *sim.Account) { a.Password = "changed" })
		s.atNight(night)
		s.done("run")
		by := s.report("").verdictsOf()
		if got := by["revoked"]; !slices.Equal(got, []string{"v05"}) {
			t.Errorf("night %d: %v", night, by)
		}
		if !slices.ContainsFunc(by["unverified"], func(id string) bool { return id[0] == 'a' }) || slices.ContainsFunc(by["unverified"], func(id string) bool { return id[0] == 'v' }) {
			t.Errorf("night %d: not asked were %v", night, by["unverified"])
		}
	}
}

// The way out to a provider is tried where its customers are, not at the odd ports that one tenant has stored.
func TestIncidentOddPortsOfOneTenantVoidNobody(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	closed, err := net.Listen("tcp", "127.0.0.3:0")
	s.need(err)
	s.need(closed.Close())
	var rows []row
	for i, port := range []string{"25", "26", "2525"} {
		r := s.clinic(100+i, "gmail.com")
		r["account_id"], r["tenant_id"] = fmt.Sprintf("0-%d", i), "neighbour" // comes first
		r["host"], r["port"] = "smtp.gmail.com", port
		s.places["smtp.gmail.com:"+port] = closed.Addr().String()
		rows = append(rows, r)
	}
	s.imported(rows...)
	s.atNight(1)
	s.done("run") // from here on his come before all others
	s.revoke(0, 2)
	s.atNight(2)
	s.done("run")
	if got := s.report("").verdictsOf(); !slices.Equal(got["revoked"], []string{"a-00", "a-01"}) {
		t.Errorf("findings %v", got)
	}
}

// A stranger's mailbox gets no more mails for being stored in many spellings by many tenants.
func TestIncidentSpellingsOfAContactShareTheirMails(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	var rows []row
	for i, contact := range []string{"victim@gmail.com", "v.ictim@gmail.com", "victim+1@gmail.com", "Victim@googlemail.com", "v.i.c.t.i.m+2@gmail.com", "victim%gmail.com@relay.example"} {
		r := s.clinic(100+i, "gmail.com")
		r["contact_email"] = contact
		rows = append(rows, r)
	}
	s.imported(rows...)
	s.atNight(1)
	s.done("run")
	s.revoke(100, 106)
	s.revoke(0, 1)
	s.atNight(2)
	s.done("run")
	got := s.recipients()
	if len(got) != 4 || !slices.Contains(got, "contact00@customers.example") {
		t.Errorf("mails to %v", got)
	}
	if calls := s.notices("--state", "suppressed"); len(calls) != 1 || !strings.Contains(calls[0].Detail, "route") {
		t.Errorf("to be called: %+v", calls)
	}
}

// Where the product says when it verified a contact, those that it did not verify are called.
func TestIncidentUnverifiedContactsAreNotMailed(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	rows := []row{s.clinic(0, "gmail.com"), s.clinic(1, "gmail.com")}
	rows[0]["contact_verified_at"], rows[1]["contact_verified_at"] = "2026-01-02T03:04:05Z", ""
	s.imported(rows...)
	s.revoke(0, 3)
	s.atNight(1)
	s.done("run")
	if got := s.recipients(); !slices.Equal(got, []string{"contact00@customers.example", "contact02@customers.example"}) {
		t.Errorf("mails to %v", got)
	}
	if calls := s.notices("--state", "suppressed"); len(calls) != 1 || !strings.Contains(calls[0].Detail, "not verified: telephone") {
		t.Errorf("to be called: %+v", calls)
	}
}
