package scenario

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"mailaudit/providers/sim"
)

// clicker clicks in Slack as its people do.
type clicker struct {
	*scene
	ts string // of the message
}

const ann, ben, stranger = "U0ANN", "U0BEN", "U0STRANGER"

// withConsole has the scene's messages bear buttons.
func (s *scene) withConsole(above int) {
	s.settings["slack"] = fmt.Sprintf(`{token: %s, channel: C0SCENE, api_url: "%s", app_token: %s, approvers: [%s, %s], two_approvers_above: %d}`,
		sceneSlackToken, s.slack.APIURL(), sceneAppToken, ann, ben, above)
	s.settings["schedule"] = `""`
}

// message is the newest summary.
func (s *scene) message() clicker {
	all := s.summaries()
	return clicker{s, all[len(all)-1].TS}
}

// sends has Slack deliver a payload, and waits until it is acknowledged.
func (c clicker) sends(payload any) (envelope string) {
	c.t.Helper()
	envelope = c.slack.NextID("envelope-")
	c.need(c.slack.Deliver(envelope, payload))
	within(c.t, "the envelope is acknowledged", func() bool { return c.slack.Acknowledged(envelope) == 1 })
	return envelope
}

func (c clicker) presses(user, action string) map[string]any {
	c.t.Helper()
	payload, ok := c.slack.Press(user, c.ts, action, "")
	if !ok {
		c.t.Fatalf("the message has no button %s", action)
	}
	c.sends(payload)
	return payload
}

// form presses a button and waits for its form.
func (c clicker) form(user, action string) sim.View {
	c.t.Helper()
	before := len(c.slack.Views())
	c.presses(user, action)
	within(c.t, "the form of "+action+" opens", func() bool { return len(c.slack.Views()) > before })
	return c.slack.Views()[before]
}

func because(why string) map[string]map[string]any {
	return map[string]map[string]any{"why": {"type": "plain_text_input", "value": why}}
}

func choose(entered map[string]map[string]any, id, date string) map[string]map[string]any {
	entered["choice"] = map[string]any{"type": "static_select", "selected_option": map[string]any{"value": id}}
	if date != "" {
		entered["until"] = map[string]any{"type": "datepicker", "selected_date": date}
	}
	return entered
}

// told waits until a person is told something more that has want in it, and gives all that was said since.
func (c clicker) told(user, want string, do func()) string {
	c.t.Helper()
	before := len(c.slack.Whispers())
	do()
	var said strings.Builder
	within(c.t, user+" is told: "+want, func() bool {
		said.Reset()
		for _, w := range c.slack.Whispers()[before:] {
			if w.User != user || w.Channel != "C0SCENE" {
				c.t.Fatalf("told to another: %+v", w)
			}
			said.WriteString(w.Text + "\n")
		}
		return strings.Contains(said.String(), want)
	})
	return said.String()
}

