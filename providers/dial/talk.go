package dial

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"mailaudit/providers"
	"mailaudit/providers/protocol"
)

const (
	// farewell bounds the wait for the answer to QUIT: the result stands, and the slot is wanted.
	farewell = time.Second
	// hangUp bounds the wait for the server's end of the connection after that.
	hangUp = 50 * time.Millisecond
	// commandLine is the longest AUTH command with an initial response, RFC 4954 section 4 with RFC 5321
	// section 4.5.3.1.4, without its end.
	commandLine = 510
	// steps of one mechanism that a server may ask for.
	maxChallenges = 4
)

// talk is one conversation.
type talk struct {
	dialer *Dialer
	parent context.Context // the caller's
	ctx    context.Context // the caller's, with our deadline
	a      providers.Attempt
	scrub  *protocol.Scrubber
	result providers.Conversation

	token *tokenClient // of a grant, once its access token is being given

	raw  net.Conn // the connection below TLS
	conn net.Conn
	in   *protocol.Reader
	out  []byte
}

// hold fills in the result.
func (t *talk) hold() {
	if why := unsayable(t.a); why != "" {
		t.fault(providers.FaultOurs, why)
		return
	}
	if t.a.Endpoint.Security != providers.ImplicitTLS && t.a.Endpoint.Security != providers.STARTTLS {
		t.fault(providers.FaultOurs, "the endpoint's security is neither tls nor starttls")
		return
	}
	host, err := asciiHost(t.a.Endpoint.Host)
	if err != nil {
		t.failed(err)
		return
	}
	conn, remote, err := t.dialer.connectAccount(t.ctx, host, t.a.Endpoint.Port)
	t.result.RemoteAddr = remote
	if err != nil {
		t.failed(err)
		return
	}
	t.result.Connected = true
	t.result.LocalAddr = leftBy(conn, t.dialer.proxied)
	t.raw = conn
	defer t.raw.Close()
	// Closing the connection is the one way to end a read at once, in the handshake as after it.
	stop := context.AfterFunc(t.ctx, func() { t.raw.Close() })
	defer stop()

	t.conn = protocol.Metered(conn)
	t.in = protocol.NewReader(t.conn)
	defer t.in.Free()
	defer func() { clear(t.out) }()

	if t.secure(host) {
		t.authenticate()
	}
}

// secure comes to the list of what the server offers after TLS; false ends the conversation.
func (t *talk) secure(host string) bool {
	if t.a.Endpoint.Security == providers.ImplicitTLS {
		if !t.handshake(host) {
			return false
		}
		if _, ok := t.expect(220); !ok {
			return false
		}
	} else {
		if _, ok := t.expect(220); !ok {
			return false
		}
		wire, ok := t.command(providers.StageEHLO, "EHLO "+t.ehlo(), 250)
		if !ok {
			return false
		}
		if !protocol.ParseEHLO(wire).StartTLS {
			t.fault(providers.FaultNoSTARTTLS, "the server offers no STARTTLS, so it was given no password")
			t.quit()
			return false
		}
		if _, ok := t.command(providers.StageSTARTTLS, "STARTTLS", 220); !ok {
			return false
		}
		if t.in.Buffered() {
			// Read on, and an attacker on the path could put replies into our mouth before TLS begins.
			t.fault(providers.FaultProtocol, "the server sent more in clear after its answer to STARTTLS")
			return false
		}
		if !t.handshake(host) {
			return false
		}
	}
	wire, ok := t.command(providers.StageEHLO, "EHLO "+t.ehlo(), 250)
	if ok {
		t.result.Offered = protocol.ParseEHLO(wire).Mechanisms
		if t.scrub.Holds(names(t.result.Offered)) {
			t.result.Offered = slices.DeleteFunc(t.result.Offered, func(m providers.Mechanism) bool { return !spoken(m) })
		}
	}
	return ok
}

