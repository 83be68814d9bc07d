// Package sim plays the outside mail world on loopback, over real TCP and TLS: mail providers that speak
// as the real ones do ([Start]), a relay that takes mail ([StartRelay]) and a stand-in for Slack
// ([StartSlack]), each with moods from slow to hostile. Tests and the demonstration share it; nothing of
// it runs in an audit of real accounts.
package sim

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
)

// Options of a [Server].
type Options struct {
	Authority *Authority // signs the certificate; required
	World     *World     // the accounts; required
	Mood      Mood       // changed later by SetMood
}

// Server plays one provider on two loopback ports, one with implicit TLS and one with STARTTLS.
type Server struct {
	persona Persona
	opts    Options

	implicit, starttls net.Listener
	counters           counters
	done               chan struct{}
	running            sync.WaitGroup

	mu    sync.Mutex
	mood  Mood
	certs map[Certificate]*tls.Config
	conns map[net.Conn]struct{}
}

// Start plays persona until Close.
func Start(persona Persona, opts Options) (*Server, error) {
	if opts.Authority == nil || opts.World == nil {
		return nil, errors.New("simulated " + persona.Name + ": needs an authority and a world")
	}
	s := &Server{
		persona: persona,
		opts:    opts,
		done:    make(chan struct{}),
		mood:    opts.Mood,
		certs:   make(map[Certificate]*tls.Config),
		conns:   make(map[net.Conn]struct{}),
	}
	if _, err := s.tlsConfig(CertificateGood); err != nil {
		return nil, err
	}
	for _, l := range []*net.Listener{&s.implicit, &s.starttls} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			s.Close()
			return nil, fmt.Errorf("simulated %s: listen: %w", persona.Name, err)
		}
		*l = listener
		s.running.Go(func() { s.accept(listener, l == &s.implicit) })
	}
	return s, nil
}

// TLSAddr is the "host:port" that plays port 465.
func (s *Server) TLSAddr() string { return s.implicit.Addr().String() }

// STARTTLSAddr is the "host:port" that plays port 587.
func (s *Server) STARTTLSAddr() string { return s.starttls.Addr().String() }

// Persona is who is played.
func (s *Server) Persona() Persona { return s.persona }

// SetMood changes how connections from now on, and the next steps of open ones, are treated.
func (s *Server) SetMood(m Mood) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mood = m
}

func (s *Server) currentMood() Mood {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mood
}

// Close hangs up on everybody and returns when all is over.
func (s *Server) Close() {
	s.mu.Lock()
	select {
	case <-s.done:
	default:
		close(s.done)
	}
	for _, l := range []net.Listener{s.implicit, s.starttls} {
		if l != nil {
			l.Close()
		}
	}
	for c := range s.conns {
		c.Close()
	}
	s.mu.Unlock()
	s.running.Wait()
}

func (s *Server) accept(l net.Listener, implicit bool) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return // Close is what ends a listener on loopback
		}
		s.mu.Lock()
		select {
		case <-s.done:
			s.mu.Unlock()
			conn.Close()
			return
		default:
		}
		s.conns[conn] = struct{}{}
		s.mu.Unlock()
		s.running.Go(func() {
			(&session{server: s, raw: conn, conn: conn, implicit: implicit, number: s.counters.opened()}).run()
			conn.Close()
			s.mu.Lock()
			delete(s.conns, conn)
			s.mu.Unlock()
			s.counters.closed()
		})
	}
}

// tlsConfig keeps one configuration a certificate, so that clients can resume their sessions.
func (s *Server) tlsConfig(kind Certificate) (*tls.Config, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cfg, ok := s.certs[kind]; ok {
		return cfg, nil
	}
	cert, err := s.opts.Authority.issue(kind, s.persona.Hosts)
	if err != nil {
		return nil, fmt.Errorf("simulated %s: %w", s.persona.Name, err)
	}
	cfg := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS10}
	s.certs[kind] = cfg
	return cfg, nil
}