// Six mails on hold: a stranger is refused, a sample's answers serve the release, one approver's two clicks are one approval, the
// second person decides, and every click after that says so.
func TestHoldsAreDecidedInSlack(t *testing.T) {
	t.Parallel()
	s, _ := gmailScene(t, 12)
	s.withConsole(3)
	s.heldAfter()
	before := s.message()
	v := s.serves(1, 9*time.Hour)
	within(t, "serve is connected", func() bool { return s.slack.Connections() == 1 })

	before.told(stranger, "Only approvers decide here", func() { before.presses(stranger, "mailaudit_release") })
	forged := sim.View{ID: "V1", View: json.RawMessage(`{"private_metadata":"{\"i\":\"scene\",\"r\":\"held\",\"p\":\"google\",\"do\":\"mailaudit_discard\",\"c\":\"C0SCENE\",\"ts\":\"1\"}"}`)}
	before.told(stranger, "Only approvers decide here", func() { before.sends(forged.Submit(stranger, because("I may"))) })
	elsewhere, _ := s.slack.Press(ann, before.ts, "mailaudit_release", "")
	act := elsewhere["actions"].([]map[string]any)[0]
	act["value"] = strings.Replace(act["value"].(string), `"scene"`, `"other"`, 1)
	before.told(ann, "another installation", func() { before.sends(elsewhere) })
	if n := len(s.slack.Views()); n != 0 {
		t.Fatalf("%d forms opened", n)
	}

	preview := before.told(ann, "Subject: ", func() { before.presses(ann, "mailaudit_preview") })
	within(t, "three samples", func() bool { return strings.Count(before.whispered(), "Subject: ") == 3 })
	sample := before.form(ann, "mailaudit_sample")
	before.told(ann, "5 accounts re-checked: 5 still failing", func() { before.sends(sample.Submit(ann, because("is it us?"))) })
	s.mailedTo()

	first := before.form(ann, "mailaudit_release")
	stale, _ := s.slack.Press(ann, before.ts, "mailaudit_discard", "")
	submission := first.Submit(ann, because("they changed their passwords"))
	var envelope string
	before.told(ann, "a second person must approve", func() { envelope = before.sends(submission) })
	s.need(s.slack.Deliver(envelope, submission)) // Slack has not heard us
	within(t, "the repeat is acknowledged", func() bool { return s.slack.Acknowledged(envelope) == 2 })
	again := before.form(ann, "mailaudit_release")
	before.told(ann, "a second person must approve", func() { before.sends(again.Submit(ann, because("I am two"))) })
	s.mailedTo()

	s.slack.Refresh()
	within(t, "serve is connected anew", func() bool { return s.slack.Connections() == 1 })
	one, two := before.form(ben, "mailaudit_release"), before.form(ben, "mailaudit_release")
	before.told(ben, "6 still failing, 6 mails are queued", func() { before.sends(one.Submit(ben, because("so do I"))) })
	before.told(ben, "Decided already: released by Slack U0BEN", func() { before.sends(two.Submit(ben, because("so do I"))) })
	within(t, "the mails left", func() bool { return len(s.recipients()) == 6 })
	for i := range 6 {
		if n := s.world.Attempts()[fmt.Sprintf("front%d@gmail.com", i)]; n > 3 { // one on each of two nights, one in the sample or the release
			t.Errorf("account a%d was tried %d times", i, n)
		}
	}
	before.told(ann, "Decided already: released by Slack U0BEN", func() { before.sends(stale) })
	within(t, "the message shows who decided", func() bool { return strings.Contains(s.changed(), "released by Slack U0BEN (u0ben) with Slack U0ANN") })

	explain := before.form(ann, "mailaudit_explain")
	explained := before.told(ann, "account a1, tenant T-1, google: revoked", func() { before.sends(explain.Submit(ann, choose(map[string]map[string]any{}, "a1", ""))) })
	past, snooze := before.form(ann, "mailaudit_snooze"), before.form(ann, "mailaudit_snooze")
	before.told(ann, "The date is over", func() { before.sends(past.Submit(ann, choose(because("holiday"), "T-1", "2001-01-01"))) })
	until := sceneStart().AddDate(0, 0, 9).Format(time.DateOnly)
	before.told(ann, "Tenant T-1 is e-mailed nothing", func() { before.sends(snooze.Submit(ann, choose(because("holiday"), "T-1", until))) })
	foreign := before.form(ann, "mailaudit_snooze")
	before.told(ann, "No tenant was chosen", func() { before.sends(foreign.Submit(ann, choose(because("holiday"), "T-99", until))) })
	stop, late := before.form(ben, "mailaudit_stop"), before.form(ann, "mailaudit_stop")
	before.told(ben, "No customer mail leaves", func() { before.sends(stop.Submit(ben, because("fire"))) })
	before.told(ann, "Mails are stopped already", func() { before.sends(late.Submit(ann, because("fire"))) })

	message := "[Slack message C0SCENE/" + before.ts + "]"
	s.acted(
		"Slack U0ANN (u0ann): notices sample held google (is it us? "+message+")",
		"Slack U0ANN (u0ann): notices approve held google released (they changed their passwords "+message+")",
		"Slack U0ANN (u0ann): notices approve held google released (I am two "+message+")",
		"Slack U0BEN (u0ben): notices approve held google released (so do I "+message+")",
		"Slack U0BEN (u0ben) with Slack U0ANN: notices release held google (so do I "+message+")",
		"Slack U0ANN (u0ann): notices snooze T-1 until "+until+" 00:00 UTC (holiday "+message+")",
		"Slack U0BEN (u0ben): notices stop  (fire "+message+")",
	)
	if strings.Contains(preview+explained+before.whispered(), "@") {
		t.Errorf("a mailbox in Slack: %s", before.whispered())
	}
	if strings.Contains(v.said.String(), sceneAppToken) || strings.Contains(v.said.String(), "ticket-") {
		t.Error("the log has the app token or the connection's ticket in it")
	}
}

