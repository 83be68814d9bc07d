package slack_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"mailaudit/providers"
	"mailaudit/report/slack"
)

const (
	token    = "xoxb-canary-1234567890-secret"
	hookPath = "/services/T000/B000/canary-hook-secret"
	channel  = "C0123ABCDEF"
)

// standIn plays the part of Slack that is used: chat.postMessage, conversations.history, an incoming
// webhook. It keeps what was posted and checks it by the documented limits.
type standIn struct {
	*httptest.Server
	mu      sync.Mutex
	posts   []url.Values // of the API
	updates []url.Values
	hooks   []message
	files   []upload
	problem []string

	// answer overrides the next answers: an error word of the API or the webhook, "429 1", "500", "html".
	answers []string
	pageOf  int // messages a page of the history; 0: all
	// refuse is what this Slack does not take, or says so of.
	refuse refusal
	noLook bool // the token may not read the history
	// says is the error that a method answers with, each time: "files.completeUploadExternal"; "500" and "html" too.
	says map[string]string
}

// refusal is a word of Slack's, and what of a message it is said to.
type refusal struct {
	word string
	to   func(m url.Values) bool
}

func (r refusal) of(m url.Values) bool { return r.to != nil && r.to(m) }

func always(url.Values) bool        { return true }
func blocks(m url.Values) bool      { return m.Get("blocks") != "" }
func metadata(m url.Values) bool    { return m.Get("metadata") != "" }
func chart(m url.Values) bool       { return strings.Contains(m.Get("blocks"), `"data_visualization"`) }
func table(m url.Values) bool       { return strings.Contains(m.Get("blocks"), `"table"`) }
func manyLetters(m url.Values) bool { return len(m.Get("text")) > 700 }

