package scenario

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"mailaudit/providers/sim"
)

// TestTheGuardKnowsAnAnnouncedChange: on the day, the hold says how many new failures are the change; released by its id,
// those are mailed, and a customer whose password was changed that day waits on, also where he shares a mail with one of
// the change.
func TestTheGuardKnowsAnAnnouncedChange(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	exchange := s.play(sim.Microsoft365(), sim.Mood{})
	s.settings["notices"] = `{mode: live, send_between: "", confirm_nights: 1, max_per_night: 1000, max_per_recipient: 100, show_mailbox: full, settings_url: "https://app.product.example/mail"}`
	var rows []row
	add := func(id, tenant, contact string) string {
		address := id + "@" + tenant + ".onmicrosoft.com"
		s.world.Set(address, sim.Account{AppPasswords: []string{"abcdefghijklmnop"}, TwoFactor: true})
		rows = append(rows, row{"account_id": id, "tenant_id": tenant, "address": address, "auth": "password",
			"secret": "abcdefghijklmnop", "contact_email": contact})
		return address
	}
	var off []string
	for i := range 20 { // one administrator answers for half of the clinics
		contact := fmt.Sprintf("owner%02d@owner.example", i)
		if i%2 == 0 {
			contact = "it@msp.example"
		}
		off = append(off, add(fmt.Sprintf("m-%02d", i), fmt.Sprintf("clinic%02d", i), contact))
	}
	off = append(off, add("m-shared", "clinicshared", "shared@owner.example"))
	changed := []string{add("z-shared", "clinicshared", "shared@owner.example"), add("z-alone", "clinicalone", "alone@owner.example")}
	s.install(rows...)
	for _, day := range []int{29, 31} {
		s.december(day)
		s.done("run")
	}
	before := len(s.relay.Messages())

	exchange.SetMood(sim.Mood{})
	for _, address := range off {
		s.world.Change(address, func(a *sim.Account) { a.State = sim.SMTPAuthDisabled })
	}
	for _, address := range changed {
		s.world.Change(address, func(a *sim.Account) { a.AppPasswords = []string{"another0another0"} })
	}
	s.december(32)
	s.done("run")
	told := "21 of 23 are the announced change, 2 are not"
	posts := s.summaries()
	last := string(posts[len(posts)-1].Payload)
	for _, want := range []string{told, "--change microsoft-basic-auth --by YOU"} {
		if !strings.Contains(last, want) {
			t.Errorf("Slack does not say %q:\n%s", want, last)
		}
	}
	if text := s.done("status"); !strings.Contains(strings.Join(strings.Fields(text), " "), told) {
		t.Errorf("status does not tell the change apart:\n%s", text)
	}
	key := s.report("").Run.Key
	mails := func() (all []string) {
		for _, m := range s.relay.Messages()[before:] {
			all = append(all, m.To...)
		}
		return all
	}
	if got := mails(); len(got) > 0 {
		t.Fatalf("mailed while on hold: %v", got)
	}
	s.fails(1, "has announced no change", "notices", "release", "--run", key, "--provider", "microsoft", "--change", "microsoft-nothing", "--by", "ops")

	out := s.done("notices", "release", "--run", key, "--provider", "microsoft", "--change", "microsoft-basic-auth", "--by", "ops")
	if !strings.Contains(out, "1 e-mail stays on hold") {
		t.Errorf("the release does not say who stays on hold:\n%s", out)
	}
	s.done("deliver")
	got := mails()
	if len(got) != 21 || slices.Contains(got, "alone@owner.example") {
		t.Errorf("released by its id: %d mails, %v", len(got), got)
	}
	named := 0
	for _, m := range s.relay.Messages()[before:] {
		if strings.Contains(string(m.Data), "z-shared@") {
			t.Errorf("the mail of the change names the mailbox whose password was changed:\n%s", m.Data)
		}
		if strings.Contains(string(m.Data), "m-shared@") {
			named++
		}
	}
	if named != 1 {
		t.Errorf("%d mails name the mailbox that shares a contact", named)
	}
	s.december(33)
	s.done("run")
	if now := mails(); len(now) != 21 {
		t.Errorf("the run after mailed those who wait: %v", now[len(got):])
	}
	s.done("notices", "release", "--run", key, "--provider", "microsoft", "--by", "ops")
	s.done("deliver")
	now := mails()
	if len(now) != 23 || !slices.Contains(now, "alone@owner.example") {
		t.Errorf("released, too: %d mails, %v", len(now), now)
	}
	if n := len(slices.DeleteFunc(now, func(r string) bool { return r != "shared@owner.example" })); n != 2 {
		t.Errorf("the contact of both has %d mails", n)
	}
}