func (c clicker) whispered() (text string) {
	for _, w := range c.slack.Whispers() {
		text += w.Text + "\n"
	}
	return text
}

// changed is what the messages that were changed say.
func (s *scene) changed() (text string) {
	for _, p := range s.slack.Posts() {
		if p.Method == "chat.update" {
			text += string(p.Payload)
		}
	}
	return text
}

// Two serves on one database: an envelope that both of them are given is carried out once; and what was decided on the command
// line while a form stood open stands.
func TestTwoServesTakeAClickOnce(t *testing.T) {
	t.Parallel()
	s, _ := gmailSceneIn(t, inPostgres, 12)
	s.withConsole(5)
	s.heldAfter()
	c := s.message()
	s.serves(1, 9*time.Hour)
	s.serves(1, 9*time.Hour)
	within(t, "both are connected", func() bool { return s.slack.Connections() == 2 })
	sample := c.form(ann, "mailaudit_sample").Submit(ann, because("is it us?"))
	c.told(ann, "5 accounts re-checked", func() {
		envelope := s.slack.NextID("envelope-")
		s.need(s.slack.Deliver(envelope, sample))
		s.need(s.slack.Deliver(envelope, sample))
		within(t, "both acknowledge", func() bool { return s.slack.Acknowledged(envelope) == 2 })
	})
	open := c.form(ann, "mailaudit_discard")
	s.done("notices", "release", "--run", "held", "--provider", "google", "--by", "maria")
	c.told(ann, "Decided already: released by maria", func() { c.sends(open.Submit(ann, because("too late"))) })
	if !slices.ContainsFunc(s.slack.Posts(), func(p sim.Post) bool {
		return strings.Contains(string(p.Payload), "6 e-mails released on the command line by maria")
	}) {
		t.Error("the channel was not told of the release by command")
	}
	s.acted(
		"maria: notices release held google ()", // by the scene's clock, at night
		"Slack U0ANN (u0ann): notices sample held google (is it us? [Slack message C0SCENE/"+c.ts+"])",
	)
}

// Without an app token, or without approvers, no message has a button.
func TestNoButtonsWithoutConsole(t *testing.T) {
	t.Parallel()
	s, _ := gmailScene(t, 12)
	s.settings["slack"] = fmt.Sprintf(`{token: %s, channel: C0SCENE, api_url: "%s", app_token: %s}`, sceneSlackToken, s.slack.APIURL(), sceneAppToken)
	s.heldAfter()
	for _, p := range s.slack.Posts() {
		if strings.Contains(string(p.Payload), `"actions"`) {
			t.Errorf("a button: %s", p.Payload)
		}
	}
}

func TestDoctorAsksWhetherClicksAreTaken(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.withConsole(0)
	if line := doctorLine(s.do("doctor").stdout, "ok", "clicks"); !strings.Contains(line, "of 2 approvers") {
		t.Errorf("all is well: %q", line)
	}
	s.settings["slack"] = strings.Replace(s.settings["slack"], sceneAppToken, "xapp-revoked", 1)
	o := s.do("doctor")
	if line := doctorLine(o.stdout, "FAIL", "clicks"); !strings.Contains(line, "invalid_auth") || !strings.Contains(line, "slack.app_token") {
		t.Errorf("another token: %q in\n%s", line, o.stdout)
	}
}
