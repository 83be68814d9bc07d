package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// socket is one Socket Mode connection (docs.slack.dev, Using Socket Mode).
type socket struct {
	conn *websocket.Conn
	mu   sync.Mutex // one writer at a time
}

func (s *socket) send(v any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conn.WriteJSON(v)
}

// View is a modal that was opened.
type View struct {
	ID      string
	Trigger string
	View    json.RawMessage
}

// Whisper is an ephemeral message.
type Whisper struct{ Channel, User, Text string }

// sockets are what Socket Mode adds to a [Slack]. All is guarded by Slack.mu.
type sockets struct {
	open     []*socket
	tickets  map[string]bool
	acked    map[string]int
	triggers map[string]bool // that open a view, once
	views    []View
	whispers []Whisper
	next     int // whose turn it is
}

const pingEvery = 5 * time.Second

// openConnection is apps.connections.open, which takes the app-level token alone.
func (s *Slack) openConnection(token string) map[string]any {
	switch {
	case s.opts.AppToken == "":
		return refuse("not_allowed_token_type")
	case token != s.opts.AppToken:
		return refuse("invalid_auth")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq++
	ticket := fmt.Sprintf("ticket-%d", s.seq)
	if s.sockets.tickets == nil {
		s.sockets.tickets, s.sockets.acked, s.sockets.triggers = map[string]bool{}, map[string]int{}, map[string]bool{}
	}
	s.sockets.tickets[ticket] = true
	return map[string]any{"ok": true, "url": "ws://" + s.listener.Addr().String() + "/link/?ticket=" + ticket + "&app_id=A0SIMULATED"}
}

// link holds a connection: hello, pings, acknowledgements.
func (s *Slack) link(w http.ResponseWriter, r *http.Request) {
	ticket := r.URL.Query().Get("ticket")
	s.mu.Lock()
	good := s.sockets.tickets[ticket]
	delete(s.sockets.tickets, ticket) // a URL is good once
	s.mu.Unlock()
	if !good {
		http.Error(w, "no such ticket", http.StatusForbidden)
		return
	}
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	conn, err := up.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	one := &socket{conn: conn}
	defer conn.Close()
	s.mu.Lock()
	s.sockets.open = append(s.sockets.open, one)
	n := len(s.sockets.open)
	s.mu.Unlock()
	defer s.drop(one)
	hello := map[string]any{"type": "hello", "num_connections": n, "connection_info": map[string]any{"app_id": "A0SIMULATED"},
		"debug_info": map[string]any{"host": "simulated", "approximate_connection_time": 18060}}
	if one.send(hello) != nil {
		return
	}
	over := make(chan struct{})
	defer close(over)
	go one.keep(over, s.done)
	for {
		var ack struct {
			EnvelopeID string `json:"envelope_id"`
		}
		if conn.ReadJSON(&ack) != nil {
			return
		}
		s.mu.Lock()
		s.sockets.acked[ack.EnvelopeID]++
		s.mu.Unlock()
	}
}

func (s *Slack) drop(one *socket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sockets.open = slices.DeleteFunc(s.sockets.open, func(o *socket) bool { return o == one })
}

// keep pings until the connection is over.
func (s *socket) keep(over, done <-chan struct{}) {
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	for {
		select {
		case <-over:
			return
		case <-done:
			s.conn.Close()
			return
		case <-tick.C:
			s.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(time.Second)) // may be used beside a writer
		}
	}
}

// Connections counts the Socket Mode connections that are open.
func (s *Slack) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sockets.open)
}

// Acknowledged counts the acknowledgements of an envelope.
func (s *Slack) Acknowledged(envelope string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sockets.acked[envelope]
}

// Views gives the modals that were opened, oldest first.
func (s *Slack) Views() []View {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.sockets.views)
}

// Whispers gives the ephemeral messages, oldest first.
func (s *Slack) Whispers() []Whisper {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.sockets.whispers)
}

// Refresh asks all connections to be made anew, as Slack does every few hours, and hangs up.
func (s *Slack) Refresh() {
	s.mu.Lock()
	open := slices.Clone(s.sockets.open)
	s.mu.Unlock()
	for _, one := range open {
		one.send(map[string]any{"type": "disconnect", "reason": "refresh_requested", "debug_info": map[string]any{"host": "simulated"}})
		one.conn.Close()
	}
}

