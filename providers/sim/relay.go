package sim

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// RelayOptions of a [Relay].
type RelayOptions struct {
	Authority *Authority // nil: no TLS at all, for smtp+insecure://
	Hosts     []string   // names in the certificate. Default: relay.example
	Username  string     // empty: nobody need sign in
	Password  string
	Mood      RelayMood
}

// RelayMood is how a relay treats mail. Replies are one wire line: "550 5.1.1 No such user". The zero
// value takes everything.
type RelayMood struct {
	Auth       string            // the reply to every sign-in, in place of a check
	Mail       string            // the reply to MAIL FROM
	Recipients map[string]string // the reply to RCPT TO by address, in lower case
	Data       string            // the reply after the final dot; the message is not kept
	Until      int               // messages in all; MAIL FROM meets 421 after them. 0: no limit

	DropBeforeDot bool          // the line goes dead in the middle of a message, which is not kept
	DropAfterDot  bool          // the message is kept and the line goes dead before the reply
	HangAfterDot  bool          // the message is kept and no reply ever comes
	Latency       time.Duration // before the reply to the final dot
	MailLatency   time.Duration // before the reply to MAIL FROM
}

// Message is a mail that the relay took over.
type Message struct {
	From  string
	To    []string
	Data  []byte // as sent, without dot-stuffing
	Login string // who signed in; "" for nobody
	TLS   bool
	At    time.Time
}

// Relay takes mail and keeps it.
type Relay struct {
	opts            RelayOptions
	clear, implicit net.Listener
	server          *smtp.Server
	done            chan struct{}
	running         sync.WaitGroup

	mu       sync.Mutex
	mood     RelayMood
	messages []Message
	mails    int
}

// StartRelay takes mail until Close.
func StartRelay(opts RelayOptions) (*Relay, error) {
	if len(opts.Hosts) == 0 {
		opts.Hosts = []string{"relay.example"}
	}
	r := &Relay{opts: opts, mood: opts.Mood, done: make(chan struct{})}
	r.server = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &relaySession{relay: r, conn: c}, nil
	}))
	r.server.Domain = opts.Hosts[0]
	r.server.EnableSMTPUTF8 = true
	r.server.AllowInsecureAuth = opts.Authority == nil
	r.server.ErrorLog = log.New(io.Discard, "", 0) // clients that hang up are part of the play
	var err error
	if r.clear, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("simulated relay: listen: %w", err)
	}
	if opts.Authority != nil {
		cert, err := opts.Authority.Issue(opts.Hosts...)
		if err != nil {
			r.clear.Close()
			return nil, fmt.Errorf("simulated relay: %w", err)
		}
		r.server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}}
		if r.implicit, err = tls.Listen("tcp", "127.0.0.1:0", r.server.TLSConfig); err != nil {
			r.clear.Close()
			return nil, fmt.Errorf("simulated relay: listen: %w", err)
		}
		r.running.Go(func() { r.server.Serve(r.implicit) })
	}
	r.running.Go(func() { r.server.Serve(r.clear) })
	return r, nil
}

// Addr is the "host:port" that plays port 587: STARTTLS if there is an authority, else in clear.
func (r *Relay) Addr() string { return r.clear.Addr().String() }

// TLSAddr is the "host:port" that plays port 465; "" without an authority.
func (r *Relay) TLSAddr() string {
	if r.implicit == nil {
		return ""
	}
	return r.implicit.Addr().String()
}

// SetMood changes what the next commands meet.
func (r *Relay) SetMood(m RelayMood) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mood = m
}

// Messages gives what was taken so far, oldest first.
func (r *Relay) Messages() []Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.messages)
}

// Close hangs up on everybody.
func (r *Relay) Close() {
	r.mu.Lock()
	select {
	case <-r.done:
	default:
		close(r.done)
	}
	r.mu.Unlock()
	r.server.Close()
	// The server knows a listener only once it serves it.
	r.clear.Close()
	if r.implicit != nil {
		r.implicit.Close()
	}
	r.running.Wait()
}

func (r *Relay) currentMood() RelayMood {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.mood
}

// pause waits, unless the relay is closed.
func (r *Relay) pause(d time.Duration) {
	if d <= 0 {
		return
	}
	select {
	case <-time.After(d):
	case <-r.done:
	}
}

