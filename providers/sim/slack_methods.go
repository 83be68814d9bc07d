package sim

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
)

func (s *Slack) call(method string, args map[string]json.RawMessage, noBlock string) map[string]any {
	switch method {
	case "auth.test":
		return map[string]any{"ok": true, "url": "https://simulated.slack.com/", "team": "Simulated", "user": "mailaudit",
			"team_id": "T00000000", "user_id": "U00000000", "bot_id": "B00000000"}
	case "chat.postMessage", "chat.update":
		return s.post(method, args, noBlock)
	case "blocks.validate":
		return validate(args, noBlock)
	case "views.open":
		return s.openView(args)
	case "chat.postEphemeral":
		return s.whisper(args)
	case "conversations.info":
		if answer := s.channelError(str(args["channel"])); answer != nil {
			return answer
		}
		return map[string]any{"ok": true, "channel": map[string]any{"id": str(args["channel"]), "name": "mail-audit", "is_channel": true, "is_member": true}}
	case "conversations.history", "conversations.replies":
		return s.history(method, args)
	case "files.getUploadURLExternal":
		return s.uploadURL(args)
	case "files.completeUploadExternal":
		return s.completeUpload(args)
	}
	return refuse("unknown_method")
}

func (s *Slack) post(method string, args map[string]json.RawMessage, noBlock string) map[string]any {
	channel := str(args["channel"])
	if answer := s.channelError(channel); answer != nil {
		return answer
	}
	if problem := checkMessage(args, noBlock); problem != nil {
		return problem
	}
	delete(args, "token")
	payload, err := verbatim(args)
	if err != nil {
		return refuse("invalid_json")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ts := str(args["ts"])
	if method == "chat.update" {
		if !slices.ContainsFunc(s.posts, func(p Post) bool { return p.TS == ts && p.Channel == channel }) {
			return refuse("message_not_found")
		}
	} else {
		ts = s.nextTS()
	}
	s.posts = append(s.posts, Post{Method: method, Channel: channel, TS: ts, ThreadTS: str(args["thread_ts"]), Payload: payload})
	return map[string]any{"ok": true, "channel": channel, "ts": ts, "message": args}
}

// validate says what chat.postMessage would say of the blocks, and posts nothing.
func validate(args map[string]json.RawMessage, noBlock string) map[string]any {
	if len(args["blocks"]) == 0 {
		return refuse("invalid_arguments")
	}
	if problem := checkMessage(map[string]json.RawMessage{"blocks": args["blocks"]}, noBlock); problem != nil {
		return problem
	}
	return map[string]any{"ok": true}
}

// history lists the channel's messages, newest first, each as it was last updated.
func (s *Slack) history(method string, args map[string]json.RawMessage) map[string]any {
	channel := str(args["channel"])
	if answer := s.channelError(channel); answer != nil {
		return answer
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	messages := []map[string]any{}
	index := make(map[string]int)
	for _, p := range s.posts {
		inThread := p.ThreadTS != "" && p.ThreadTS != p.TS
		if p.Channel != channel || method == "conversations.history" && inThread ||
			method == "conversations.replies" && p.ThreadTS != str(args["ts"]) && p.TS != str(args["ts"]) ||
			str(args["oldest"]) != "" && p.TS <= str(args["oldest"]) {
			continue
		}
		m := map[string]any{"type": "message", "bot_id": "B00000000", "user": "U00000000", "ts": p.TS}
		var sent map[string]json.RawMessage
		json.Unmarshal(p.Payload, &sent)
		for _, k := range []string{"text", "blocks", "attachments", "thread_ts"} {
			if v, ok := sent[k]; ok {
				m[k] = v
			}
		}
		if v, ok := sent["metadata"]; ok && truth(args["include_all_metadata"]) {
			m["metadata"] = v
		}
		if i, ok := index[p.TS]; ok {
			if before, kept := messages[i]["metadata"]; kept && m["metadata"] == nil {
				m["metadata"] = before // an update that names none leaves it
			}
			messages[i] = m
			continue
		}
		index[p.TS] = len(messages)
		messages = append(messages, m)
	}
	slices.Reverse(messages)
	return map[string]any{"ok": true, "messages": messages, "has_more": false}
}

func (s *Slack) channelError(channel string) map[string]any {
	if channel == "" || s.opts.Channel != "" && channel != s.opts.Channel {
		return refuse("channel_not_found")
	}
	return nil
}

func (s *Slack) uploadURL(args map[string]json.RawMessage) map[string]any {
	if str(args["filename"]) == "" || str(args["length"]) == "" {
		return refuse("invalid_arguments")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq++
	id := fmt.Sprintf("F%08d", s.seq)
	s.uploads[id] = &File{ID: id, Name: str(args["filename"])}
	return map[string]any{"ok": true, "file_id": id, "upload_url": "http://" + s.listener.Addr().String() + "/upload/" + id}
}

func (s *Slack) upload(w http.ResponseWriter, r *http.Request) {
	if _, answered := s.moody(w, r, "upload"); answered {
		return
	}
	var in io.Reader = r.Body
	if f, _, err := r.FormFile("file"); err == nil {
		defer f.Close()
		in = f
	}
	content, err := io.ReadAll(in)
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.uploads[r.PathValue("id")]
	if f == nil || err != nil {
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	f.Content = content
	fmt.Fprintf(w, "OK - %d", len(content))
}

func (s *Slack) completeUpload(args map[string]json.RawMessage) map[string]any {
	var named []struct{ ID, Title string }
	if err := json.Unmarshal(args["files"], &named); err != nil {
		return refuse("invalid_arguments")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var done []map[string]any
	for _, n := range named {
		f := s.uploads[n.ID]
		if f == nil || f.Content == nil {
			return refuse("file_not_found")
		}
		f.Title, f.Channel, f.ThreadTS = n.Title, str(args["channel_id"]), str(args["thread_ts"])
		s.files = append(s.files, *f)
		delete(s.uploads, n.ID)
		done = append(done, map[string]any{"id": f.ID, "title": f.Title})
	}
	return map[string]any{"ok": true, "files": done}
}
