package sim

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"time"
)

// errOver ends a session.
var errOver = errors.New("over")

// maxCommand is the longest line that is read, RFC 4954 section 4.
const maxCommand = 12288

// session is one connection.
type session struct {
	server    *Server
	raw, conn net.Conn
	in        *bufio.Reader
	implicit  bool
	secured   bool
	number    int
	replies   int64
}

func (s *session) run() {
	mood := s.server.currentMood()
	s.in = bufio.NewReaderSize(s.conn, maxCommand)
	over := !s.server.counters.admit(mood.Capacity, mood.ConnectionsUntil, s.number)
	if !over {
		defer s.server.counters.count(func(n *Counters) { n.Served-- })
	}
	if over && mood.Over.replaces() && mood.Over.Say == "" {
		s.act(mood.Over)
		return
	}
	if s.at(AtConnect, "") != nil || s.implicit && s.handshake() != nil {
		return
	}
	if over {
		act := mood.Over
		if act.Say == "" {
			act.Say = s.server.persona.reply(TooMany)
			if !strings.HasPrefix(act.Say, "421") {
				act.Say = "421 4.7.0 Too many connections, try again later."
			}
		}
		act.Drop = true
		s.act(act)
		return
	}
	if s.at(AtGreeting, s.server.persona.Greeting) != nil {
		return
	}
	for {
		line, err := s.read()
		if err != nil || s.command(line) != nil {
			return
		}
	}
}

func (s *session) command(line string) error {
	verb, arg, _ := strings.Cut(line, " ")
	mood := s.server.currentMood()
	switch strings.ToUpper(verb) {
	case "EHLO":
		if s.secured {
			return s.at(AtSecured, s.offer(mood))
		}
		return s.at(AtEHLO, s.offer(mood))
	case "HELO":
		return s.say("250 " + s.server.persona.Hosts[0])
	case "STARTTLS":
		if s.secured || mood.NoSTARTTLS {
			return s.say("502 5.5.1 Unrecognized command")
		}
		if err := s.at(AtSTARTTLS, "220 2.0.0 Ready to start TLS"); err != nil {
			return err
		}
		return s.handshake()
	case "AUTH":
		return s.auth(mood, arg)
	case "MAIL":
		s.server.counters.count(func(n *Counters) { n.MailFrom++ })
		return s.say("530 5.7.0 Authentication required")
	case "NOOP", "RSET":
		return s.say("250 2.0.0 OK")
	case "QUIT":
		s.server.counters.count(func(n *Counters) { n.Quits++ })
		if err := s.at(AtQuit, "221 2.0.0 closing connection {id}"); err != nil {
			return err
		}
		return errOver
	}
	return s.say("500 5.5.1 Unrecognized command")
}

func (s *session) offer(mood Mood) string {
	p := s.server.persona
	switch {
	case s.secured && mood.AuthBeforeTLS:
		return strings.ReplaceAll(p.Clear, "STARTTLS", "HELP")
	case s.secured:
		return p.Secured
	case mood.NoSTARTTLS:
		return p.Secured
	case mood.AuthBeforeTLS:
		return strings.Replace(p.Secured, "\n250", "\n250-STARTTLS\n250", 1)
	}
	return p.Clear
}

func (s *session) handshake() error {
	mood := s.server.currentMood()
	if err := s.at(AtHandshake, ""); err != nil {
		return err
	}
	cfg, err := s.server.tlsConfig(mood.Certificate)
	if err != nil {
		return err
	}
	if mood.MaxTLS != 0 {
		cfg = cfg.Clone()
		cfg.MaxVersion = mood.MaxTLS
	}
	conn := tls.Server(s.conn, cfg)
	if err := conn.Handshake(); err != nil {
		return err
	}
	s.server.counters.count(func(n *Counters) {
		n.Handshakes++
		if conn.ConnectionState().DidResume {
			n.Resumed++
		}
	})
	s.conn, s.secured = conn, true
	s.in = bufio.NewReaderSize(conn, maxCommand)
	return nil
}

func (s *session) auth(mood Mood, arg string) error {
	s.server.counters.count(func(n *Counters) { n.Auths++ })
	p := s.server.persona
	mechanism, initial, _ := strings.Cut(arg, " ")
	mechanism = strings.ToUpper(mechanism)
	if !s.secured && !mood.NoSTARTTLS && !mood.AuthBeforeTLS {
		return s.say("530 5.7.0 Must issue a STARTTLS command first")
	}
	if p.offers(mechanism) && (mechanism == "XOAUTH2" || mechanism == "OAUTHBEARER") {
		return s.authToken(mood, mechanism, initial)
	}
	scrams := mechanism == "SCRAM-SHA-256" || mechanism == "SCRAM-SHA-1"
	if !p.offers(mechanism) || mechanism != "PLAIN" && mechanism != "LOGIN" && !scrams {
		return s.say(p.NoMechanism)
	}
	if act, ok := mood.At[AtAuth]; ok && act.replaces() {
		return s.act(act)
	}
	if scrams {
		return s.authScram(mood, mechanism, initial)
	}
	var login, secret, sent string
	var err error
	switch mechanism {
	case "PLAIN":
		sent = initial
		if initial == "" || mood.PromptPlain {
			if sent, err = s.ask(p.PlainPrompt); err != nil {
				return err
			}
		}
		parts := strings.Split(decode(sent), "\x00")
		if len(parts) != 3 {
			return s.say("501 5.5.2 Cannot decode response")
		}
		login, secret = parts[1], parts[2]
	case "LOGIN":
		prompts := mood.LoginPrompts
		if prompts == [2]string{} {
			prompts = [2]string{"Username:", "Password:"}
		}
		name := initial
		if name == "" {
			if name, err = s.ask(prompts[0]); err != nil {
				return err
			}
		}
		if sent, err = s.ask(prompts[1]); err != nil {
			return err
		}
		login, secret = decode(name), decode(sent)
	}
	return s.answer(mood, login, secret, sent)
}