// relaySession is one connection's envelope.
type relaySession struct {
	relay *Relay
	conn  *smtp.Conn
	login string
	from  string
	to    []string
}

var _ smtp.AuthSession = (*relaySession)(nil)

func (s *relaySession) AuthMechanisms() []string {
	if s.relay.opts.Username == "" {
		return nil
	}
	return []string{sasl.Plain, sasl.Login}
}

func (s *relaySession) Auth(mechanism string) (sasl.Server, error) {
	check := func(username, password string) error {
		if said := s.relay.currentMood().Auth; said != "" {
			return wireError(said)
		}
		if username != s.relay.opts.Username || password != s.relay.opts.Password {
			return wireError("535 5.7.8 Authentication credentials invalid")
		}
		s.login = username
		return nil
	}
	if mechanism == sasl.Login {
		return &loginServer{check: check}, nil
	}
	return sasl.NewPlainServer(func(_, username, password string) error { return check(username, password) }), nil
}

func (s *relaySession) Mail(from string, _ *smtp.MailOptions) error {
	mood := s.relay.currentMood()
	s.relay.mu.Lock()
	s.relay.mails++
	taken := len(s.relay.messages)
	s.relay.mu.Unlock()
	s.relay.pause(mood.MailLatency)
	switch {
	case s.relay.opts.Username != "" && s.login == "":
		return wireError("530 5.7.0 Authentication required")
	case mood.Mail != "":
		return wireError(mood.Mail)
	case mood.Until > 0 && taken >= mood.Until:
		return wireError("421 4.7.0 Too many messages, closing connection")
	}
	s.from = from
	return nil
}

func (s *relaySession) Rcpt(to string, _ *smtp.RcptOptions) error {
	if said := s.relay.currentMood().Recipients[strings.ToLower(to)]; said != "" {
		return wireError(said)
	}
	s.to = append(s.to, to)
	return nil
}

func (s *relaySession) Data(in io.Reader) error {
	mood := s.relay.currentMood()
	if mood.DropBeforeDot {
		in.Read(make([]byte, 1))
		s.conn.Conn().Close()
		return errors.New("the line went dead")
	}
	var data bytes.Buffer
	if _, err := io.Copy(&data, in); err != nil {
		return err
	}
	s.relay.pause(mood.Latency)
	if mood.Data != "" {
		return wireError(mood.Data)
	}
	_, secured := s.conn.TLSConnectionState()
	s.relay.mu.Lock()
	s.relay.messages = append(s.relay.messages, Message{
		From: s.from, To: slices.Clone(s.to), Data: data.Bytes(), Login: s.login, TLS: secured, At: time.Now(),
	})
	s.relay.mu.Unlock()
	switch {
	case mood.DropAfterDot:
		s.conn.Conn().Close()
	case mood.HangAfterDot:
		io.Copy(io.Discard, s.conn.Conn()) // until either side hangs up
	}
	return nil
}

func (s *relaySession) Reset() { s.from, s.to = "", nil }

func (s *relaySession) Logout() error { return nil }

// wireError makes go-smtp say a line such as "550 5.1.1 No such user".
func wireError(line string) error {
	code, text, _ := strings.Cut(line, " ")
	n, err := strconv.Atoi(code)
	if err != nil {
		return fmt.Errorf("simulated relay: %q is not a reply", line)
	}
	e := &smtp.SMTPError{Code: n, EnhancedCode: smtp.NoEnhancedCode, Message: text}
	if first, rest, ok := strings.Cut(text, " "); ok {
		var class, subject, detail int
		if k, _ := fmt.Sscanf(first, "%d.%d.%d", &class, &subject, &detail); k == 3 {
			e.EnhancedCode, e.Message = smtp.EnhancedCode{class, subject, detail}, rest
		}
	}
	return e
}

// loginServer is the server's side of LOGIN, which go-sasl has no more.
type loginServer struct {
	check    func(username, password string) error
	username *string
	asked    bool
}

func (l *loginServer) Next(response []byte) (challenge []byte, done bool, err error) {
	switch {
	case response == nil && !l.asked:
		l.asked = true
		return []byte("Username:"), false, nil
	case l.username == nil:
		username := string(response)
		l.username = &username
		return []byte("Password:"), false, nil
	}
	return nil, true, l.check(*l.username, string(response))
}
