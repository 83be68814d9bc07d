package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// SlackOptions of a [Slack].
type SlackOptions struct {
	Token   string // the one bot token that is good. Default: xoxb-simulated
	Channel string // the one channel that the bot is in, by id. Default: any
	Mood    SlackMood
	// AppToken is the app-level token that opens Socket Mode connections; "": the app has no Socket Mode.
	AppToken string
}

// SlackMood is what callers meet. The zero value is a good day.
type SlackMood struct {
	Errors     map[string]string // by method ("chat.postMessage", "webhook"): the error it answers with
	Status     int               // an HTTP status in place of an answer: 429, 500, 503
	RetryAfter time.Duration     // with 429
	Times      int               // so many calls meet this mood, then all is well. 0: all
	Only       string            // this method alone
	// DropAfter takes the message and hangs up before the answer, so that nobody knows.
	DropAfter bool
	Hang      bool   // never answers
	Scopes    string // what the token may do, with commas; "": all that a summary needs
	NoBlock   string // a type of block that this workspace refuses: "table"
}

// Post is one message as it was sent.
type Post struct {
	Method   string // chat.postMessage, chat.update or webhook
	Channel  string // "" for a webhook
	TS       string // the message's id in its channel
	ThreadTS string
	Payload  json.RawMessage // blocks, text and the rest; the token is left out
}

// File is an upload that was completed.
type File struct {
	ID, Name, Title, Channel, ThreadTS string
	Content                            []byte
}

// Slack stands in for Slack's web API and its incoming webhooks, in clear on loopback.
type Slack struct {
	opts     SlackOptions
	listener net.Listener
	http     *http.Server
	running  sync.WaitGroup
	done     chan struct{}

	mu      sync.Mutex
	mood    SlackMood
	met     int
	calls   map[string]int
	posts   []Post
	uploads map[string]*File
	files   []File
	seq     int
	sockets sockets
}

// StartSlack answers until Close.
func StartSlack(opts SlackOptions) (*Slack, error) {
	if opts.Token == "" {
		opts.Token = "xoxb-simulated"
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("simulated Slack: listen: %w", err)
	}
	s := &Slack{
		opts: opts, listener: listener, mood: opts.Mood, done: make(chan struct{}),
		calls: make(map[string]int), uploads: make(map[string]*File),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/{method}", s.api)
	mux.HandleFunc("GET /api/{method}", s.api)
	mux.HandleFunc("POST /services/{rest...}", s.webhook)
	mux.HandleFunc("POST /upload/{id}", s.upload)
	mux.HandleFunc("GET /link/", s.link)
	s.http = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	s.running.Go(func() { s.http.Serve(listener) })
	return s, nil
}

// APIURL is for slack.api_url.
func (s *Slack) APIURL() string { return "http://" + s.listener.Addr().String() + "/api/" }

// WebhookURL is for slack.webhook.
func (s *Slack) WebhookURL() string {
	return "http://" + s.listener.Addr().String() + "/services/T00000000/B00000000/simulated"
}

// SetMood changes what the next calls meet.
func (s *Slack) SetMood(m SlackMood) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mood, s.met = m, 0
}

// Posts gives what was taken so far, oldest first, an update as a post of its own.
func (s *Slack) Posts() []Post {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.posts)
}

// Files gives the completed uploads, oldest first.
func (s *Slack) Files() []File {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.files)
}

// Calls counts the calls by method, refused ones too.
func (s *Slack) Calls() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make(map[string]int, len(s.calls))
	for k, v := range s.calls {
		out[k] = v
	}
	return out
}

// Close hangs up on everybody.
func (s *Slack) Close() {
	s.mu.Lock()
	select {
	case <-s.done:
	default:
		close(s.done)
	}
	s.mu.Unlock()
	s.http.Close()
	s.running.Wait()
	// Close does not wait for handlers; those that hang see done, and Shutdown returns when all are over.
	s.http.Shutdown(context.Background())
}

// moody does what the mood has for a call; true means that the call is answered.
func (s *Slack) moody(w http.ResponseWriter, r *http.Request, method string) (mood SlackMood, answered bool) {
	s.mu.Lock()
	s.calls[method]++
	mood = s.mood
	if mood.Only != "" && mood.Only != method {
		mood = SlackMood{}
	} else if s.met++; mood.Times > 0 && s.met > mood.Times {
		mood = SlackMood{}
	}
	s.mu.Unlock()
	switch {
	case mood.Hang:
		select {
		case <-s.done:
		case <-r.Context().Done():
		}
		return mood, true
	case mood.Status != 0:
		if mood.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(mood.RetryAfter.Seconds())))
		}
		w.WriteHeader(mood.Status)
		if mood.Status == http.StatusTooManyRequests {
			io.WriteString(w, `{"ok":false,"error":"ratelimited"}`)
		}
		return mood, true
	}
	return mood, false
}

// nextTS is a message's id, with mu held.
func (s *Slack) nextTS() string {
	s.seq++
	return fmt.Sprintf("%d.%06d", time.Now().Unix(), s.seq)
}
