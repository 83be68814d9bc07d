package scenario

import (
	"database/sql"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"mailaudit/audit/sqlite"
	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/providers/sim"
)

// slackScene has two accounts, one of which fails, and does not wait long for Slack.
func slackScene(t *testing.T) *scene {
	s := newScene(t)
	s.play(sim.Google(), sim.Mood{})
	s.settings["deliver_within"] = "3s"
	s.settings["report"] = `{dir: "` + s.path("reports") + `"}`
	s.world.Set("a@gmail.com", sim.Account{Password: "own", TwoFactor: true, AppPasswords: []string{appPassword}})
	s.world.Set("b@gmail.com", sim.Account{Password: "own", TwoFactor: true})
	s.install(
		row{"account_id": "a", "tenant_id": "T-1", "address": "a@gmail.com", "secret": appPassword},
		row{"account_id": "b", "tenant_id": "T-2", "address": "b@gmail.com", "secret": appPassword},
	)
	return s
}

// A refusal that waiting does not fix ends the run with its cause and the fix, and the summary is owed:
// the next start posts it, once.
func TestSlackThatRefusesIsSaid(t *testing.T) {
	t.Parallel()
	for word, fix := range map[string]string{
		"token_revoked": "slack.token", "is_archived": "slack.channel", "channel_not_found": "slack.channel", "missing_scope": "chat:write",
	} {
		t.Run(word, func(t *testing.T) {
			t.Parallel()
			s := slackScene(t)
			s.imported(row{"account_id": "b", "tenant_id": "T-2", "address": "b@gmail.com", "secret": appPassword, "contact_email": "b@clinic.example"})
			s.slack.SetMood(sim.SlackMood{Errors: map[string]string{"chat.postMessage": word}})
			o := s.do("run", "--key", "night")
			if !strings.Contains(lastLine(o.stderr), "1 summary, 0 mails") || !strings.Contains(lastLine(o.stderr), "1 more mail waits for the summary") {
				t.Errorf("what waits for what: %s", lastLine(o.stderr))
			}
			if o.code != exit.Failed || !strings.Contains(lastLine(o.stderr), word) || !strings.Contains(lastLine(o.stderr), fix) {
				t.Errorf("exit %d: %s", o.code, lastLine(o.stderr))
			}
			if strings.Contains(o.stderr+o.stdout, sceneSlackToken) {
				t.Error("the token is shown")
			}
			s.slack.SetMood(sim.SlackMood{})
			s.settings["deliver_within"] = "90s"
			s.done("deliver")
			s.done("deliver")
			if n := len(s.summaries()); n != 1 {
				t.Errorf("%d summaries", n)
			}
		})
	}
}

// TestAStartDoesNotWaitForALaterTry: whatever hour a failure has put the next try at, deliver tries at once.
func TestAStartDoesNotWaitForALaterTry(t *testing.T) {
	t.Parallel()
	s := slackScene(t)
	s.settings["deliver_within"] = "1s"
	s.slack.SetMood(sim.SlackMood{Errors: map[string]string{"chat.postMessage": "is_archived"}})
	if o := s.do("run", "--key", "night"); o.code != exit.Failed {
		t.Fatalf("exit %d", o.code)
	}
	db, err := sql.Open("sqlite", s.path("mailaudit.db"))
	s.need(err)
	defer db.Close()
	// River has a short wait stand as available from its time on, a long one as retryable.
	result, err := db.Exec(`UPDATE river_job SET state = 'available', scheduled_at = datetime('now', '1 day', 'subsec')
		WHERE kind = 'post_summary' AND state IN ('available', 'retryable')`)
	s.need(err)
	if n, _ := result.RowsAffected(); n != 1 {
		t.Fatalf("%d posts wait", n)
	}
	s.slack.SetMood(sim.SlackMood{})
	s.settings["deliver_within"] = "20s"
	s.done("deliver")
	if n := len(s.summaries()); n != 1 {
		t.Errorf("%d summaries", n)
	}
}

// A server that fails is asked again in the same run, and an answer that was lost is looked up: one message.
func TestSlackThatStumblesGetsOneSummary(t *testing.T) {
	t.Parallel()
	for name, mood := range map[string]sim.SlackMood{
		"503 twice":      {Status: 503, Times: 2, Only: "chat.postMessage"},
		"429 once":       {Status: 429, Times: 1, Only: "chat.postMessage"},
		"lost answer":    {DropAfter: true, Times: 1, Only: "chat.postMessage"},
		"blocks refused": {Errors: map[string]string{"chat.postMessage": "invalid_blocks"}, Times: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := slackScene(t)
			s.settings["deliver_within"] = "60s"
			s.slack.SetMood(mood)
			s.done("run", "--key", "night")
			if n := len(s.summaries()); n != 1 {
				t.Errorf("%d summaries", n)
			}
		})
	}
}

