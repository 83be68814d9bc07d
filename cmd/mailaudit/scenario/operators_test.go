package scenario

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"mailaudit/cmd/mailaudit/app"
	"mailaudit/cmd/mailaudit/config"
	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/providers/sim"
)

const goodSecret = "abcdefghijklmnop"

// gmailScene is an installation with n Gmail accounts, a0 to a9 and on, whose app password is good. Each has a
// tenant and a contact of its own.
func gmailScene(t *testing.T, n int) (*scene, []row) {
	t.Helper()
	return gmailSceneIn(t, "", n)
}

// gmailSceneIn is kept in a database; "" is the scenes' own.
func gmailSceneIn(t *testing.T, database string, n int) (*scene, []row) {
	t.Helper()
	s := newScene(t)
	if database != "" {
		s.keptIn(database)
	}
	s.play(sim.Google(), sim.Mood{})
	var rows []row
	for i := range n {
		rows = append(rows, row{
			"account_id": fmt.Sprintf("a%d", i), "tenant_id": fmt.Sprintf("T-%d", i), "address": fmt.Sprintf("front%d@gmail.com", i),
			"secret": goodSecret, "contact_email": gmailContact(i),
		})
		s.accept(i)
	}
	s.install(rows...)
	return s, rows
}

func gmailContact(i int) string { return fmt.Sprintf("owner%d@clinic.example", i) }

// accept has Google take the app password of accounts, refuse has it take it no more.
func (s *scene) accept(accounts ...int) {
	for _, i := range accounts {
		s.world.Set(fmt.Sprintf("front%d@gmail.com", i), sim.Account{Password: "own", AppPasswords: []string{goodSecret}, TwoFactor: true})
	}
}

func (s *scene) refuse(accounts ...int) {
	for _, i := range accounts {
		s.world.Set(fmt.Sprintf("front%d@gmail.com", i), sim.Account{Password: "own", AppPasswords: []string{"zyxwvutsrqponmlk"}, TwoFactor: true})
	}
}

// fails runs a command that must end with code, and checks that its one line says want.
func (s *scene) fails(code int, want string, args ...string) {
	s.t.Helper()
	o := s.do(append([]string{"--log-level", "error"}, args...)...)
	if o.code != code || !strings.Contains(o.stderr, want) || strings.Count(o.stderr, "mailaudit: ") != 1 {
		s.t.Errorf("mailaudit %s: exit %d, want %d and %q: %s", strings.Join(args, " "), o.code, code, want, o.stderr)
	}
}

// mailedTo checks to whom the relay has carried mail so far.
func (s *scene) mailedTo(want ...string) {
	s.t.Helper()
	slices.Sort(want)
	if got := s.recipients(); !slices.Equal(got, want) {
		s.t.Errorf("mailed to %v, want %v", got, want)
	}
}

type noticeRow struct {
	Notice, Run, Kind, State, Detail, To string

	Tenant string `json:"tenant_id"`
	Waits  string `json:"waits_until"`
}

func (s *scene) notices(args ...string) (all []noticeRow) {
	s.t.Helper()
	s.need(json.Unmarshal([]byte(s.done(append([]string{"notices", "list", "--format", "json"}, args...)...)), &all))
	return all
}

// acted checks which actions of operators are kept, oldest first.
func (s *scene) acted(want ...string) {
	s.t.Helper()
	c, err := config.Load(s.path("mailaudit.yaml"), variables(nil))
	s.need(err)
	g := &app.Globals{LogLevel: "error"}
	store, err := app.OpenStore(s.t.Context(), c, app.Existing, g.Logger(&s.said))
	s.need(err)
	defer store.Close()
	actions, err := store.Actions(s.t.Context(), sceneStart(), time.Now())
	s.need(err)
	var got []string
	for _, a := range actions {
		got = append(got, strings.TrimSpace(fmt.Sprintf("%s: %s %s (%s)", a.Who, a.What, a.Target, a.Why)))
	}
	if !slices.Equal(got, want) {
		s.t.Errorf("actions %q, want %q", got, want)
	}
}