// Deliver sends an envelope over one of the connections, in turn; the same envelope may be delivered again.
func (s *Slack) Deliver(envelope string, payload any) error {
	s.mu.Lock()
	if len(s.sockets.open) == 0 {
		s.mu.Unlock()
		return errors.New("nobody is connected")
	}
	one := s.sockets.open[s.sockets.next%len(s.sockets.open)]
	s.sockets.next++
	s.mu.Unlock()
	return one.send(map[string]any{"envelope_id": envelope, "type": "interactive", "accepts_response_payload": true, "payload": payload})
}

// NextID is an id that was not given before.
func (s *Slack) NextID(prefix string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq++
	return fmt.Sprintf("%s%d", prefix, s.seq)
}

// Press is the payload of a click on the button with an action id under a message, as it stands; about is a part of the button's
// value, "" any. false: there is no such button.
func (s *Slack) Press(user, ts, action, about string) (payload map[string]any, ok bool) {
	posts := s.Posts()
	for _, p := range slices.Backward(posts) {
		if p.TS != ts {
			continue
		}
		var sent struct {
			Blocks []struct {
				BlockID  string `json:"block_id"`
				Type     string `json:"type"`
				Elements []struct {
					Type     string `json:"type"`
					ActionID string `json:"action_id"`
					Value    string `json:"value"`
				} `json:"elements"`
			} `json:"blocks"`
		}
		json.Unmarshal(p.Payload, &sent)
		for _, b := range sent.Blocks {
			for _, e := range b.Elements {
				if b.Type != "actions" || e.ActionID != action || !strings.Contains(e.Value, about) {
					continue
				}
				return s.press(user, p.Channel, ts, action, e.Value), true
			}
		}
		return nil, false
	}
	return nil, false
}

func (s *Slack) press(user, channel, ts, action, value string) map[string]any {
	trigger, at := s.NextID("trigger-"), s.NextID("1700000000.")
	s.mu.Lock()
	s.sockets.triggers[trigger] = true
	s.mu.Unlock()
	return map[string]any{
		"type": "block_actions", "trigger_id": trigger, "api_app_id": "A0SIMULATED",
		"team": map[string]any{"id": "T00000000"}, "user": map[string]any{"id": user, "username": strings.ToLower(user), "name": strings.ToLower(user)},
		"container": map[string]any{"type": "message", "message_ts": ts, "channel_id": channel, "is_ephemeral": false},
		"channel":   map[string]any{"id": channel, "name": "mail-audit"}, "message": map[string]any{"type": "message", "ts": ts},
		"actions": []map[string]any{{"type": "button", "action_id": action, "block_id": "b", "value": value, "action_ts": at}},
	}
}

// Submit is the payload of a form that is sent; entered are a block's element as Slack has it in its state.
func (v View) Submit(user string, entered map[string]map[string]any) map[string]any {
	var view map[string]any
	json.Unmarshal(v.View, &view)
	values := map[string]any{}
	for block, element := range entered {
		values[block] = map[string]any{block: element}
	}
	view["id"], view["state"] = v.ID, map[string]any{"values": values}
	return map[string]any{
		"type": "view_submission", "team": map[string]any{"id": "T00000000"}, "api_app_id": "A0SIMULATED",
		"user": map[string]any{"id": user, "username": strings.ToLower(user), "name": strings.ToLower(user)}, "view": view,
	}
}

// openView is views.open: a trigger is good once.
func (s *Slack) openView(args map[string]json.RawMessage) map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	trigger := str(args["trigger_id"])
	if !s.sockets.triggers[trigger] {
		return refuse("expired_trigger_id")
	}
	delete(s.sockets.triggers, trigger)
	s.seq++
	v := View{ID: fmt.Sprintf("V%08d", s.seq), Trigger: trigger, View: slices.Clone(args["view"])}
	s.sockets.views = append(s.sockets.views, v)
	return map[string]any{"ok": true, "view": map[string]any{"id": v.ID, "type": "modal"}}
}

func (s *Slack) whisper(args map[string]json.RawMessage) map[string]any {
	if answer := s.channelError(str(args["channel"])); answer != nil {
		return answer
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sockets.whispers = append(s.sockets.whispers, Whisper{str(args["channel"]), str(args["user"]), str(args["text"])})
	return map[string]any{"ok": true, "message_ts": s.nextTS()}
}