// TestTheFullListIsInTheThread: what the message cuts stands in a file below it, without a mailbox.
func TestTheFullListIsInTheThread(t *testing.T) {
	t.Parallel()
	s := slackScene(t)
	var rows []row
	for i := range 9 {
		id := "bad" + string(rune('0'+i))
		s.world.Set(id+"@gmail.com", sim.Account{Password: "own", TwoFactor: true})
		rows = append(rows, row{"account_id": id, "tenant_id": "T-9", "address": id + "@gmail.com", "secret": appPassword})
	}
	s.imported(rows...)
	s.done("run", "--key", "night")
	files := s.slack.Files()
	if len(files) != 1 || files[0].ThreadTS == "" || files[0].Channel != "C0SCENE" {
		t.Fatalf("files %+v", files)
	}
	content := string(files[0].Content)
	if !strings.Contains(content, "bad8,T-9,google") || strings.Contains(content, "@") || strings.Contains(content, "535") {
		t.Errorf("the list:\n%s", content)
	}
	var parent struct {
		Metadata struct {
			EventPayload map[string]string `json:"event_payload"`
		}
	}
	if err := json.Unmarshal(s.slack.Posts()[0].Payload, &parent); err != nil || s.slack.Posts()[0].TS != files[0].ThreadTS {
		t.Errorf("the file's thread is %s, %v", files[0].ThreadTS, err)
	}
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// A webhook that is gone ends the run with its cause, and is not thought to have taken anything.
func TestSlackHookThatIsGoneIsSaid(t *testing.T) {
	t.Parallel()
	s := slackScene(t)
	s.settings["slack"] = inYAML(map[string]any{"webhook": s.slack.WebhookURL()})
	s.settings["metrics"] = inYAML(map[string]any{"textfile": s.path("mailaudit.prom")})
	s.slack.SetMood(sim.SlackMood{Errors: map[string]string{"webhook": "no_service"}})
	o := s.do("run", "--key", "night")
	if last := lastLine(o.stderr); o.code != exit.Failed || !strings.Contains(last, "no_service") || !strings.Contains(last, "slack.webhook") || strings.Contains(o.stderr, s.slack.WebhookURL()) {
		t.Errorf("exit %d: %s", o.code, o.stderr)
	}
	metrics, err := os.ReadFile(s.path("mailaudit.prom"))
	s.need(err)
	if strings.Contains(string(metrics), "mailaudit_slack_failures_total 0\n") || !strings.Contains(string(metrics), "mailaudit_summaries_owed 1\n") {
		t.Errorf("the metrics know nothing of it:\n%s", metrics)
	}
	s.slack.SetMood(sim.SlackMood{})
	s.settings["deliver_within"] = "60s"
	s.done("deliver")
	if posts := s.slack.Posts(); len(posts) != 1 || strings.Contains(string(posts[0].Payload), "may be a repeat") {
		t.Errorf("%d posts: %s", len(posts), posts)
	}
}

// A process that dies between the mark and Slack's answer leaves the next one to look: one message, whether
// Slack had taken it or not.
func TestDeathBeforeSlacksAnswerPostsOnce(t *testing.T) {
	t.Parallel()
	for name, mood := range map[string]sim.SlackMood{
		"not taken": {Hang: true, Only: "chat.postMessage"},
		"taken":     {DropAfter: true, Only: "chat.postMessage"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := slackScene(t)
			s.slack.SetMood(mood)
			child, output := s.process("run", "--key", "night")
			store, err := sqlite.Open(t.Context(), s.path("mailaudit.db"))
			s.need(err)
			defer store.Close()
			for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
				run, err := store.LoadRun(t.Context(), "night")
				if err == nil && !run.PostingAt.IsZero() && (!mood.DropAfter || len(s.summaries()) > 0) {
					break
				}
				if time.Now().After(end) {
					t.Fatalf("the summary was never marked: %s", output)
				}
			}
			s.need(child.Process.Kill())
			child.Wait()
			s.slack.SetMood(sim.SlackMood{})
			s.settings["deliver_within"] = "60s"
			s.done("deliver")
			s.done("deliver")
			if n := len(s.summaries()); n != 1 {
				t.Errorf("%d summaries", n)
			}
		})
	}
}

// TestAReportThatCannotBeWrittenSilencesNobody: a full disk ends the run with an error, and Slack is told.
func TestAReportThatCannotBeWrittenSilencesNobody(t *testing.T) {
	t.Parallel()
	s := slackScene(t)
	s.need(os.WriteFile(s.path("reports"), []byte("a file where the folder should be"), 0o600))
	o := s.do("run", "--key", "night")
	if o.code != exit.Failed || !strings.Contains(lastLine(o.stderr), "mailaudit report night") {
		t.Errorf("exit %d: %s", o.code, lastLine(o.stderr))
	}
	if n := len(s.summaries()); n != 1 {
		t.Errorf("%d summaries", n)
	}
	s.done("report", "night", "--format", "html", "--out", s.path("page.html"))
}
