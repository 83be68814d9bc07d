package scenario

import (
	"bytes"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/providers/sim"
)

// What the relay refuses is read: a contact that is gone goes to the call list and stays there, one that is
// refused for now is written to later, by the same mail.
func TestMailsThatTheRelayRefuses(t *testing.T) {
	t.Parallel()
	s, _ := gmailScene(t, 8)
	s.done("run")
	s.refuse(0, 1, 2)
	s.relay.SetMood(sim.RelayMood{Recipients: map[string]string{
		gmailContact(0): "550 5.1.1 no such user", gmailContact(1): "451 4.7.1 greylisted, come back",
	}})
	s.atNight(1)
	s.fails(exit.Failed, "the relay has put 1 off", "run", "--key", "n1")
	s.mailedTo(gmailContact(2))
	states := map[string]string{}
	for _, n := range s.notices("--run", "n1") {
		states[n.State] = n.Detail
	}
	if !strings.Contains(states["failed"], "no such user") || !strings.Contains(states["queued"], "greylisted") {
		t.Errorf("after the refusals: %v", states)
	}
	s.relay.SetMood(sim.RelayMood{Data: "554 5.7.1 refused as spam"}) // which may pass
	s.clock.Set(s.clock.Now().Add(6 * time.Minute))
	s.fails(exit.Failed, "the relay has put 1 off", "deliver")
	s.mailedTo(gmailContact(2))
	s.relay.SetMood(sim.RelayMood{})
	s.clock.Set(s.clock.Now().Add(time.Minute))
	s.done("deliver") // a start tries at once what is owed
	s.mailedTo(gmailContact(1), gmailContact(2))

	s.atNight(2)
	s.done("run", "--key", "n2")
	s.mailedTo(gmailContact(1), gmailContact(2))
	if text := s.done("report", "n2"); !strings.Contains(text, "1 e-mail refused for good: they are not notified") {
		t.Errorf("the night after, nobody is told:\n%s", text)
	}
	if text := s.done("explain", "a0"); !strings.Contains(text, "has not been notified of it: ") || !strings.Contains(text, "could not be delivered") {
		t.Errorf("explain of a mail that was refused: %s", text)
	}
	s.atNight(5)
	s.done("run", "--key", "n5")
	s.mailedTo(gmailContact(1), gmailContact(1), gmailContact(2), gmailContact(2)) // reminded
	for _, n := range s.notices("--run", "n5", "--state", "suppressed") {
		if n.Detail != "mail to the contact bounces: telephone" {
			t.Errorf("%+v", n)
		}
	}
	if text := s.done("report", "n5"); !strings.Contains(text, "Call 1 customer") {
		t.Errorf("when the reminder is due, nobody is told to telephone:\n%s", text)
	}
}

// The first mail, its reminders and the mail that all is well are one conversation.
func TestMailsOfOneFindingAreOneThread(t *testing.T) {
	t.Parallel()
	s, rows := gmailScene(t, 2)
	s.done("run")
	s.refuse(0)
	for _, night := range []int{1, 3, 5, 7, 9, 10} {
		if night == 10 {
			rows[0]["secret"] = "zyxwvutsrqponmlk" // which is the good one now
			s.imported(rows...)
		}
		s.atNight(night)
		s.done("run")
	}
	var subjects []string
	var first string
	for i, m := range s.relay.Messages() {
		read, err := mail.ReadMessage(bytes.NewReader(m.Data))
		s.need(err)
		h := read.Header
		subjects = append(subjects, h.Get("Subject"))
		if i == 0 {
			first = h.Get("Message-Id")
			if h.Get("In-Reply-To") != "" {
				t.Errorf("the first mail replies to %s", h.Get("In-Reply-To"))
			}
			continue
		}
		if h.Get("In-Reply-To") != first || h.Get("References") != first || h.Get("Message-Id") == first {
			t.Errorf("mail %d is %s and replies to %s, not to %s", i+1, h.Get("Message-Id"), h.Get("In-Reply-To"), first)
		}
	}
	const told = "Your clinic's Gmail stopped sending from ClinicSource"
	if want := []string{told, "Re: " + told, "Re: " + told, "Your clinic's Gmail works again with ClinicSource"}; !slices.Equal(subjects, want) {
		t.Errorf("mails: %q, want %q", subjects, want)
	}
}

// One person who is the contact of five clinics has three mails today, and the rest tomorrow.
func TestAContactHasThreeMailsADay(t *testing.T) {
	t.Parallel()
	s, rows := gmailScene(t, 12)
	for i := range rows {
		rows[i]["contact_email"] = gmailContact(0)
	}
	s.imported(rows...)
	s.done("run")
	s.refuse(0, 1, 2, 3, 4)
	s.atNight(1)
	s.done("run")
	s.done("deliver")
	if n := len(s.recipients()); n != 3 {
		t.Errorf("%d mails in a day, want 3", n)
	}
	s.clock.Set(s.clock.Now().Add(23 * time.Hour))
	s.done("deliver")
	if n := len(s.recipients()); n != 5 {
		t.Errorf("%d mails in two days, want 5", n)
	}
}

// What the configuration takes for a colour and a logo is what a mail shows: none stays behind for its looks.
func TestMailsShowTheConfiguredColourAndLogo(t *testing.T) {
	t.Parallel()
	s, _ := gmailScene(t, 2)
	s.settings["notices"] = `{mode: live, send_between: "", confirm_nights: 1, colour: "#1ae", logo: ../config/testdata/logo.png}`
	s.done("run")
	s.refuse(0)
	s.atNight(1)
	s.done("run")
	s.mailedTo(gmailContact(0))
	for _, m := range s.relay.Messages() {
		html := readLetter(t, m.Data).html
		if !strings.Contains(html, "#11aaee") || !strings.Contains(html, `@logo"`) || strings.Contains(html, "logo.png") ||
			!strings.Contains(string(m.Data), "filename=logo.png") {
			t.Errorf("a mail without colour or logo:\n%.2500s", html)
		}
	}
}