func (t *talk) handshake(host string) bool {
	conn := tls.Client(t.conn, t.dialer.tlsConfig(host))
	if err := conn.Handshake(); err != nil {
		if f := handshakeFault(err, t.dialer.cfg.RootCAs); f != providers.FaultNone && t.ctx.Err() == nil {
			t.fault(f, handshakeDetail(f, err))
		} else {
			t.failed(err)
		}
		return false
	}
	state := conn.ConnectionState()
	t.result.TLSVersion = tls.VersionName(state.Version)
	t.result.Resumed = state.DidResume
	t.conn = conn
	t.in.From(conn)
	return true
}

// authenticate gives the credential, once.
func (t *talk) authenticate() {
	t.result.Stage = providers.StageAuth
	i := slices.IndexFunc(t.a.Mechanisms, func(m providers.Mechanism) bool {
		_, spoken := saslClient(m, t.a)
		return spoken && slices.Contains(t.result.Offered, m)
	})
	if i < 0 && t.a.Grant == nil && protocol.Unspoken(t.result.Offered) {
		t.fault(providers.FaultUnspoken, "the server takes passwords by "+names(t.result.Offered)+" alone, which mailaudit does not speak")
		t.quit()
		return
	}
	if i < 0 {
		t.fault(providers.FaultNoMechanism, "no mechanism in common: the server offers "+
			names(t.result.Offered)+" after TLS, the account can use "+names(t.a.Mechanisms))
		t.quit()
		return
	}
	t.result.Mechanism = t.a.Mechanisms[i]
	client, _ := saslClient(t.result.Mechanism, t.a)
	t.token, _ = client.(*tokenClient)
	name, response, err := client.Start()
	if err != nil {
		t.fault(providers.FaultOurs, "start "+string(t.result.Mechanism)+": "+err.Error())
		return
	}
	if t.ctx.Err() != nil {
		t.failed(t.ctx.Err())
		return
	}
	t.result.CredentialSent = true
	t.out = append(t.out[:0], "AUTH "...)
	t.out = append(t.out, name...)
	pending := response != nil
	given := pending && t.result.Mechanism == providers.Plain // the whole credential leaves with the first line that bears a response
	shown := string(t.out)
	if pending && len(t.out)+1+base64.StdEncoding.EncodedLen(len(response)) <= commandLine {
		t.out = base64.StdEncoding.AppendEncode(append(t.out, ' '), response)
		pending, shown = false, shown+" "+protocol.Redacted
	}
	for range maxChallenges {
		if !t.send(shown) {
			return
		}
		code, wire, ok := t.receive()
		if !ok {
			t.settleForChallenge()
			return
		}
		if code != 334 {
			t.answered(code, wire)
			return
		}
		if !pending {
			if given && t.settledByWords(wire) {
				return
			}
			if response, err = client.Next(challenge(wire)); err != nil {
				if t.settledByWords(wire) {
					return
				}
				t.fault(providers.FaultProtocol, err.Error())
				return
			}
		}
		pending, shown = false, protocol.Redacted
		if t.token != nil && t.token.refusal != "" {
			shown = "(nothing: the error is understood)"
		}
		t.out = base64.StdEncoding.AppendEncode(t.out[:0], response)
	}
	// No QUIT: the server would take it for one more response, and for one more failed attempt.
	t.fault(providers.FaultProtocol, protocol.ErrTooManyChallenges.Error())
}

// settledByWords takes a 334 for the answer if it says something in words, once the whole credential has gone.
func (t *talk) settledByWords(wire string) bool {
	r := providers.ParseReply(t.result.Stage, t.scrub.Clean(wire))
	worded := r.Worded()
	if worded {
		t.result.Reply = t.scrub.Reply(r)
	}
	return worded
}

// challenge decodes a 334. Text that is not base64 is taken as it stands: prompts are for people.
func challenge(wire string) []byte {
	_, text := protocol.CutCode(wire)
	if decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text)); err == nil {
		return decoded
	}
	return []byte(text)
}

// answered takes the reply that ends the conversation.
func (t *talk) answered(code int, wire string) {
	if code/100 != 2 && code < 400 {
		t.fault(providers.FaultProtocol, "the server's answer has no meaning here")
		return
	}
	reply := providers.ParseReply(t.result.Stage, t.scrub.Clean(wire))
	if t.token != nil {
		reply.Token = true
		reply.SASLError = t.token.errorChallenge().SASLError
	}
	t.result.Reply = t.scrub.Reply(reply)
	if code != 421 { // with which the server hangs up
		t.quit()
	}
}

