package sim

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func startSlack(t *testing.T, opts SlackOptions) *Slack {
	t.Helper()
	s, err := StartSlack(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		s.Close()
	})
	return s
}

func postJSON(t *testing.T, url, token, body string) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "POST", url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, strings.TrimSpace(string(b))
}

func slackError(answer string) string {
	var a struct{ Error string }
	json.Unmarshal([]byte(answer), &a)
	return a.Error
}

func section(text string) string {
	return fmt.Sprintf(`{"type":"section","text":{"type":"mrkdwn","text":%q}}`, text)
}

func TestSlackKeepsWhatWasSent(t *testing.T) {
	s := startSlack(t, SlackOptions{Channel: "C1"})
	_, answer := postJSON(t, s.APIURL()+"chat.postMessage", "xoxb-simulated",
		`{"channel":"C1","text":"a <b> & c","blocks":[`+section("x")+`],"metadata":{"event_type":"run","event_payload":{"key":"k"}}}`)
	var posted struct {
		OK bool
		TS string
	}
	if json.Unmarshal([]byte(answer), &posted); !posted.OK || posted.TS == "" {
		t.Fatal(answer)
	}
	form := url.Values{"channel": {"C1"}, "text": {"in a thread"}, "thread_ts": {posted.TS}, "blocks": {"[" + section("y") + "]"}, "token": {"xoxb-simulated"}}
	resp, err := http.PostForm(s.APIURL()+"chat.postMessage", form)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	postJSON(t, s.APIURL()+"chat.update", "xoxb-simulated", `{"channel":"C1","ts":"`+posted.TS+`","text":"updated"}`)

	posts := s.Posts()
	if len(posts) != 3 || posts[1].ThreadTS != posted.TS || posts[2].TS != posted.TS || strings.Contains(string(posts[1].Payload), "xoxb") {
		t.Fatalf("%+v", posts)
	}
	if !strings.Contains(string(posts[0].Payload), `"a <b> & c"`) {
		t.Errorf("not as it was sent: %s", posts[0].Payload)
	}
	var first struct {
		Text   string
		Blocks []any
	}
	if err := json.Unmarshal(posts[0].Payload, &first); err != nil || first.Text != "a <b> & c" || len(first.Blocks) != 1 {
		t.Errorf("%s", posts[0].Payload)
	}
	_, answer = postJSON(t, s.APIURL()+"conversations.history", "xoxb-simulated", `{"channel":"C1","include_all_metadata":true}`)
	if strings.Contains(answer, "in a thread") || !strings.Contains(answer, `"text":"updated"`) || !strings.Contains(answer, `"event_type":"run"`) {
		t.Errorf("history: %s", answer)
	}
}

func TestSlackRefusals(t *testing.T) {
	s := startSlack(t, SlackOptions{Channel: "C1"})
	many := strings.TrimSuffix(strings.Repeat(section("x")+",", 51), ",")
	for _, tt := range []struct{ method, token, body, want string }{
		{"auth.test", "xoxb-simulated", `{}`, ""},
		{"auth.test", "wrong", `{}`, "invalid_auth"},
		{"auth.test", "", `{}`, "not_authed"},
		{"chat.postMessage", "xoxb-simulated", `{"channel":"C2","text":"x"}`, "channel_not_found"},
		{"chat.postMessage", "xoxb-simulated", `{"channel":"C1"}`, "no_text"},
		{"chat.postMessage", "xoxb-simulated", `{"channel":"C1","text":"` + strings.Repeat("x", 40001) + `"}`, "msg_too_long"},
		{"chat.postMessage", "xoxb-simulated", `{"channel":"C1","text":"x","blocks":[` + many + `]}`, "invalid_blocks"},
		{"chat.postMessage", "xoxb-simulated", `{"channel":"C1","text":"x","blocks":[` + section(strings.Repeat("x", 3001)) + `]}`, "invalid_blocks"},
		{"chat.postMessage", "xoxb-simulated", `{"channel":"C1","text":"x","blocks":[{"type":"nonsense"}]}`, "invalid_blocks"},
		{"chat.postMessage", "xoxb-simulated", `{"channel":"C1","text":"x","blocks":[` + section(strings.Repeat("x", 3000)) + `]}`, ""},
		{"chat.update", "xoxb-simulated", `{"channel":"C1","ts":"1.1","text":"x"}`, "message_not_found"},
		{"no.such", "xoxb-simulated", `{}`, "unknown_method"},
	} {
		if _, answer := postJSON(t, s.APIURL()+tt.method, tt.token, tt.body); slackError(answer) != tt.want {
			t.Errorf("%s %.60s: %s, want %q", tt.method, tt.body, answer, tt.want)
		}
	}
}

func TestSlackMoods(t *testing.T) {
	s := startSlack(t, SlackOptions{})
	say := func() (int, string) {
		return postJSON(t, s.APIURL()+"chat.postMessage", "xoxb-simulated", `{"channel":"C1","text":"x"}`)
	}
	s.SetMood(SlackMood{Status: 429, RetryAfter: 3 * time.Second, Times: 1})
	if status, answer := say(); status != 429 || slackError(answer) != "ratelimited" {
		t.Errorf("%d %s", status, answer)
	}
	if status, answer := say(); status != 200 || slackError(answer) != "" {
		t.Errorf("after one: %d %s", status, answer)
	}
	s.SetMood(SlackMood{Errors: map[string]string{"chat.postMessage": "is_archived"}})
	if _, answer := say(); slackError(answer) != "is_archived" {
		t.Errorf("%s", answer)
	}
	s.SetMood(SlackMood{DropAfter: true})
	before := len(s.Posts())
	if status, _ := say(); status != 0 || len(s.Posts()) != before+1 {
		t.Errorf("status %d, %d posts more", status, len(s.Posts())-before)
	}
	s.SetMood(SlackMood{Errors: map[string]string{"webhook": "no_service"}})
	if status, answer := postJSON(t, s.WebhookURL(), "", `{"text":"x"}`); status != 404 || answer != "no_service" {
		t.Errorf("%d %s", status, answer)
	}
	s.SetMood(SlackMood{})
	if status, answer := postJSON(t, s.WebhookURL(), "", `{"text":"x"}`); status != 200 || answer != "ok" {
		t.Errorf("%d %s", status, answer)
	}
}

func TestSlackUpload(t *testing.T) {
	s := startSlack(t, SlackOptions{})
	_, answer := postJSON(t, s.APIURL()+"files.getUploadURLExternal", "xoxb-simulated", `{"filename":"r.html","length":"5"}`)
	var u struct {
		UploadURL string `json:"upload_url"`
		FileID    string `json:"file_id"`
	}
	if err := json.Unmarshal([]byte(answer), &u); err != nil || u.FileID == "" {
		t.Fatal(answer)
	}
	postJSON(t, u.UploadURL, "", "hello")
	_, answer = postJSON(t, s.APIURL()+"files.completeUploadExternal", "xoxb-simulated", `{"files":[{"id":"`+u.FileID+`","title":"Report"}],"channel_id":"C1"}`)
	files := s.Files()
	if len(files) != 1 || string(files[0].Content) != "hello" || files[0].Title != "Report" || files[0].Channel != "C1" {
		t.Errorf("%s %+v", answer, files)
	}
}