// The kill switch keeps every mail, and operations are told so until it is taken back.
func TestStoppedMailsWait(t *testing.T) {
	t.Parallel()
	s, _ := gmailScene(t, 3)
	s.done("run")
	s.refuse(1)
	s.done("notices", "stop", "--by", "maria", "--why", "we look at Google first")
	s.atNight(1)
	s.done("run")
	s.done("deliver")
	s.mailedTo()
	if text := s.done("report"); !strings.Contains(text, "maria") || !strings.Contains(text, "notices start") {
		t.Errorf("the report does not say that mails are stopped:\n%s", text)
	}
	if posts := s.summaries(); !strings.Contains(string(posts[len(posts)-1].Payload), "maria") {
		t.Errorf("Slack does not say that mails are stopped: %s", posts[len(posts)-1].Payload)
	}
	if text := s.done("explain", "a1"); !strings.Contains(text, "mails are stopped by maria") {
		t.Errorf("explain: %s", text)
	}
	s.clock.Set(s.clock.Now().Add(25 * time.Hour))
	s.fails(exit.Failed, "stopped by maria", "run", "--key", s.notices()[0].Run)
	s.done("notices", "start", "--by", "paul")
	s.done("deliver")
	s.mailedTo(gmailContact(1))
	s.acted("maria: notices stop  (we look at Google first)", "paul: notices start  ()")
	s.leftClean()
}

// heldScene has a hold of run held: six of twelve accounts, two of which failed in another way.
func heldScene(t *testing.T) *scene {
	t.Helper()
	s, _ := gmailScene(t, 12)
	return s.heldAfter()
}

func (s *scene) heldAfter() *scene {
	s.t.Helper()
	s.settings["guard"] = `{min_new_failures: 3}`
	s.done("run", "--key", "before")
	s.refuse(0, 1, 2, 3, 4, 5)
	s.atNight(1)
	s.done("run", "--key", "held")
	s.mailedTo()
	return s
}

// What a guard held is asked again, and only what is still refused is mailed.
func TestReleaseMailsWhatStillFails(t *testing.T) {
	t.Parallel()
	s := heldScene(t)
	preview := s.done("notices", "preview", "--run", "held", "--provider", "google", "--out", s.path("samples"))
	files, err := os.ReadDir(s.path("samples"))
	if err != nil || len(files) != 3 || !strings.Contains(preview, "6 notices wait") {
		t.Errorf("samples %v, %v: %s", files, err, preview)
	}
	if text := s.done("notices", "preview"); strings.Contains(text, "owner0@") || strings.Count(text, "Subject: ") != 3 {
		t.Errorf("preview does not mask, or shows no three samples:\n%s", text)
	}
	if text := s.done("notices", "preview", "--full"); !strings.Contains(text, "owner0@") {
		t.Errorf("a full preview masks:\n%s", text)
	}
	s.fails(exit.Failed, "--run held --provider google", "notices", "release", "--run", "before", "--provider", "google", "--by", "maria")
	s.fails(exit.Usage, "--by", "notices", "release", "--run", "held", "--provider", "google")
	s.accept(0, 1)
	s.world.Change("front2@gmail.com", func(a *sim.Account) { a.State = sim.BrowserSignIn })
	s.world.Change("front3@gmail.com", func(a *sim.Account) { a.State = sim.BackendDown })
	asked := s.world.Attempts()["front0@gmail.com"]
	text := s.done("notices", "release", "--run", "held", "--provider", "google", "--by", "maria", "--why", "Google was right")
	for _, want := range []string{"5 accounts re-checked", "2 still failing: 2 mails are queued", "2 recovered", "1 are refused for another reason", "1 could not be re-checked"} {
		if !strings.Contains(text, want) {
			t.Errorf("release does not say %q:\n%s", want, text)
		}
	}
	if n := s.world.Attempts()["front0@gmail.com"]; n != asked+1 {
		t.Errorf("asked %d times more, want once", n-asked)
	}
	s.done("deliver")
	s.mailedTo(gmailContact(4), gmailContact(5))
	s.fails(exit.Failed, "none is open", "notices", "release", "--run", "held", "--provider", "google", "--by", "maria")
	s.decidedInSlack("released by maria")
	s.acted("maria: notices release held google (Google was right)")
	if text := s.done("accounts", "list", "--verdict", "compliant", "--format", "json"); strings.Count(text, "account_id") != 8 {
		t.Errorf("the accepted accounts' findings are not ended:\n%s", text)
	}

	s.atNight(2)
	s.done("run", "--key", "after")
	r := s.report("after")
	if r.Changes.Recovered != 2 {
		t.Errorf("changes after the release: %+v", r.Changes)
	}
	s.mailedTo(gmailContact(2), gmailContact(4), gmailContact(5))
	s.leftClean()
}

