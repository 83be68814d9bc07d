package scenario

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"mailaudit/cmd/mailaudit/realmail"
)

// The main job against software that was not written here: 200 accounts on Postfix with Dovecot, half of
// them where LOGIN alone is offered, through both ports. Five passwords change; exactly these five are
// revoked, and exactly their contacts find a mail in a mailbox.
func TestRealPostfixAndDovecot(t *testing.T) {
	t.Parallel()
	needed(t, realmail.Missing())
	s := newScene(t)
	hosts := []string{"localhost"}
	for clinic := range clinics {
		hosts = append(hosts, realHost(clinic))
	}
	certificate, err := s.authority.Issue(hosts...)
	s.need(err)
	passwords := map[string]string{"mailaudit": sceneRelayPassword}
	var rows []row
	var mailboxes []string
	for i := range clinics * perClinic {
		clinic := i / perClinic
		port := []string{"465", "587"}[i%2]
		login := fmt.Sprintf("front%d@clinic%03d.example", i, clinic)
		passwords[login] = fmt.Sprintf("Sunny%d!", 1000+i)
		mailboxes = append(mailboxes, realContact(i))
		rows = append(rows, row{
			"account_id": fmt.Sprintf("acc-%03d", i), "tenant_id": fmt.Sprintf("T-%03d", clinic), "tenant_name": fmt.Sprintf("Clinic %d", clinic),
			"address": login, "host": realHost(clinic), "port": port, "secret": passwords[login], "contact_email": realContact(i) + "@customers.example",
		})
	}
	server, err := realmail.Start(realmail.Options{Certificate: certificate, Domain: "customers.example", Mailboxes: mailboxes, Passwords: passwords})
	s.need(err)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(server.Log())
		}
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	for clinic := range clinics {
		kind := []realmail.Service{realmail.PlainTLS, realmail.PlainSTARTTLS}
		if clinic >= clinics/2 {
			kind = []realmail.Service{realmail.LoginTLS, realmail.LoginSTARTTLS}
		}
		s.places[realHost(clinic)+":465"], s.places[realHost(clinic)+":587"] = server.Addr(kind[0]), server.Addr(kind[1])
	}
	_, relayPort, _ := strings.Cut(server.Addr(realmail.Relay), ":")
	s.settings["relay"] = fmt.Sprintf(`{url: "smtp://localhost:%s", username: mailaudit, password: %s, from: "support@product.example"}`, relayPort, sceneRelayPassword)

	s.install(rows...)
	s.done("run")
	first := s.report("")
	if want := map[string]int{"unproven": len(rows)}; !maps.Equal(counted(first.Verdicts), want) {
		t.Fatalf("first night: %v, want %v; findings %+v", first.Verdicts, want, first.Findings[:min(3, len(first.Findings))])
	}
	spoken := map[realmail.Service]realmail.Counts{}
	conversed(t, server, spoken, realmail.Counts{Auths: len(rows), Accepted: len(rows), Quits: len(rows), Connected: len(rows)})

	var changed, contacts []string
	for _, i := range []int{3, 42, 99, 100, 187} {
		passwords[rows[i]["address"]] += "-changed"
		changed = append(changed, rows[i]["account_id"])
		contacts = append(contacts, realContact(i))
	}
	s.need(server.SetPasswords(passwords))
	s.atNight(1)
	s.done("run")
	second := s.report("")
	if got := second.verdictsOf()["revoked"]; !slices.Equal(got, changed) {
		t.Errorf("revoked: %v, want %v", got, changed)
	}
	if want := map[string]int{"unproven": len(rows) - 5, "revoked": 5}; !maps.Equal(counted(second.Verdicts), want) {
		t.Errorf("second night: %v, want %v", second.Verdicts, want)
	}
	conversed(t, server, spoken, realmail.Counts{Auths: len(rows), Accepted: len(rows) - 5, Quits: len(rows), Connected: len(rows)})
	mechanisms, err := server.Mechanisms()
	s.need(err)
	if mechanisms["LOGIN"] != len(rows) || mechanisms["PLAIN"] < len(rows) { // half of two nights each; the relay's sign-in is one more
		t.Errorf("mechanisms: %v", mechanisms)
	}
	if n := len(s.summaries()); n != 2 {
		t.Errorf("%d summaries in Slack, want one a night", n)
	}
	slices.Sort(contacts)
	mailed(t, server, contacts)
}

const clinics, perClinic = 40, 5

func realHost(clinic int) string { return fmt.Sprintf("mail.clinic%03d.example", clinic) }
func realContact(i int) string   { return fmt.Sprintf("contact%03d", i) }

// counted leaves out the verdicts that nobody has.
func counted(verdicts map[string]int) map[string]int {
	some := maps.Clone(verdicts)
	maps.DeleteFunc(some, func(_ string, n int) bool { return n == 0 })
	return some
}

// conversed holds what Postfix has logged since the last call against what a night may do.
func conversed(t *testing.T, server *realmail.Server, before map[realmail.Service]realmail.Counts, want realmail.Counts) {
	t.Helper()
	var night realmail.Counts
	within(t, "Postfix has closed every connection", func() bool {
		all, err := server.Counts()
		if err != nil {
			t.Fatal(err)
		}
		night = realmail.Counts{}
		for _, service := range []realmail.Service{realmail.PlainTLS, realmail.PlainSTARTTLS, realmail.LoginTLS, realmail.LoginSTARTTLS} {
			now, was := all[service], before[service]
			night.Connected += now.Connected - was.Connected
			night.Disconnected += now.Disconnected - was.Disconnected
			night.Auths += now.Auths - was.Auths
			night.Accepted += now.Accepted - was.Accepted
			night.Mails += now.Mails - was.Mails
			night.Quits += now.Quits - was.Quits
		}
		if night.Connected != night.Disconnected {
			return false
		}
		maps.Copy(before, all)
		return true
	})
	want.Disconnected = want.Connected
	if night != want {
		t.Errorf("the night at Postfix: %+v, want %+v", night, want)
	}
}

// mailed checks that exactly these contacts have exactly one mail each, about their own mailbox.
func mailed(t *testing.T, server *realmail.Server, contacts []string) {
	t.Helper()
	within(t, "the notices are delivered", func() bool {
		for _, contact := range contacts {
			if messages, err := server.Mailbox(contact); err != nil || len(messages) == 0 {
				return false
			}
		}
		return true
	})
	all, err := server.Received()
	if err != nil || !slices.Equal(all, contacts) {
		t.Errorf("mail for %v (%v), want for %v", all, err, contacts)
	}
	for _, contact := range contacts {
		messages, err := server.Mailbox(contact)
		if err != nil || len(messages) != 1 {
			t.Errorf("%s has %d mails (%v), want 1", contact, len(messages), err)
			continue
		}
		var i int
		if _, err := fmt.Sscanf(contact, "contact%03d", &i); err != nil {
			t.Fatal(err)
		}
		domain := fmt.Sprintf("clinic%03d.example", i/perClinic)
		if text := readLetter(t, messages[0]).text; !strings.Contains(text, "@"+domain) {
			t.Errorf("the mail to %s does not name its mailbox at %s:\n%s", contact, domain, text)
		}
	}
}
