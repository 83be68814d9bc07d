package scenario

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"mailaudit/providers/sim"
)

// A clinic with two mailboxes and one contact fails by one, another clinic's only mailbox fails, a third was repaired:
// status, runs list, findings list and the report tell the same numbers, and know who was notified.
func TestWhatCommandsShowAgrees(t *testing.T) {
	t.Parallel()
	s, _, yahoo := clinicBase(t)
	s.imported(row{"account_id": "a-00", "tenant_id": "T-00", "address": "front00@gmail.com", "secret": clinicSecret, "contact_email": "both@customers.example"},
		row{"account_id": "a-01", "tenant_id": "T-00", "address": "front01@gmail.com", "secret": clinicSecret, "contact_email": "both@customers.example"})
	s.revoke(0, 2)
	s.atNight(1)
	s.done("run")
	s.atNight(2)
	s.restore(0, 1)
	s.revoke(5, 6)
	yahoo.SetMood(sim.Mood{})
	s.done("run")

	var status struct {
		LastRun struct {
			Key                                 string
			Accounts, Verified, Recovered, Open int
			New                                 int `json:"newly_failing"`
		} `json:"last_run"`
		Mode    string
		Notices struct{ Queued, Held, Sent_24h int }
	}
	s.need(json.Unmarshal([]byte(s.done("status", "--format", "json")), &status))
	var runs []struct {
		Key       string
		Verified  int
		New       int `json:"newly_failing"`
		Recovered int
		Open      int
	}
	s.need(json.Unmarshal([]byte(s.done("runs", "list", "--format", "json")), &runs))
	var findings []struct {
		Account  string  `json:"account_id"`
		Notified *string `json:"last_notified_at"`
		Notice   *string `json:"notice_number"`
		Reminder *string `json:"next_reminder_at"`
		New      bool
	}
	s.need(json.Unmarshal([]byte(s.done("findings", "list", "--format", "json")), &findings))
	r := s.report("")
	if len(runs) != 3 || runs[0].Key != status.LastRun.Key || runs[0].Open != status.LastRun.Open || runs[0].New != r.Changes.NewlyFailing ||
		runs[0].Recovered != r.Changes.Recovered || status.LastRun.Recovered != runs[0].Recovered || runs[0].Verified != r.Run.Verified || status.LastRun.Verified != r.Run.Verified {
		t.Errorf("status %+v, runs %+v, report %+v %v", status, runs[0], r.Run, r.Changes)
	}
	if len(findings) != status.LastRun.Open || len(findings) != 2 {
		t.Fatalf("%d findings are listed, %d open: %+v", len(findings), status.LastRun.Open, findings)
	}
	for _, f := range findings {
		switch f.Account {
		case "a-01":
			if f.Notified == nil || f.Notice == nil || f.Reminder == nil || f.New {
				t.Errorf("of the notified one: %+v", f)
			}
		case "a-05":
			if !f.New {
				t.Errorf("of the new one: %+v", f)
			}
		default:
			t.Errorf("%s is listed", f.Account)
		}
	}
	if got := s.done("findings", "list", "--new", "--format", "csv"); !strings.Contains(got, "a-05") || strings.Contains(got, "a-01") {
		t.Errorf("new ones: %s", got)
	}
	if got := s.done("findings", "list", "--tenant", "T-00"); !strings.Contains(got, "a-01") || strings.Contains(got, "a-05") {
		t.Errorf("of a tenant: %s", got)
	}
	for _, args := range []string{"status", "runs list", "findings list"} {
		for line := range strings.Lines(s.done(strings.Fields(args)...)) {
			if len([]rune(strings.TrimRight(line, "\n"))) > 110 {
				t.Errorf("%s: a line of %d columns: %s", args, len(line), line)
			}
		}
	}
	s.fails(2, "no verdict of a finding", "findings", "list", "--verdict", "compliant")
	s.fails(4, "account a-01 is", "check", "a-01", "--exit-code")
	s.done("check", "a-03", "--exit-code")
}

// People see dates, and the key may be another: report takes both, and says which runs a date means where it means several.
func TestAReportIsFoundByItsKeyAndItsDate(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	s.atNight(1)
	s.done("run", "--key", "by-hand")
	var runs []struct {
		StartedAt time.Time `json:"started_at"`
	}
	s.need(json.Unmarshal([]byte(s.done("runs", "list", "--limit", "1", "--format", "json")), &runs))
	started := runs[0].StartedAt.Format(time.DateOnly)
	if got := s.done("report", started, "--format", "json"); !strings.Contains(got, `"key":"by-hand"`) {
		t.Errorf("report %s: %.200s", started, got)
	}
	s.done("run", "--key", "once-more")
	s.fails(1, "2 runs started on "+started+": once-more, by-hand", "report", started)
	s.fails(1, "no such run", "report", "2019-01-01")
}

// The configuration in the working directory is read, and not one that somebody else could have put there.
func TestTheConfigurationOfTheWorkingDirectory(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.writeConfig()
	self, err := os.Executable()
	s.need(err)
	run := func(args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), self, args...)
		cmd.Dir, cmd.Env = s.dir, append(os.Environ(), asProgram+"=program")
		said, err := cmd.CombinedOutput()
		return string(said), err
	}
	if said, err := run("config", "check"); err != nil || !strings.Contains(said, "mailaudit.yaml: valid") || !strings.Contains(said, "configuration read from the working directory") {
		t.Errorf("%v: %s", err, said)
	}
	if said, err := run("config", "show"); err != nil || strings.Contains(said, sceneSlackToken) || strings.Contains(said, sceneRelayPassword) || !strings.Contains(said, "[secret]") {
		t.Errorf("config show: %v: %s", err, said)
	}
	s.need(os.Chmod(s.path("mailaudit.yaml"), 0o666))
	if said, err := run("config", "check"); err == nil || !strings.Contains(said, "others may write it") {
		t.Errorf("a file that others may write: %v: %s", err, said)
	}
	if said, err := run("--config", "mailaudit.yaml", "config", "check"); err != nil {
		t.Errorf("named by --config it is read: %v: %s", err, said)
	}
}
