// Package realmail runs a private Postfix with Dovecot for tests: its own configuration, queue, ports and
// mailboxes in one temporary folder, so that the system's own mail server is never touched. It needs root,
// as Postfix's master process does.
package realmail

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Service is one port of the server.
type Service string

const (
	PlainTLS      Service = "plain-465" // PLAIN and LOGIN, implicit TLS
	PlainSTARTTLS Service = "plain-587" // PLAIN and LOGIN, STARTTLS required
	LoginTLS      Service = "login-465" // LOGIN alone
	LoginSTARTTLS Service = "login-587"
	Relay         Service = "relay" // takes mail for Domain, STARTTLS required
)

var services = []Service{PlainTLS, PlainSTARTTLS, LoginTLS, LoginSTARTTLS, Relay}

// Options of a [Server].
type Options struct {
	Certificate tls.Certificate   // shown on every port
	Domain      string            // which has mailboxes here
	Mailboxes   []string          // their local parts
	Passwords   map[string]string // by login name
	// Introspection is where access tokens are looked up, RFC 7662: XOAUTH2 and OAUTHBEARER are offered beside
	// passwords. Empty: passwords alone.
	Introspection string
}

// Server is a running Postfix with its Dovecot.
type Server struct {
	dir   string
	ports map[Service]string // host:port
	keep  io.Closer          // the servers live as long as this end of the keeper's standard input is open
	done  chan error
}

// Missing lists what this machine lacks to run a server.
func Missing() []string {
	var missing []string
	for program, packaged := range map[string]string{"postfix": "postfix", "dovecot": "dovecot-core"} {
		if _, err := exec.LookPath(program); err != nil {
			missing = append(missing, packaged)
		}
	}
	if os.Geteuid() != 0 {
		missing = append(missing, "root")
	}
	return missing
}

// keeper starts both servers and stops them when its standard input ends, so that they do not outlive a
// test that was killed.
const keeper = `
postfix -c "$1/postfix" start >"$1/start.log" 2>&1 && dovecot -c "$1/dovecot.conf" >>"$1/start.log" 2>&1 && echo ready
cat >/dev/null
postfix -c "$1/postfix" abort >/dev/null 2>&1
dovecot -c "$1/dovecot.conf" stop >/dev/null 2>&1
rm -rf "$1"
`

// Start writes the configuration and starts the servers. The caller closes them.
func Start(opts Options) (*Server, error) {
	// Short, for the paths of Unix sockets have 107 characters.
	dir, err := os.MkdirTemp("", "mailaudit-mail-")
	if err != nil {
		return nil, fmt.Errorf("make folder of mail server: %w", err)
	}
	s := &Server{dir: dir, done: make(chan error, 1)}
	if err := s.configure(opts); err != nil {
		os.RemoveAll(dir)
		return nil, fmt.Errorf("configure mail server: %w", err)
	}
	if err := s.launch(); err != nil {
		return nil, fmt.Errorf("start mail server: %w", err)
	}
	return s, nil
}

func (s *Server) launch() error {
	cmd := exec.Command("sh", "-c", keeper, "keeper", s.dir)
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	s.keep = in
	said := bufio.NewScanner(out)
	ready := make(chan bool, 1)
	go func() {
		ready <- said.Scan() && said.Text() == "ready"
		for said.Scan() {
		}
		s.done <- cmd.Wait()
	}()
	if !<-ready {
		text, _ := os.ReadFile(filepath.Join(s.dir, "start.log"))
		return errors.Join(errors.New(strings.TrimSpace(string(text))), s.Close())
	}
	return nil
}

// Close stops the servers and removes their folder.
func (s *Server) Close() error {
	s.keep.Close()
	return <-s.done
}

// Addr is the "host:port" on which a service listens.
func (s *Server) Addr(service Service) string { return s.ports[service] }

// Mailbox gives the messages that have been delivered to a mailbox.
func (s *Server) Mailbox(local string) ([][]byte, error) {
	folder := filepath.Join(s.dir, "mail", local, "new")
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var messages [][]byte
	for _, e := range entries {
		text, rerr := os.ReadFile(filepath.Join(folder, e.Name()))
		err = errors.Join(err, rerr)
		messages = append(messages, text)
	}
	return messages, err
}

// Received lists the local parts of the mailboxes that have received anything, in order.
func (s *Server) Received() ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(s.dir, "mail"))
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, err
}
