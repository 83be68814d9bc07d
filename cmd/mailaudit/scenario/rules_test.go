package scenario

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"mailaudit/providers/sim"
)

// rulesFolder is the operator's own folder of rules.
func (s *scene) rulesFolder(files ...string) {
	s.t.Helper()
	s.need(os.MkdirAll(s.path("rules"), 0o755))
	for i := 0; i < len(files); i += 2 {
		s.need(os.WriteFile(s.path("rules/"+files[i]), []byte(files[i+1]), 0o644))
	}
	s.settings["rules_dir"] = s.path("rules")
}

// Yahoo answers in words that no rule knows. The summary's thread has the command that drafts a rule; the draft with its
// class filled in is tried on the past, put into rules_dir, and from then on decides, by name.
func TestAnUnknownWordingBecomesARuleOfTheOperators(t *testing.T) {
	t.Parallel()
	s, _, yahoo := clinicBase(t)
	const wording = "535 5.7.0 (#AUTH099) The moonphase of your mailbox is out of tune [mx7.yahoo.example:8812]"
	yahoo.SetMood(sim.Mood{At: map[sim.Step]sim.Act{sim.AtSecret: sim.Say(wording)}})
	s.atNight(1)
	s.done("run")
	if got := s.report("").verdictsOf()["unverified"]; len(got) != 4 {
		t.Fatalf("unverified: %v", got)
	}

	var thread string
	for _, post := range s.slack.Posts() {
		if post.ThreadTS != "" {
			var said struct{ Text string }
			s.need(json.Unmarshal(post.Payload, &said))
			thread += said.Text
		}
	}
	_, thread, _ = strings.Cut(thread, "*Unrecognized replies*") // the head of the chain may have any digits
	_, after, ok := strings.Cut(thread, "mailaudit rules propose ")
	id, _, _ := strings.Cut(after, "`")
	if !ok || len(id) != 8 || !strings.Contains(thread, "moonphase") || strings.Contains(thread, "8812") {
		t.Fatalf("the thread says: %s", thread)
	}
	draft := s.done("rules", "propose", id)
	for _, want := range []string{"class: unknown # fill in", "Nearest known rules", `"provider":"yahoo"`, "moonphase of your mailbox"} {
		if !strings.Contains(draft, want) {
			t.Errorf("the draft has no %q:\n%s", want, draft)
		}
	}
	s.done("rules", "propose", id, "--out", s.dir)
	s.fails(1, "is there already", "rules", "propose", id, "--out", s.dir)
	if o := s.do("rules", "test", s.path("yahoo."+id+".jsonl")); o.code != 0 || !strings.Contains(o.stdout, `"class":"unknown"`) {
		t.Errorf("the test row: %d %s%s", o.code, o.stdout, o.stderr)
	}

	filled := strings.Replace(draft, "class: unknown", "class: account_blocked", 1)
	s.need(os.WriteFile(s.path("tried.proposal"), []byte(filled), 0o644))
	var diff struct {
		Verdicts  int
		Changes   []struct{ AccountID, Alters string }
		NotEnough []any `json:"not_enough"`
	}
	s.need(json.Unmarshal([]byte(s.done("rules", "diff", s.path("tried.proposal"), "--format", "json")), &diff))
	if len(diff.Changes) != 4 || diff.Changes[0].Alters != "verdict" || len(diff.NotEnough) != 0 || diff.Verdicts < 28 {
		t.Errorf("the diff: %+v", diff)
	}
	if got := s.done("rules", "diff", s.path("tried.proposal")); !strings.Contains(got, "unverified, ambiguous (no rule) -> account_blocked, ambiguous (yahoo/proposal-"+id+")") {
		t.Errorf("the diff in words:\n%s", got)
	}

	s.rulesFolder("yahoo.yaml", filled)
	s.atNight(2)
	s.done("run")
	if got := s.report("").verdictsOf()["account_blocked"]; len(got) != 4 {
		t.Errorf("blocked: %v", got)
	}
	check := s.done("check", "a-20")
	for _, want := range []string{"yahoo/proposal-" + id + ": account_blocked, ambiguous", "read by     rule: a known wording or code, yahoo.yaml in rules_dir"} {
		if !strings.Contains(check, want) {
			t.Errorf("check has no %q:\n%s", want, check)
		}
	}
	if got := s.done("explain", "a-20"); !strings.Contains(got, "yahoo.yaml in rules_dir") {
		t.Errorf("explain: %s", got)
	}
	if got := s.done("rules", "list", "--own"); !strings.Contains(got, "[yahoo.yaml] our own mailboxes, run ") || strings.Count(got, "\n") != 2 {
		t.Errorf("rules list --own: %s", got)
	}
	if got := s.done("rules", "list", "yahoo/proposal-"+id); !strings.Contains(got, `text has all of "moonphase`) && !strings.Contains(got, "moonphase") {
		t.Errorf("explained: %s", got)
	}
	if got := s.done("rules", "diff", s.path("rules/yahoo.yaml")); !strings.Contains(got, "4 would change, of 4 mailboxes") {
		t.Errorf("the night before the rule, and no other, was read otherwise:\n%s", got)
	}
	if o := s.do("doctor"); !strings.Contains(o.stdout, "1 rule of your own") {
		t.Errorf("doctor:\n%s", o.stdout)
	}
}

// A rules_dir that cannot be meant starts nothing, and says in one line which rule of which file is wrong.
func TestARulesDirThatCannotBeMeant(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.rulesFolder("google.yaml", "- {id: google/x, stage: [auth], code: [\"535\"], class: angry, source: us, seen: 2026}\n")
	for _, args := range [][]string{{"run"}, {"config", "check"}, {"rules", "list"}, {"doctor"}} {
		s.fails(2, `rules_dir`, args...)
		s.fails(2, `google.yaml: read rules of google: rule 1 (google/x): class "angry" is not known`, args...)
	}
	s.rulesFolder("google.yaml", "", "changes.yaml", "- {id: microsoft-basic-auth, day: 2027-02-30}\n")
	s.fails(2, `changes.yaml: read changes: microsoft-basic-auth: day "2027-02-30"`, "config", "check")
	s.settings["rules_dir"] = s.path("nowhere")
	s.fails(2, "the folder cannot be read: no such file or directory", "config", "check")
}