// settleForChallenge takes the error challenge for the answer where a server hangs up without a final reply.
func (t *talk) settleForChallenge() {
	if t.token == nil || t.ctx.Err() != nil {
		return
	}
	if reply := t.token.errorChallenge(); reply.SASLError != "" {
		reply.Token = true
		t.result.Reply, t.result.Fault, t.result.Detail = t.scrub.Reply(reply), providers.FaultNone, ""
	}
}

func (t *talk) quit() {
	deadline := time.Now().Add(farewell)
	if end, ok := t.ctx.Deadline(); ok && end.Before(deadline) {
		deadline = end
	}
	t.raw.SetDeadline(deadline)
	t.out = append(t.out[:0], "QUIT\r\n"...)
	t.say("QUIT")
	if _, err := t.conn.Write(t.out); err != nil {
		return
	}
	if _, wire, err := t.in.Next(); err == nil {
		t.hear(t.scrub.Clean(wire))
		// The server hangs up now (RFC 5321 section 4.1.1.10). Whoever counts our connections counts this one
		// until then, so the next should not begin before.
		t.raw.SetReadDeadline(time.Now().Add(hangUp))
		if _, err := t.in.Line(); errors.Is(err, io.EOF) {
			return // it has: TLS has nobody left to say goodbye to
		}
	}
	t.conn.Close()
}

// command sends a line that holds no secret and expects want.
func (t *talk) command(stage providers.Stage, line string, want int) (wire string, ok bool) {
	t.result.Stage = stage
	t.out = append(t.out[:0], line...)
	if !t.send(line) {
		return "", false
	}
	return t.expect(want)
}

// expect reads a reply; any but the wanted one ends the conversation.
func (t *talk) expect(want int) (wire string, ok bool) {
	code, wire, ok := t.receive()
	switch {
	case !ok:
		return "", false
	case code == want:
		return wire, true
	case code >= 400:
		t.answered(code, wire)
	default:
		t.fault(providers.FaultProtocol, "the server's answer has no meaning here")
	}
	return "", false
}

// send writes t.out as a line; shown is what people see of it.
func (t *talk) send(shown string) bool {
	t.say(shown)
	t.out = append(t.out, "\r\n"...)
	if _, err := t.conn.Write(t.out); err != nil {
		// A server that refuses and hangs up may have answered before our line was out.
		if code, wire, ok := t.receive(); ok && code >= 400 {
			t.answered(code, wire)
		} else if ok {
			t.failed(err)
		}
		return false
	}
	return true
}

// receive reads a reply as it came: a part of it that a secret happens to share decides nothing about the
// conversation. What is kept of it goes through t.scrub.
func (t *talk) receive() (code int, wire string, ok bool) {
	code, wire, err := t.in.Next()
	t.hear(t.scrub.Clean(wire))
	if err != nil {
		t.failed(err)
		return 0, "", false
	}
	return code, wire, true
}

func (t *talk) ehlo() string {
	if name := t.dialer.cfg.EHLO; name != "" {
		return name
	}
	return protocol.AddressLiteral(t.raw.LocalAddr())
}

func names(all []providers.Mechanism) string {
	if len(all) == 0 {
		return "none"
	}
	s := make([]string, len(all))
	for i, m := range all {
		s[i] = string(m)
	}
	return strings.Join(s, ", ")
}

func (t *talk) failed(err error) {
	f := faultOf(err, t.result.Stage)
	switch {
	case t.parent.Err() != nil:
		t.fault(providers.FaultCancelled, "we gave up: "+t.parent.Err().Error())
	case t.ctx.Err() != nil || f == providers.FaultTimeout:
		t.fault(providers.FaultTimeout, "no answer within "+t.dialer.cfg.Timeout.String())
	default:
		t.fault(f, detailOf(f, err))
	}
}

func (t *talk) fault(f providers.Fault, detail string) {
	t.result.Fault = f
	t.result.Detail = t.scrub.Clean(readable(t.scrub.Clean(detail), maxShown))
}