func newStandIn(t *testing.T) *standIn {
	s := &standIn{}
	mux := http.NewServeMux()
	mux.HandleFunc("/api/chat.postMessage", s.post)
	mux.HandleFunc("/api/conversations.history", s.history)
	mux.HandleFunc("/api/chat.update", s.update)
	mux.HandleFunc("/api/files.getUploadURLExternal", s.uploadURL)
	mux.HandleFunc("/upload", s.upload)
	mux.HandleFunc("/api/files.completeUploadExternal", s.completeUpload)
	mux.HandleFunc(hookPath, s.hook)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		word := s.says[strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/api/"), "/")]
		answered := word != "" && s.say(w, word, true)
		s.mu.Unlock()
		if !answered {
			mux.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(func() {
		s.Close()
		for _, p := range s.problem {
			t.Error(p)
		}
	})
	return s
}

func (s *standIn) byToken(t *testing.T, change ...func(*slack.Config)) *slack.Poster {
	return s.poster(t, slack.Config{Token: providers.NewSecret(token), Channel: channel, APIURL: s.URL + "/api"}, change...)
}

func (s *standIn) byHook(t *testing.T, change ...func(*slack.Config)) *slack.Poster {
	return s.poster(t, slack.Config{Webhook: providers.NewSecret(s.URL + hookPath)}, change...)
}

func (s *standIn) poster(t *testing.T, c slack.Config, change ...func(*slack.Config)) *slack.Poster {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	c.Transport = transport
	for _, f := range change {
		f(&c)
	}
	p, err := slack.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// will sets the next answers; left counts those that were not given.
func (s *standIn) will(answers ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers = answers
}

func (s *standIn) left() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.answers)
}

// next takes the next overriding answer; it reports whether there was one and it was given.
func (s *standIn) next(w http.ResponseWriter, api bool) bool {
	if len(s.answers) == 0 || s.answers[0] == "" {
		if len(s.answers) > 0 {
			s.answers = s.answers[1:]
		}
		return false
	}
	answer := s.answers[0]
	s.answers = s.answers[1:]
	return s.say(w, answer, api)
}

// say answers with an error of Slack's, or of what stands before it.
func (s *standIn) say(w http.ResponseWriter, answer string, api bool) bool {
	code, after, _ := strings.Cut(answer, " ")
	status, err := strconv.Atoi(code)
	switch {
	case err == nil && status == http.StatusFound:
		w.Header().Set("Location", "https://elsewhere.example/"+token)
		w.WriteHeader(status)
	case err == nil:
		if after != "" {
			w.Header().Set("Retry-After", after)
		}
		w.WriteHeader(status)
	case answer == "html":
		io.WriteString(w, "<html>proxy of the house</html>")
	case answer == "hang up":
		panic(http.ErrAbortHandler)
	case api:
		json.NewEncoder(w).Encode(map[string]any{"ok": false, "error": answer})
	default:
		http.Error(w, answer, http.StatusForbidden)
	}
	return true
}

func (s *standIn) post(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.ParseForm()
	if s.next(w, true) {
		return
	}
	if s.refuse.of(r.Form) {
		if word, taken := strings.CutPrefix(s.refuse.word, "taken, and "); taken {
			s.posts = append(s.posts, r.Form)
			s.answers = []string{word}
		} else {
			s.answers = []string{word}
		}
		s.next(w, true)
		return
	}
	s.check(r.Form.Get("text"), r.Form.Get("blocks"))
	s.posts = append(s.posts, r.Form)
	json.NewEncoder(w).Encode(map[string]any{"ok": true, "channel": channel, "ts": s.ts(len(s.posts) - 1)})
}

func (s *standIn) ts(i int) string { return "1763888400." + strconv.Itoa(100000+i) }

func (s *standIn) check(text, blocks string) {
	m := message{Text: text}
	if blocks == "" {
		return // plain text is checked by its own test
	}
	if err := json.Unmarshal([]byte(blocks), &m.Blocks); err != nil {
		s.problem = append(s.problem, err.Error())
	}
	s.problem = append(s.problem, m.problems()...)
}

func (s *standIn) history(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.ParseForm()
	if s.next(w, true) {
		return
	}
	if s.noLook {
		json.NewEncoder(w).Encode(map[string]any{"ok": false, "error": "missing_scope"})
		return
	}
	if r.Form.Get("include_all_metadata") != "1" || r.Form.Get("channel") != channel {
		s.problem = append(s.problem, "history asked for: "+r.Form.Encode())
	}
	from, _ := strconv.Atoi(r.Form.Get("cursor"))
	to := len(s.posts)
	if s.pageOf > 0 {
		to = min(to, from+s.pageOf)
	}
	var messages []map[string]any
	for i := from; i < to; i++ {
		var metadata map[string]any
		json.Unmarshal([]byte(s.posts[i].Get("metadata")), &metadata)
		messages = append(messages, map[string]any{"type": "message", "ts": s.ts(i), "metadata": metadata})
	}
	answer := map[string]any{"ok": true, "messages": messages, "has_more": to < len(s.posts)}
	if to < len(s.posts) {
		answer["response_metadata"] = map[string]any{"next_cursor": strconv.Itoa(to)}
	}
	json.NewEncoder(w).Encode(answer)
}

func (s *standIn) hook(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	data, _ := io.ReadAll(r.Body)
	if s.next(w, false) {
		return
	}
	var m struct {
		Text   string          `json:"text"`
		Blocks json.RawMessage `json:"blocks"`
	}
	if err := json.Unmarshal(data, &m); err != nil {
		s.problem = append(s.problem, err.Error())
	}
	if s.refuse.of(url.Values{"text": {m.Text}, "blocks": {string(m.Blocks)}}) {
		http.Error(w, s.refuse.word, http.StatusBadRequest)
		return
	}
	s.check(m.Text, string(m.Blocks))
	kept := message{Text: m.Text}
	json.Unmarshal(m.Blocks, &kept.Blocks)
	s.hooks = append(s.hooks, kept)
	io.WriteString(w, "ok")
}

func (s *standIn) update(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.ParseForm()
	if s.next(w, true) {
		return
	}
	if s.refuse.of(r.Form) {
		json.NewEncoder(w).Encode(map[string]any{"ok": false, "error": s.refuse.word})
		return
	}
	s.check(r.Form.Get("text"), r.Form.Get("blocks"))
	s.updates = append(s.updates, r.Form)
	json.NewEncoder(w).Encode(map[string]any{"ok": true, "channel": r.Form.Get("channel"), "ts": r.Form.Get("ts")})
}

// upload is a file on its way into a thread.
type upload struct{ content, channel, thread string }

func (s *standIn) uploadURL(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next(w, true) {
		return
	}
	json.NewEncoder(w).Encode(map[string]any{"ok": true, "file_id": "F1", "upload_url": s.URL + "/upload"})
}

func (s *standIn) upload(w http.ResponseWriter, r *http.Request) {
	file, _, err := r.FormFile("file")
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	content, _ := io.ReadAll(file)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files = append(s.files, upload{content: string(content)})
}

func (s *standIn) completeUpload(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.ParseForm()
	last := &s.files[len(s.files)-1]
	last.channel, last.thread = r.Form.Get("channel_id"), r.Form.Get("thread_ts")
	json.NewEncoder(w).Encode(map[string]any{"ok": true, "files": []map[string]any{{"id": "F1"}}})
}