// decidedInSlack checks that the message which asked for a decision tells of it.
func (s *scene) decidedInSlack(want string) {
	s.t.Helper()
	var told []string
	for _, p := range s.slack.Posts() {
		if p.Method == "chat.update" {
			told = append(told, string(p.Payload))
		}
	}
	if len(told) != 1 || !strings.Contains(told[0], want) {
		s.t.Errorf("%d messages were changed, want one that says %q: %s", len(told), want, told)
	}
}

// Where nobody can be asked again, a release decides nothing.
func TestReleaseThatCanAskNobodyLeavesTheHold(t *testing.T) {
	t.Parallel()
	s := heldScene(t)
	s.settings["attempts_per_day"] = "1"
	s.fails(exit.Failed, "stays open", "notices", "release", "--run", "held", "--provider", "google", "--by", "maria")
	if n := len(s.notices("--state", "held")); n != 6 {
		t.Errorf("%d notices are held, want 6", n)
	}
}

func TestDiscardMailsNothing(t *testing.T) {
	t.Parallel()
	s := heldScene(t)
	s.done("notices", "discard", "--run", "held", "--provider", "google", "--by", "maria", "--why", "a fault at Google")
	s.decidedInSlack("discarded by maria")
	s.done("deliver")
	s.mailedTo()
	for _, n := range s.notices() {
		if n.State != "suppressed" || n.Detail != "discarded by maria" {
			t.Errorf("%+v", n)
		}
	}
	s.fails(exit.Failed, "none is open", "notices", "discard", "--run", "held", "--provider", "google", "--by", "maria")
	if text := s.done("explain", "a0"); !strings.Contains(text, "discarded by maria") {
		t.Errorf("explain: %s", text)
	}
}

// A contact whose mail came back is called, not mailed: neither queued mails nor new ones leave.
func TestBouncedContactsAreTelephoned(t *testing.T) {
	t.Parallel()
	s, _ := gmailScene(t, 3)
	s.settings["notices"] = `{mode: live, send_between: "Mon-Sun 09:00-16:00", confirm_nights: 1}`
	s.done("run")
	s.refuse(0)
	s.atNight(1)
	s.done("run")
	s.fails(exit.Usage, "not a mail address", "notices", "bounced", "owner")
	s.done("notices", "bounced", strings.ToUpper(gmailContact(0)), "--detail", "550 no such user")
	s.done("notices", "bounced", gmailContact(1))
	s.clock.Set(s.clock.Now().Add(8 * time.Hour))
	s.done("deliver")
	s.refuse(1, 2)
	s.atNight(2)
	s.done("run")
	s.clock.Set(s.clock.Now().Add(8 * time.Hour))
	s.done("deliver")
	s.mailedTo(gmailContact(2))
	for _, n := range s.notices("--state", "suppressed") {
		if n.Detail != "mail to the contact bounces: telephone" {
			t.Errorf("%+v", n)
		}
	}
	if text := s.done("report"); !strings.Contains(text, "Call 2 customers") {
		t.Errorf("the report has no call list:\n%s", text)
	}
}

