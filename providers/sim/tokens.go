package sim

import (
	"cmp"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"

	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"time"
)

// TokenOptions of a [Tokens].
type TokenOptions struct {
	Authority *Authority // signs the certificate; required
	World     *World     // the grants; required
	Hosts     []string   // names in the certificate
	Client    string     // the one client that is known; "" takes any
	Secret    string     // the client's
	Rotation  Rotation
	Mood      TokenMood // changed later by SetMood
}

// TokenMood is how a token endpoint treats its clients. The zero value is a good day.
type TokenMood struct {
	Wait       time.Duration
	Hang       bool   // never answers
	Drop       bool   // hangs up without an answer
	DropAfter  bool   // does what it was asked and hangs up: the answer is lost
	Answer     string // in place of its own: HTTP status, line feed, body
	RetryAfter string // beside Answer
	HTML       bool   // Answer is a page
	Redirect   string // to where every request is sent
	Large      int    // so many bytes more of body
	Echo       bool   // a refusal repeats what the client sent
	Form       TokenForm
}

// Tokens plays a provider's OAuth token endpoint on loopback, once over TLS and once in clear.
type Tokens struct {
	opts          TokenOptions
	secure, clear *httptest.Server
	done          chan struct{}

	mu       sync.Mutex
	mood     TokenMood
	requests []TokenRequest
}

// TokenRequest is what a client asked for.
type TokenRequest struct {
	Host, Client, Scope string
	Login               string // whose grant it was; "" if it was refused
	Basic               bool   // the client's credentials stood in a header
}

// StartTokens plays a token endpoint until Close.
func StartTokens(opts TokenOptions) (*Tokens, error) {
	if opts.Authority == nil || opts.World == nil {
		return nil, errors.New("simulated token endpoint: needs an authority and a world")
	}
	cert, err := opts.Authority.Issue(append([]string{"localhost", "127.0.0.1"}, opts.Hosts...)...)
	if err != nil {
		return nil, fmt.Errorf("simulated token endpoint: %w", err)
	}
	t := &Tokens{opts: opts, mood: opts.Mood, done: make(chan struct{})}
	t.clear = httptest.NewServer(t)
	t.secure = httptest.NewUnstartedServer(t)
	t.secure.Config.ErrorLog = log.New(io.Discard, "", 0) // clients that do not trust it are no news
	t.secure.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	t.secure.StartTLS()
	return t, nil
}

// Addr is the "host:port" that plays port 443.
func (t *Tokens) Addr() string { return t.secure.Listener.Addr().String() }

const introspection = "/introspect"

// IntrospectionURL is where a mail server asks whose an access token is, RFC 7662, in clear.
func (t *Tokens) IntrospectionURL() string { return t.clear.URL + introspection }

func (t *Tokens) introspect(w http.ResponseWriter, r *http.Request) {
	t.mu.Lock()
	world := t.opts.World
	t.mu.Unlock()
	answer := map[string]any{"active": false}
	if login, ok := world.owner(r.PostForm.Get("token")); ok {
		answer = map[string]any{"active": true, "username": login, "token_type": "Bearer"}
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(answer)
}

// URL is the endpoint in clear.
func (t *Tokens) URL() string { return t.clear.URL + "/token" }

// Requests are those so far.
func (t *Tokens) Requests() []TokenRequest {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]TokenRequest(nil), t.requests...)
}

// SetMood changes how requests from now on are treated.
func (t *Tokens) SetMood(m TokenMood) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mood = m
}

// Close hangs up on everybody and returns when all is over.
func (t *Tokens) Close() {
	close(t.done)
	for _, s := range []*httptest.Server{t.secure, t.clear} {
		s.CloseClientConnections()
		s.Close()
	}
}

func (t *Tokens) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t.mu.Lock()
	mood := t.mood
	t.mu.Unlock()
	if err := r.ParseForm(); err != nil {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	if strings.HasSuffix(r.URL.Path, introspection) {
		t.introspect(w, r)
		return
	}
	request := TokenRequest{Host: r.Host, Client: r.PostForm.Get("client_id"), Scope: r.PostForm.Get("scope")}
	_, _, request.Basic = r.BasicAuth()
	if !t.pause(mood.Wait) {
		return
	}
	status, body, login := t.answer(mood, r)
	request.Login = login
	t.mu.Lock()
	t.requests = append(t.requests, request)
	t.mu.Unlock()
	switch {
	case mood.Hang:
		<-t.done
		return
	case mood.Drop, mood.DropAfter:
		hangUp(w)
		return
	case mood.Redirect != "":
		http.Redirect(w, r, mood.Redirect, http.StatusTemporaryRedirect)
		return
	}
	kind := "application/json"
	if login != "" && mood.Form.Write != nil {
		status, kind = cmp.Or(mood.Form.Status, status), mood.Form.Kind
		body = mood.Form.Write(body)
		if mood.Form.Cut {
			w.Header().Set("Content-Length", strconv.Itoa(len(body)+100))
		}
	}
	if mood.HTML {
		kind = "text/html; charset=utf-8"
	}
	w.Header().Set("Content-Type", kind)
	if mood.RetryAfter != "" {
		w.Header().Set("Retry-After", mood.RetryAfter)
	}
	w.WriteHeader(status)
	io.WriteString(w, body)
	for left := mood.Large; left > 0; left -= len(filler) {
		if _, err := io.WriteString(w, filler); err != nil {
			return
		}
	}
}

var filler = strings.Repeat(" ", 8192)

// answer does what is asked, unless the mood has another answer or an account has one of its own.
func (t *Tokens) answer(mood TokenMood, r *http.Request) (status int, body, login string) {
	if mood.Hang || mood.Drop || mood.Redirect != "" {
		return 0, "", ""
	}
	if mood.Answer != "" {
		status, body = cutStatus(mood.Answer)
		return status, body, ""
	}
	form := r.PostForm
	refuse := func(status int, name, description string) (int, string, string) {
		if mood.Echo {
			description += " " + form.Encode() + " " + form.Get("refresh_token") + " " + form.Get("client_secret")
		}
		b, _ := json.Marshal(map[string]string{"error": name, "error_description": description})
		return status, string(b), ""
	}
	if t.opts.Client != "" && (form.Get("client_id") != t.opts.Client || form.Get("client_secret") != t.opts.Secret) {
		return refuse(http.StatusUnauthorized, "invalid_client", "Unauthorized")
	}
	if form.Get("grant_type") != "refresh_token" {
		return refuse(http.StatusBadRequest, "unsupported_grant_type", "Invalid grant_type: "+form.Get("grant_type"))
	}
	if said := t.opts.World.tokenAnswer(form.Get("refresh_token")); said != "" {
		status, body = cutStatus(said)
		return status, body, ""
	}
	access, fresh, login, ok := t.opts.World.refresh(form.Get("refresh_token"), t.opts.Rotation)
	if !ok {
		return refuse(http.StatusBadRequest, "invalid_grant", "Token has been expired or revoked.")
	}
	token := map[string]any{"token_type": "Bearer", "expires_in": 3599, "access_token": access}
	if fresh != "" {
		token["refresh_token"] = fresh
	}
	b, _ := json.Marshal(token)
	return http.StatusOK, string(b), login
}

func cutStatus(wire string) (int, string) {
	first, body, _ := strings.Cut(wire, "\n")
	status, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil {
		return http.StatusInternalServerError, wire
	}
	return status, body
}

func (t *Tokens) pause(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-t.done:
		return false
	}
}

// SetWorld gives the endpoint other accounts and grants.
func (t *Tokens) SetWorld(w *World) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.opts.World = w
}
