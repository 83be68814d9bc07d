package notice

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"mailaudit/providers"
)

const (
	idleAtMost  = 20 * time.Second // relays drop idle sessions, some after 30 s
	mailsAtMost = 100              // for one connection; many relays set a limit of that order
)

// Sender hands mails to the relay, one after the other over one connection. It may be used by several
// goroutines.
type Sender struct {
	relay Relay
	at    endpoint
	pace  pace

	mu   sync.Mutex // guards what follows, and is held while a mail is handed over
	live *session
}

// session is a connection that is ready for a mail.
type session struct {
	conn   net.Conn
	client *smtp.Client
	mails  int
	used   time.Time
}

// NewSender checks the relay's settings; it does not connect.
func NewSender(r Relay) (*Sender, error) {
	at, err := parseRelay(&r)
	if err != nil {
		return nil, err
	}
	r.defaults()
	return &Sender{relay: r, at: at, pace: newPace(r.MaxRate)}, nil
}

// Send hands one mail over. beforeDot, which may be nil, is called when all but the message's final dot is
// written: until it returns nil the relay cannot have taken the mail, from then on it may have. If it
// fails, the mail is not sent and its error is returned.
//
// The error is a *[RelayError] where the relay itself is the trouble, ctx's where the caller gave up, or
// beforeDot's; with any of them the result is [Retry]. What the relay said to this mail is no error.
func (s *Sender) Send(ctx context.Context, m Message, beforeDot func(context.Context) error) (Outcome, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.pace.wait(ctx); err != nil {
		return Outcome{Result: Retry, Stage: "connect", Detail: err.Error()}, err
	}
	reused := s.live != nil
	out, err := s.try(ctx, m, beforeDot)
	if reused && out.Stage == "mail" && (out.Reply.Code == 0 || out.Reply.Code == 421) && ctx.Err() == nil {
		out, err = s.try(ctx, m, beforeDot) // the relay had ended the idle session
	}
	return out, err
}

// Check connects, signs in and leaves, for those who want to know whether the relay would serve.
func (s *Sender) Check(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	live, err := s.connect(ctx)
	if err != nil {
		return err
	}
	live.quit()
	return nil
}

// Close ends the connection, if there is one.
func (s *Sender) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live != nil {
		s.live.quit()
		s.live = nil
	}
	return nil
}

func (s *Sender) try(ctx context.Context, m Message, beforeDot func(context.Context) error) (Outcome, error) {
	if s.live != nil && (s.live.mails >= mailsAtMost || time.Since(s.live.used) > idleAtMost) {
		s.live.quit()
		s.live = nil
	}
	if s.live == nil {
		live, err := s.connect(ctx)
		if err != nil {
			out := Outcome{Result: Retry, Stage: "connect", Detail: err.Error()}
			var ours *RelayError
			if errors.As(err, &ours) {
				out.Stage = ours.Stage
				out.Reply, _ = said(ours.Err)
			}
			return out, err
		}
		s.live = live
	}
	t := transaction{session: s.live, grace: s.relay.Grace}
	out, err := t.run(ctx, m, beforeDot)
	if t.broken {
		s.live.conn.Close()
		s.live = nil
	}
	return out, err
}

// connect comes as far as the relay's readiness for mail. The whole of it has one deadline.
func (s *Sender) connect(ctx context.Context) (*session, error) {
	ctx, cancel := context.WithTimeout(ctx, s.relay.Timeout)
	defer cancel()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", s.at.addr)
	if err != nil {
		return nil, s.trouble(ctx, "connect", err)
	}
	// go-smtp takes no context: a closed connection ends whatever it waits for.
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()

	client, stage, err := s.open(conn)
	if err != nil {
		conn.Close()
		return nil, s.trouble(ctx, stage, err)
	}
	if !stop() {
		conn.Close()
		return nil, s.trouble(ctx, "auth", ctx.Err())
	}
	return &session{conn: conn, client: client, used: time.Now()}, nil
}

func (s *Sender) open(conn net.Conn) (*smtp.Client, string, error) {
	var client *smtp.Client
	switch {
	case s.at.implicit:
		client = smtp.NewClient(tls.Client(conn, s.at.tls(s.relay.RootCAs)))
	case s.at.insecure:
		client = smtp.NewClient(conn)
	default:
		c, err := smtp.NewClientStartTLS(conn, s.at.tls(s.relay.RootCAs))
		if err != nil {
			return nil, "starttls", err
		}
		client = c
	}
	client.CommandTimeout = s.relay.Timeout
	client.SubmissionTimeout = s.relay.DotTimeout
	if err := client.Hello(s.relay.EHLO); err != nil {
		return nil, "hello", describeTLS(err)
	}
	if s.relay.Username == "" {
		return client, "", nil
	}
	auth, err := s.auth(client)
	if err == nil {
		err = client.Auth(auth)
	}
	if err != nil {
		return nil, "auth", err
	}
	return client, "", nil
}

func (s *Sender) auth(c *smtp.Client) (sasl.Client, error) {
	switch {
	case c.SupportsAuth(sasl.Plain):
		return sasl.NewPlainClient("", s.relay.Username, s.relay.Password.Reveal()), nil
	case c.SupportsAuth(sasl.Login):
		return sasl.NewLoginClient(s.relay.Username, s.relay.Password.Reveal()), nil
	}
	return nil, errors.New("the relay offers neither PLAIN nor LOGIN; remove relay.username if it wants no password")
}

func (s *Sender) trouble(ctx context.Context, stage string, err error) error {
	if ctx.Err() != nil {
		if cause := context.Cause(ctx); errors.Is(cause, context.DeadlineExceeded) {
			err = fmt.Errorf("no answer within %v", s.relay.Timeout)
		} else {
			return cause
		}
	}
	return &RelayError{Stage: stage, Err: err}
}

func (l *session) quit() {
	l.client.CommandTimeout = 2 * time.Second // nothing depends on the answer
	_ = l.client.Quit()
	l.conn.Close()
}

// said gives the relay's words if err holds any.
func said(err error) (providers.Reply, bool) {
	var e *smtp.SMTPError
	if !errors.As(err, &e) {
		return providers.Reply{}, false
	}
	r := providers.Reply{Stage: providers.StageMail, Code: e.Code, Text: plain(e.Message)}
	if c := e.EnhancedCode; c[0] > 0 {
		r.Enhanced = fmt.Sprintf("%d.%d.%d", c[0], c[1], c[2])
	}
	return r, true
}