func (s *session) answer(mood Mood, login, secret, sent string) error {
	p := s.server.persona
	var credentials int
	s.server.counters.count(func(n *Counters) { n.Credentials++; credentials = n.Credentials })
	account, known := s.server.opts.World.attempt(login)
	answer := p.answer(account, known, secret)
	if mood.AuthsUntil > 0 && credentials > mood.AuthsUntil {
		answer = TooMany
	}
	if !s.pause(mood.AuthLatency) {
		return errOver
	}
	text := p.reply(answer)
	if mood.EchoSecret {
		code := text[:3]
		text = code + "-no " + secret + " for " + login + "\n" +
			code + "-sent " + sent + ", that is " + base64.StdEncoding.EncodeToString([]byte(secret)) + "\n" +
			code + "-or " + url.QueryEscape(secret) + " or " + hex.EncodeToString([]byte(secret)) + "\n" +
			code + "-" + secret[:len(secret)/2] + "\n" + code + "-" + secret[len(secret)/2:] + "\n" + text
	}
	if err := s.at(AtSecret, text); err != nil {
		return err
	}
	if act := mood.At[AtSecret]; strings.HasPrefix(act.Say, "334") { // asks on and on
		for {
			if _, err := s.read(); err != nil {
				return err
			}
			if err := s.act(act); err != nil {
				return err
			}
		}
	}
	if p.CloseRefused && answer != Accepted || strings.HasPrefix(text, "421") {
		return errOver
	}
	return nil
}

func (s *session) ask(prompt string) (string, error) {
	if err := s.say("334 " + base64.StdEncoding.EncodeToString([]byte(prompt))); err != nil {
		return "", err
	}
	line, err := s.read()
	if err == nil && line == "*" {
		err = s.say("501 5.0.0 Cancelled")
	}
	return line, err
}

func decode(s string) string {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return ""
	}
	return string(b)
}

// at answers with wire, "" for nothing, or as the mood has it for the step.
func (s *session) at(step Step, wire string) error {
	mood := s.server.currentMood()
	act := mood.At[step]
	switch {
	case act.replaces():
		if !s.pause(mood.Latency) {
			return errOver
		}
		return s.act(act)
	case act.Broken:
		s.write(wire[:len(wire)/2])
		return errOver
	}
	if !s.pause(act.Wait) {
		return errOver
	}
	if step == AtSTARTTLS && mood.Inject != "" {
		return s.write(crlf(wire) + mood.Inject)
	}
	if wire == "" {
		return nil
	}
	return s.say(wire)
}

func (s *session) act(a Act) error {
	if !s.pause(a.Wait) {
		return errOver
	}
	if a.Say != "" {
		if err := s.write(crlf(s.fill(a.Say))); err != nil {
			return err
		}
	}
	if err := s.write(a.Raw); err != nil {
		return err
	}
	for a.Endless != "" {
		if err := s.write(a.Endless); err != nil {
			return err
		}
		if !s.pause(a.Wait) {
			return errOver
		}
	}
	switch {
	case a.Reset:
		if tcp, ok := s.raw.(*net.TCPConn); ok {
			tcp.SetLinger(0)
		}
		s.raw.Close()
		return errOver
	case a.Hang:
		io.Copy(io.Discard, s.conn)
		return errOver
	case a.Drop:
		return errOver
	}
	return nil
}

func (s *session) say(wire string) error {
	if !s.pause(s.server.currentMood().Latency) {
		return errOver
	}
	return s.write(crlf(s.fill(wire)))
}

func (s *session) fill(wire string) string {
	s.replies++
	return s.server.persona.fill(wire, int64(s.number)<<8|s.replies, time.Now())
}

func crlf(wire string) string { return strings.ReplaceAll(wire, "\n", "\r\n") + "\r\n" }

func (s *session) write(text string) error {
	if text == "" {
		return nil
	}
	_, err := io.WriteString(s.conn, text)
	return err
}

func (s *session) read() (string, error) {
	line, err := s.in.ReadSlice('\n')
	return strings.TrimRight(string(line), "\r\n"), err
}

func (s *session) pause(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.server.done:
		return false
	}
}
