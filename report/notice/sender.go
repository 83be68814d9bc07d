package notice

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"mailaudit/providers"
	"mailaudit/providers/protocol"
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
	scrub *protocol.Scrubber

	mu   sync.Mutex // guards what follows, and is held while a mail is handed over
	live *session
}

// session is a connection that is ready for a mail.
type session struct {
	conn   net.Conn
	edge   *edge
	client *smtp.Client
	scrub  *protocol.Scrubber
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
	return &Sender{relay: r, at: at, pace: newPace(r.MaxRate), scrub: protocol.NewScrubber(r.Username, r.Password.Reveal())}, nil
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
	s.pace.learn(out)
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
				out.Reply, _ = said(ours.Err, s.scrub)
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

	live, stage, err := s.open(ctx, conn)
	if err != nil {
		conn.Close()
		return nil, s.trouble(ctx, stage, err)
	}
	if !stop() {
		conn.Close()
		return nil, s.trouble(ctx, "auth", ctx.Err())
	}
	return live, nil
}

// open makes a session of a connection.
func (s *Sender) open(ctx context.Context, conn net.Conn) (_ *session, stage string, err error) {
	name := s.relay.EHLO
	if name == "" {
		name = protocol.AddressLiteral(conn.LocalAddr())
	}
	meter := protocol.Metered(conn)
	live := &session{conn: conn, used: time.Now(), scrub: s.scrub}
	switch {
	case s.at.insecure:
		live.edge = newEdge(meter, meter, "")
	case s.at.implicit:
		secure := tls.Client(meter, s.at.tls(s.relay.RootCAs))
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, "hello", describeTLS(err)
		}
		live.edge = newEdge(secure, meter, "")
	default:
		secure, stage, err := s.startTLS(ctx, meter, name)
		if err != nil {
			return nil, stage, describeTLS(err)
		}
		live.edge = newEdge(secure, meter, greeted)
	}
	live.client = smtp.NewClient(live.edge)
	live.client.CommandTimeout = s.relay.Timeout
	live.client.SubmissionTimeout = s.relay.DotTimeout
	if err := live.client.Hello(name); err != nil {
		return nil, "hello", err
	}
	if s.relay.Username == "" {
		return live, "", nil
	}
	client, err := s.signIn(live.edge.offered)
	if err == nil {
		live.edge.signsIn = true
		err = live.client.Auth(client)
		live.edge.signsIn = false
	}
	return live, "auth", err
}

// greeted is what go-smtp reads as the greeting of a relay that has greeted before STARTTLS.
const greeted = "220 TLS is on\r\n"

// startTLS speaks in clear as far as STARTTLS, and begins TLS. go-smtp would greet as localhost here.
func (s *Sender) startTLS(ctx context.Context, meter *protocol.Meter, name string) (_ *tls.Conn, stage string, err error) {
	in := protocol.NewReader(meter)
	defer in.Free()
	reply := func(want int) (string, error) {
		code, wire, err := in.Next()
		if err == nil && code != want {
			err = refusal(code, wire)
		}
		return wire, err
	}
	ask := func(line string, want int) (string, error) {
		if _, err := io.WriteString(meter, line+"\r\n"); err != nil {
			return "", err
		}
		return reply(want)
	}
	if _, err := reply(220); err != nil {
		return nil, "hello", err
	}
	offer, err := ask("EHLO "+name, 250)
	if err != nil {
		return nil, "hello", err
	}
	if !protocol.ParseEHLO(offer).StartTLS {
		return nil, "starttls", errors.New("the relay offers no STARTTLS; where it has TLS from the first byte, set relay.url to smtps://")
	}
	if _, err := ask("STARTTLS", 220); err != nil {
		return nil, "starttls", err
	}
	if in.Buffered() {
		return nil, "starttls", errors.New("the relay sent more in clear after its answer to STARTTLS")
	}
	secure := tls.Client(meter, s.at.tls(s.relay.RootCAs))
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, "hello", err
	}
	return secure, "", nil
}

// refusal is a reply as go-smtp gives it.
func refusal(code int, wire string) error {
	r := providers.ParseReply(providers.StageMail, wire)
	e := &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCodeNotSet, Message: r.Text}
	var c smtp.EnhancedCode
	if n, _ := fmt.Sscanf(r.Enhanced, "%d.%d.%d", &c[0], &c[1], &c[2]); n == len(c) {
		e.EnhancedCode = c
	}
	return e
}

// signIn chooses the mechanism.
func (s *Sender) signIn(offered []providers.Mechanism) (sasl.Client, error) {
	for _, m := range protocol.Passwords {
		if client, spoken := protocol.Client(m, s.relay.Username, s.relay.Password.Reveal()); spoken && slices.Contains(offered, m) {
			return client, nil
		}
	}
	if len(offered) == 0 {
		return nil, errors.New("the relay offers no sign-in; remove relay.username if it wants no password")
	}
	return nil, fmt.Errorf("the relay offers sign-in by %v, and mailaudit speaks %v", offered, protocol.Passwords)
}

func (s *Sender) trouble(ctx context.Context, stage string, err error) error {
	if ctx.Err() != nil {
		if cause := context.Cause(ctx); errors.Is(cause, context.DeadlineExceeded) {
			err = fmt.Errorf("no answer within %v", s.relay.Timeout)
		} else {
			return cause
		}
	}
	return &RelayError{Stage: stage, Err: cleaned(err, s.scrub)}
}

func (l *session) quit() {
	l.client.CommandTimeout = 2 * time.Second // nothing depends on the answer
	_ = l.client.Quit()
	l.conn.Close()
}

// cleaned takes our own password out of an error that may hold the relay's words.
func cleaned(err error, scrub *protocol.Scrubber) error {
	var e *smtp.SMTPError
	if errors.As(err, &e) {
		clean := *e
		clean.Message = scrub.Clean(e.Message)
		return &clean
	}
	if text := err.Error(); scrub.Clean(text) != text {
		return errors.New(scrub.Clean(text))
	}
	return err
}

// said gives the relay's words if err holds any, without our own password.
func said(err error, scrub *protocol.Scrubber) (providers.Reply, bool) {
	var e *smtp.SMTPError
	if !errors.As(cleaned(err, scrub), &e) {
		return providers.Reply{}, false
	}
	r := providers.Reply{Stage: providers.StageMail, Code: e.Code, Text: plain(e.Message)}
	if c := e.EnhancedCode; c[0] > 0 {
		r.Enhanced = fmt.Sprintf("%d.%d.%d", c[0], c[1], c[2])
	}
	return scrub.Reply(r), true
}
