package sim

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

func (s *Slack) api(w http.ResponseWriter, r *http.Request) {
	method := r.PathValue("method")
	args, token, err := arguments(r)
	mood, answered := s.moody(w, r, method)
	if answered {
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("X-OAuth-Scopes", cmp.Or(mood.Scopes, "chat:write,channels:read,channels:history,files:write"))
	var answer map[string]any
	switch {
	case err != nil:
		answer = refuse("invalid_json")
	case token == "":
		answer = refuse("not_authed")
	case method == "apps.connections.open":
		answer = s.openConnection(token)
	case token != s.opts.Token:
		answer = refuse("invalid_auth")
	case mood.Errors[method] != "":
		answer = refuse(mood.Errors[method])
	default:
		answer = s.call(method, args, mood.NoBlock)
	}
	if mood.DropAfter {
		hangUp(w)
		return
	}
	json.NewEncoder(w).Encode(answer)
}

// webhook answers in plain text, as incoming webhooks do.
func (s *Slack) webhook(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	mood, answered := s.moody(w, r, "webhook")
	if answered {
		return
	}
	var args map[string]json.RawMessage
	if err != nil || json.Unmarshal(body, &args) != nil {
		http.Error(w, "invalid_payload", http.StatusBadRequest)
		return
	}
	if said := mood.Errors["webhook"]; said != "" {
		status := map[string]int{"no_service": 404, "channel_not_found": 404, "channel_is_archived": 410, "action_prohibited": 403}[said]
		http.Error(w, said, max(status, http.StatusBadRequest))
		return
	}
	if problem := checkMessage(args, mood.NoBlock); problem != nil {
		http.Error(w, fmt.Sprint(problem["error"]), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	s.posts = append(s.posts, Post{Method: "webhook", TS: s.nextTS(), Payload: body})
	s.mu.Unlock()
	if mood.DropAfter {
		hangUp(w)
		return
	}
	io.WriteString(w, "ok")
}

// arguments reads a call's arguments, from JSON or a form; a form's members that are JSON become it.
func arguments(r *http.Request) (args map[string]json.RawMessage, token string, err error) {
	token = strings.TrimSpace(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer"))
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return nil, "", fmt.Errorf("read a call: %w", err)
	}
	args = make(map[string]json.RawMessage)
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		if len(bytes.TrimSpace(body)) == 0 {
			return args, token, nil // apps.connections.open has no arguments
		}
		err = json.Unmarshal(body, &args)
		return args, token, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, "", fmt.Errorf("read a call: %w", err)
	}
	for k, v := range r.URL.Query() {
		form[k] = v
	}
	for k := range form {
		value := form.Get(k)
		switch k {
		case "token":
			token = value
			continue
		case "blocks", "attachments", "metadata", "files":
			if !json.Valid([]byte(value)) {
				return nil, "", errors.New("read a call: not JSON")
			}
			args[k] = json.RawMessage(value)
			continue
		}
		if args[k], err = verbatim(value); err != nil {
			return nil, "", fmt.Errorf("read a call: %w", err)
		}
	}
	return args, token, nil
}

// verbatim is JSON without the escapes that the standard library adds for HTML.
func verbatim(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSpace(b.Bytes()), err
}

func str(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return strings.Trim(string(raw), `"`)
	}
	return s
}

func truth(raw json.RawMessage) bool { s := str(raw); return s == "true" || s == "1" }

func refuse(word string, details ...string) map[string]any {
	answer := map[string]any{"ok": false, "error": word}
	if len(details) > 0 {
		answer["response_metadata"] = map[string]any{"messages": details}
	}
	return answer
}

func hangUp(w http.ResponseWriter) {
	if h, ok := w.(http.Hijacker); ok {
		if conn, _, err := h.Hijack(); err == nil {
			conn.Close()
		}
	}
}