// A snoozed tenant is counted and not mailed, what waits for it included.
func TestSnoozedTenantsAreNotMailed(t *testing.T) {
	t.Parallel()
	s, _ := gmailScene(t, 2)
	s.settings["notices"] = `{mode: live, send_between: "Mon-Sun 09:00-16:00", confirm_nights: 1}`
	s.settings["recheck_refused"] = "1h" // every night is asked
	until := sceneStart().AddDate(0, 0, 3).Format(time.DateOnly)
	s.done("run")
	s.refuse(0, 1)
	s.atNight(1)
	s.done("run")
	s.fails(exit.Usage, "not a date", "notices", "snooze", "--tenant", "T-0", "--until", "tomorrow")
	s.fails(exit.Usage, "over", "notices", "snooze", "--tenant", "T-0", "--until", "2020-01-01")
	s.fails(exit.Failed, "T-9", "notices", "snooze", "--tenant", "T-9", "--until", until)
	s.fails(exit.Failed, "T-0", "notices", "unsnooze", "--tenant", "T-0")
	s.done("notices", "snooze", "--tenant", "T-0", "--until", until, "--by", "maria", "--why", "they move house")
	if text := s.done("explain", "a0"); !strings.Contains(text, "first notice, will not be sent: the tenant is snoozed") {
		t.Errorf("explain before the hour: %s", text)
	}
	s.clock.Set(s.clock.Now().Add(8 * time.Hour))
	s.done("deliver")
	s.mailedTo(gmailContact(1))
	s.atNight(2)
	s.done("run")
	if r := s.report(""); r.Changes.StillFailing != 2 || r.Notices["suppressed"] != 1 {
		t.Errorf("changes %+v, notices %v", r.Changes, r.Notices)
	}
	if text := s.done("explain", "a0"); strings.Count(text, "the tenant is snoozed") != 2 {
		t.Errorf("explain: %s", text)
	}
	s.atNight(3)
	s.done("run")
	s.clock.Set(s.clock.Now().Add(8 * time.Hour))
	s.done("deliver")
	s.mailedTo(gmailContact(0), gmailContact(1))
	s.acted("maria: notices snooze T-0 until " + until + " 00:00 UTC (they move house)")
}

var notifiedNow = regexp.MustCompile(`"last_notified_at":[^}]*`)

// Exactly those whom a wrong run has told something are told that it was wrong, once.
func TestCorrectTellsThoseWhoWereTold(t *testing.T) {
	t.Parallel()
	s, rows := gmailScene(t, 4)
	s.done("run")
	s.refuse(0)
	s.atNight(1)
	s.done("run", "--key", "right")
	s.refuse(1, 2)
	s.done("notices", "snooze", "--tenant", "T-2", "--until", sceneStart().AddDate(0, 0, 9).Format(time.DateOnly))
	s.atNight(2)
	s.done("run", "--key", "wrong")
	s.mailedTo(gmailContact(0), gmailContact(1))
	// When customers were notified is told as it stands, and a correction ends that.
	settled := func() string {
		return notifiedNow.ReplaceAllString(s.done("report", "wrong", "--format", "json"), "")
	}
	before := settled()

	s.fails(exit.Failed, `"none"`, "notices", "correct", "--run", "none", "--by", "maria")
	s.accept(1)
	if text := s.done("notices", "correct", "--run", "wrong", "--by", "maria"); !strings.Contains(text, "1 correction is queued") {
		t.Errorf("correct: %s", text)
	}
	rows[1]["contact_email"] = "successor@clinic.example" // who was never told
	s.imported(rows...)
	s.done("deliver")
	if text := s.done("notices", "correct", "--run", "wrong", "--by", "maria"); !strings.Contains(text, "0 corrections are queued") {
		t.Errorf("correct again: %s", text)
	}
	s.done("deliver")
	s.mailedTo(gmailContact(0), gmailContact(1), gmailContact(1))
	messages := s.relay.Messages()
	last := strings.ReplaceAll(string(messages[len(messages)-1].Data), "=\r\n", "")
	for _, want := range []string{"disregard", "That message was wrong", "fr=E2=80=A2", "In-Reply-To:"} {
		if !strings.Contains(last, want) {
			t.Errorf("the correction lacks %q:\n%s", want, last)
		}
	}
	if after := settled(); after != before {
		t.Errorf("the wrong run's report is another one:\n%s\nwas\n%s", after, before)
	}
	s.atNight(3)
	s.done("run") // the account works again, and the correction has said all
	s.mailedTo(gmailContact(0), gmailContact(1), gmailContact(1))
	if text := s.done("explain", "a1"); !strings.Contains(text, "that an earlier mail was wrong (") {
		t.Errorf("explain: %s", text)
	}
}

