package years

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"mailaudit/cmd/mailaudit/years/observe"
)

// slackModel is the channel.
type slackModel struct {
	mood     string
	messages []*slackMessage
	uploads  int
}

type slackMessage struct {
	ts, thread, text string
	metadata         json.RawMessage
}

// transport is HTTP as one process reaches it: Slack, and who else tells the time by the Date of an answer.
type transport struct {
	w *World
	p *Process
}

// Transport is everything that is reached by HTTP.
func (w *World) Transport(p *Process) http.RoundTripper { return transport{w, p} }

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		r.Body.Close()
	}
	if err := t.p.enter("http", r.Method, r.URL.Path, string(body)); err != nil {
		return nil, err
	}
	answer, wait, err := t.w.http(t.p, r, body)
	if left := t.p.leave("http", nil); left != nil {
		return nil, left
	}
	t.p.Pause(wait)
	return answer, err
}

func (w *World) http(p *Process, r *http.Request, body []byte) (*http.Response, time.Duration, error) {
	if r.Method == http.MethodHead {
		return respond(r, 200, "", ""), 0, nil
	}
	method := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	if strings.HasPrefix(r.URL.Path, "/upload") {
		return respond(r, 200, "OK", ""), 0, nil
	}
	values, _ := url.ParseQuery(string(body))
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		values = url.Values{}
		var fields map[string]json.RawMessage
		json.Unmarshal(body, &fields) //nolint:errcheck // what is no JSON has no fields
		for k, v := range fields {
			var text string
			if json.Unmarshal(v, &text) != nil {
				text = string(v)
			}
			values.Set(k, text)
		}
	}
	if strings.HasPrefix(r.URL.Path, "/services/") {
		method = "webhook"
	}
	seen := observe.SlackCall{Method: method, Thread: values.Get("thread_ts") != "", Raw: scrubbed(values)}
	seen.Text = slackText(values)
	var meta struct {
		Payload map[string]any `json:"event_payload"`
	}
	if json.Unmarshal([]byte(values.Get("metadata")), &meta) == nil {
		seen.Run, _ = meta.Payload["run"].(string)
	}
	status, answer, wait, err := 200, "", 100*time.Millisecond, error(nil)
	posts := method == "chat.postMessage" || method == "chat.update" || method == "webhook"
	pick := w.chance("slack", w.observed)
	switch {
	case w.slack.mood == hanging:
		wait, err = 30*time.Second, errors.New("net/http: request canceled (Client.Timeout exceeded while awaiting headers)")
	case w.slack.mood == refuses:
		answer, seen.Error = `{"ok":false,"error":"service_unavailable"}`, "service_unavailable"
		if method == "webhook" {
			status, answer = 503, "service_unavailable"
		}
	case w.slack.mood == throttle && pick.IntN(2) == 0:
		status, answer, seen.Error = 429, `{"ok":false,"error":"ratelimited"}`, "ratelimited"
	case w.slack.mood == perhaps && posts && pick.IntN(2) == 0:
		if pick.IntN(2) == 0 {
			w.slackSays(method, values)
			seen.Arrived = true
		}
		wait, err = time.Second, io.ErrUnexpectedEOF
	default:
		answer = w.slackSays(method, values)
		seen.Arrived = posts
		if strings.Contains(answer, `"ok":false`) {
			seen.Arrived, seen.Error = false, "refused"
		}
	}
	if err == nil {
		seen.Status = status
	}
	w.observe(p, seen)
	if err != nil {
		return nil, wait, err
	}
	retry := ""
	if status == 429 {
		retry = "5"
	}
	return respond(r, status, answer, retry), wait, nil
}

func respond(r *http.Request, status int, body, retryAfter string) *http.Response {
	h := http.Header{"Date": {time.Now().UTC().Format(http.TimeFormat)}, "Content-Type": {"application/json"}}
	if retryAfter != "" {
		h.Set("Retry-After", retryAfter)
	}
	return &http.Response{
		StatusCode: status, Status: fmt.Sprint(status, " ", http.StatusText(status)), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, Body: io.NopCloser(bytes.NewReader([]byte(body))), ContentLength: int64(len(body)), Request: r,
	}
}

// slackSays carries a call out.
func (w *World) slackSays(method string, v url.Values) string {
	s := &w.slack
	switch method {
	case "chat.postMessage":
		m := &slackMessage{
			ts: fmt.Sprintf("%d.%06d", time.Now().Unix(), len(s.messages)), thread: v.Get("thread_ts"), text: v.Get("text"),
			metadata: json.RawMessage(v.Get("metadata")),
		}
		s.messages = append(s.messages, m)
		return fmt.Sprintf(`{"ok":true,"channel":%q,"ts":%q}`, v.Get("channel"), m.ts)
	case "chat.update":
		for _, m := range s.messages {
			if m.ts == v.Get("ts") {
				m.text = v.Get("text")
				return fmt.Sprintf(`{"ok":true,"channel":%q,"ts":%q}`, v.Get("channel"), m.ts)
			}
		}
		return `{"ok":false,"error":"message_not_found"}`
	case "conversations.history":
		var all []map[string]any
		for i := len(s.messages) - 1; i >= 0; i-- {
			if m := s.messages[i]; m.ts > v.Get("oldest") && m.thread == "" {
				one := map[string]any{"type": "message", "ts": m.ts, "text": m.text}
				if len(m.metadata) > 0 {
					one["metadata"] = m.metadata
				}
				all = append(all, one)
			}
		}
		out, err := json.Marshal(map[string]any{"ok": true, "messages": all, "has_more": false})
		if err != nil {
			return `{"ok":false,"error":"internal_error"}`
		}
		return string(out)
	case "files.getUploadURLExternal":
		s.uploads++
		return fmt.Sprintf(`{"ok":true,"file_id":"F%d","upload_url":"https://slack.example/upload/%[1]d"}`, s.uploads)
	case "files.completeUploadExternal":
		return `{"ok":true,"files":[]}`
	case "webhook":
		return "ok"
	}
	return `{"ok":true}`
}

func scrubbed(v url.Values) []byte {
	v.Del("token")
	return []byte(v.Encode())
}

// slackText is what people read of a message.
func slackText(v url.Values) string {
	var b strings.Builder
	b.WriteString(v.Get("text"))
	for _, part := range []string{"blocks", "attachments"} {
		var any any
		if json.Unmarshal([]byte(v.Get(part)), &any) == nil {
			texts(&b, any)
		}
	}
	return b.String()
}

func texts(b *strings.Builder, v any) {
	switch v := v.(type) {
	case []any:
		for _, one := range v {
			texts(b, one)
		}
	case map[string]any:
		if text, ok := v["text"].(string); ok {
			b.WriteString("\n" + text)
		}
		for _, k := range []string{"text", "title", "fields", "elements", "accessory", "blocks", "rows", "cells"} {
			if _, plain := v[k].(string); !plain {
				texts(b, v[k])
			}
		}
	}
}