// Each night has its one line, whatever decided it.
func TestExplainSaysWhatDecidedEachNight(t *testing.T) {
	t.Parallel()
	s, _ := gmailScene(t, 3)
	s.settings["notices"] = `{mode: live, send_between: "", confirm_nights: 2, remind_after: [47h]}`
	s.settings["recheck_refused"] = "1h" // every night is asked
	s.done("run", "--key", "n0")
	s.refuse(0)
	for night := 1; night <= 6; night++ {
		s.atNight(night)
		if night == 3 {
			s.world.Change("front0@gmail.com", func(a *sim.Account) { a.State = sim.BackendDown })
		} else {
			s.refuse(0)
		}
		s.done("run", "--key", fmt.Sprintf("n%d", night))
	}
	// What is configured today decided nothing then.
	s.settings["notices"] = `{mode: live, send_between: "", confirm_nights: 3, remind_after: [900h, 901h]}`
	var got struct {
		Verdict string
		Nights  []struct{ Run, Verdict, Decision, Why, Notice string }
	}
	s.need(json.Unmarshal([]byte(s.done("explain", "a0", "--format", "json")), &got))
	var lines []string
	for _, n := range got.Nights {
		why := n.Why
		if i := strings.Index(why, ", sent "); i > 0 {
			why = why[:i]
		}
		if i := strings.Index(why, " not before"); i > 0 {
			why = why[:i]
		}
		if i := strings.Index(why, "this run: "); i > 0 {
			why = why[:i+8]
		}
		lines = append(lines, strings.Join([]string{n.Run, n.Verdict, n.Decision, why}, " | "))
	}
	want := []string{
		"n1 | revoked | not told | needs one more failed run (1 of 2)",
		"n2 | revoked | told | first notice",
		"n3 | unverified | not told | no response in this run",
		"n4 | revoked | told | reminder",
		"n5 | revoked | not told | no further reminder; left to operations",
		"n6 | revoked | not told | no further reminder; left to operations",
	}
	if !slices.Equal(lines, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
	if text := s.done("explain", "a1"); strings.Count(text, "not notified: nothing to notify") != 7 || !strings.Contains(text, "\nthere is nothing to tell the customer\n") {
		t.Errorf("a fine account: %s", text)
	}
	s.fails(exit.Failed, `"nobody"`, "explain", "nobody")
	s.imported(row{"account_id": "new", "tenant_id": "T", "address": "new@gmail.com", "secret": goodSecret})
	if text := s.done("explain", "new"); !strings.Contains(text, "no run has verified it yet") {
		t.Errorf("a new account: %s", text)
	}
}

// A source that has shrunk stops the run; who knows better lets it go on under the same key.
func TestAcceptedSourceGoesOn(t *testing.T) {
	t.Parallel()
	s, rows := gmailScene(t, 10)
	s.done("run")
	name := s.path("fewer.csv")
	s.need(os.WriteFile(name, []byte(csvOf(rows[:5]...)), 0o600))
	s.done("accounts", "import", "--replace", name)
	s.atNight(1)
	s.fails(exit.Failed, "--accept-source", "run", "--key", "n1")
	s.clock.Set(s.clock.Now().Add(7 * time.Hour)) // the window is over
	s.fails(exit.Failed, "--accept-source", "run", "--key", "n1")
	s.done("run", "--accept-source", "--by", "maria", "--why", "half the clinics left")
	if r := s.report("n1"); r.Run.Status != "concluded" || r.Run.Verified != 5 || r.Run.Accounts != 5 {
		t.Errorf("the run is %+v", r.Run)
	}
	s.acted("maria: run --accept-source n1 (half the clinics left)")
	s.atNight(2)
	s.done("run")
}

// A changed password is asked within minutes, its customer told at once, and no night's numbers change.
func TestChangedPasswordsAreAskedBetweenRuns(t *testing.T) {
	t.Parallel()
	s, rows := gmailScene(t, 8)
	s.settings["notices"] = `{mode: live, send_between: "Mon-Sun 09:00-16:00", confirm_nights: 1}`
	s.settings["attempts_per_day"] = "3"
	s.done("run", "--key", "n0")
	s.refuse(0, 1, 2)
	s.atNight(1)
	s.done("run", "--key", "n1")
	s.clock.Set(s.clock.Now().Add(8 * time.Hour)) // 10:15
	s.done("deliver")
	s.mailedTo(gmailContact(0), gmailContact(1), gmailContact(2))
	before := notifiedNow.ReplaceAllString(s.done("report", "n1", "--format", "json"), "")
	posts := len(s.slack.Posts())

	s.clock.Set(s.clock.Now().Add(10 * time.Hour)) // 20:15, when nothing else is sent
	attempts := s.world.Attempts()
	if text := s.done("run", "--changed"); !strings.Contains(text, "0 accounts") {
		t.Errorf("nothing has changed: %s", text)
	}
	rows[0]["secret"], rows[1]["secret"], rows[2]["secret"] = "zyxwvutsrqponmlk", "aaaabbbbccccdddd", "zyxwvutsrqponmlk"
	s.world.Change("front2@gmail.com", func(a *sim.Account) { a.State = sim.BackendDown })
	s.imported(rows...)
	text := s.done("run", "--changed")
	if !strings.Contains(text, "3 accounts with a changed secret verified: 1 recovered, 1 not accepted; 1 mail sent") {
		t.Errorf("changed: %s", text)
	}
	s.mailedTo(gmailContact(0), gmailContact(0), gmailContact(1), gmailContact(2))
	s.done("run", "--changed")
	s.done("run", "--changed")
	now := s.world.Attempts()
	for i, want := range []int{1, 1, 2, 0} { // the third attempt of the day is the night's
		login := fmt.Sprintf("front%d@gmail.com", i)
		if n := now[login] - attempts[login]; n != want {
			t.Errorf("%s was asked %d times, want %d", login, n, want)
		}
	}
	if after := notifiedNow.ReplaceAllString(s.done("report", "n1", "--format", "json"), ""); after != before {
		t.Errorf("the night's report is another one:\n%s\nwas\n%s", after, before)
	}
	if n := len(s.slack.Posts()); n != posts {
		t.Errorf("%d posts to Slack", n-posts)
	}

	s.atNight(2)
	s.done("run", "--key", "n2")
	r := s.report("n2")
	if r.Changes.Recovered != 1 || r.Changes.NewlyFailing != 0 || r.Changes.StillFailing != 1 {
		t.Errorf("the night after: %+v", r.Changes)
	}
	if after := notifiedNow.ReplaceAllString(s.done("report", "n1", "--format", "json"), ""); after != before {
		t.Errorf("the night's report is another one now:\n%s\nwas\n%s", after, before)
	}
	s.clock.Set(s.clock.Now().Add(8 * time.Hour))
	s.done("deliver")
	s.mailedTo(gmailContact(0), gmailContact(0), gmailContact(1), gmailContact(2))
	if text := s.done("explain", "a0"); !strings.Contains(text, "the customer was notified on 2") || !strings.Contains(text, "that it works again, sent") {
		t.Errorf("explain, the night after the mail that it works again: %s", text)
	}
	s.fails(exit.Usage, "--changed makes no run", "run", "--changed", "--key", "x")
	s.leftClean()
}

// Who is accepted between two runs and then refused again has a new finding, and is told of it.
func TestRefusedAgainAfterAChange(t *testing.T) {
	t.Parallel()
	s, rows := gmailScene(t, 3)
	s.done("run")
	s.refuse(0)
	s.atNight(1)
	s.done("run")
	rows[0]["secret"] = "zyxwvutsrqponmlk"
	s.imported(rows...)
	s.clock.Set(s.clock.Now().Add(time.Hour))
	s.done("run", "--changed")
	s.mailedTo(gmailContact(0), gmailContact(0))
	if text := s.done("explain", "a0"); !strings.Contains(text, "the customer was notified on 2") || strings.Count(text, "that it works again") != 2 {
		t.Errorf("explain after the mail that says so: %s", text)
	}
	s.accept(0) // and so the new one is refused
	s.atNight(2)
	s.done("run", "--key", "n2")
	s.mailedTo(gmailContact(0), gmailContact(0), gmailContact(0))
	r := s.report("n2")
	if r.Changes.NewlyFailing != 1 || r.Findings[0].Verdict != "revoked" || r.Findings[0].Previous != "compliant" {
		t.Errorf("%+v %+v", r.Changes, r.Findings)
	}
}

// The mail that says that all is well waits over a weekend without being written each night anew.
func TestGoodNewsIsWrittenOnce(t *testing.T) {
	t.Parallel()
	s, _ := gmailScene(t, 2)
	s.done("run")
	s.refuse(0)
	s.atNight(1)
	s.done("run")
	s.done("notices", "stop", "--by", "maria") // as good as a weekend
	s.accept(0)
	for night := 2; night <= 4; night++ {
		s.atNight(night)
		s.do("run") // mails are late from the second night on
	}
	s.done("notices", "start", "--by", "maria")
	s.done("deliver")
	s.mailedTo(gmailContact(0), gmailContact(0))
}

// run --changed leaves the field to whoever is at work.
func TestChangedYields(t *testing.T) {
	t.Parallel()
	s, _ := gmailScene(t, 1)
	s.embedded()
	s.done("run")
	c, err := config.Load(s.path("mailaudit.yaml"), variables(nil))
	s.need(err)
	g := &app.Globals{LogLevel: "error"}
	store, err := app.OpenStore(t.Context(), c, app.Existing, g.Logger(&s.said))
	s.need(err)
	defer store.Close()
	unlock, err := store.Lock()
	s.need(err)
	defer unlock()
	if text := s.done("run", "--changed"); !strings.Contains(text, "nothing was asked") {
		t.Errorf("said %q", text)
	}
}

// A mail that had to wait for the caps leaves in the tenant's hours, whenever the night's budget begins anew.
func TestMailsThatWaitKeepToTheirHours(t *testing.T) {
	t.Parallel()
	s, _ := gmailScene(t, 6)
	s.settings["notices"] = `{mode: live, send_between: "Mon-Sun 09:00-16:00", confirm_nights: 1, max_per_night: 1}`
	s.done("run")
	s.refuse(0, 1)
	s.atNight(1)
	s.done("run")
	s.clock.Set(s.clock.Now().Add(8 * time.Hour))
	s.done("deliver")
	first := s.recipients()
	if len(first) != 1 {
		t.Fatalf("mailed to %v, want one", first)
	}
	waiting := "a0"
	if first[0] == gmailContact(0) {
		waiting = "a1"
	}
	if text := s.done("explain", waiting); !strings.Contains(text, "notices.max_per_night") {
		t.Errorf("explain: %s", text)
	}
	s.atNight(2)
	s.done("run")
	s.mailedTo(first...)
	if text := s.done("explain", waiting); !strings.Contains(text, "the hours of notices.send_between are over") {
		t.Errorf("explain: %s", text)
	}
	s.clock.Set(s.clock.Now().Add(7 * time.Hour))
	s.done("deliver")
	s.mailedTo(gmailContact(0), gmailContact(1))
}

// A restored or copied database mails nothing under another name, not even what was queued before.
func TestACopyMailsNothing(t *testing.T) {
	t.Parallel()
	s, _ := gmailScene(t, 3)
	s.settings["notices"] = `{mode: live, send_between: "Mon-Sun 09:00-16:00", confirm_nights: 1}`
	s.done("run")
	s.refuse(0)
	s.atNight(1)
	s.done("run")
	s.settings["installation"] = "copy"
	s.clock.Set(s.clock.Now().Add(8 * time.Hour))
	s.done("deliver")
	s.mailedTo()
	s.settings["installation"] = "scene"
	s.done("deliver")
	s.mailedTo(gmailContact(0))
}

// What waits of a wrong run does not leave any more.
func TestCorrectWithdrawsWhatWaits(t *testing.T) {
	t.Parallel()
	s, _ := gmailScene(t, 3)
	s.settings["notices"] = `{mode: live, send_between: "Mon-Sun 09:00-16:00", confirm_nights: 1}`
	s.done("run")
	s.refuse(0)
	s.atNight(1)
	s.done("run", "--key", "wrong")
	if text := s.done("notices", "correct", "--run", "wrong", "--by", "maria"); !strings.Contains(text, "0 corrections") || !strings.Contains(text, "1 notice had not left") {
		t.Errorf("correct: %s", text)
	}
	s.clock.Set(s.clock.Now().Add(8 * time.Hour))
	s.done("deliver")
	s.mailedTo()
}
