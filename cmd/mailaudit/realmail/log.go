package realmail

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Counts are what Postfix and Dovecot have logged of one service since the start.
type Counts struct {
	Connected    int
	Disconnected int
	Auths        int // AUTH commands, accepted or not
	Accepted     int // of these
	Mails        int // MAIL FROM
	Quits        int
}

var disconnected = regexp.MustCompile(`^disconnect from \S+((?: [a-z_]+=[0-9/]+)*)$`)

// Counts reads Postfix's log. Each conversation ends with a line such as
// "disconnect from unknown[127.0.0.1] ehlo=2 starttls=1 auth=0/1 quit=1 commands=4/5"
// (commands accepted, or accepted and sent), so numbers are complete once Connected equals Disconnected.
func (s *Server) Counts() (map[Service]Counts, error) {
	text, err := os.ReadFile(filepath.Join(s.dir, "postfix.log"))
	if err != nil {
		return nil, err
	}
	all := map[Service]Counts{}
	for line := range strings.Lines(string(text)) {
		service, said, ok := parseLine(line)
		if !ok {
			continue
		}
		c := all[service]
		if strings.HasPrefix(said, "connect from ") {
			c.Connected++
		}
		if m := disconnected.FindStringSubmatch(said); m != nil {
			c.Disconnected++
			c.add(strings.Fields(m[1]))
		}
		all[service] = c
	}
	return all, nil
}

// parseLine takes "Nov 23 02:15:00 host plain-465/smtpd[4711]: text" apart.
func parseLine(line string) (service Service, said string, ok bool) {
	head, said, found := strings.Cut(strings.TrimSpace(line), "]: ")
	if !found {
		return "", "", false
	}
	words := strings.Fields(head)
	name, _, found := strings.Cut(words[len(words)-1], "/smtpd[")
	return Service(name), said, found
}

func (c *Counts) add(commands []string) {
	for _, command := range commands {
		name, numbers, _ := strings.Cut(command, "=")
		good, sent, both := strings.Cut(numbers, "/")
		if !both {
			sent = good
		}
		accepted, _ := strconv.Atoi(good)
		all, _ := strconv.Atoi(sent)
		switch name {
		case "auth":
			c.Auths += all
			c.Accepted += accepted
		case "mail":
			c.Mails += all
		case "quit":
			c.Quits += all
		}
	}
}

var asked = regexp.MustCompile(`auth: Debug: client in: AUTH\t[0-9]+\t([A-Z0-9-]+)\t`)

// Mechanisms counts, from Dovecot's log, how often each was used.
func (s *Server) Mechanisms() (map[string]int, error) {
	text, err := os.ReadFile(filepath.Join(s.dir, "dovecot.log"))
	if err != nil {
		return nil, err
	}
	n := map[string]int{}
	for _, m := range asked.FindAllStringSubmatch(string(text), -1) {
		n[m[1]]++
	}
	return n, nil
}

// Log is both servers' log, for a test that failed.
func (s *Server) Log() string {
	var b strings.Builder
	for _, name := range []string{"start.log", "postfix.log", "dovecot.log"} {
		text, err := os.ReadFile(filepath.Join(s.dir, name))
		fmt.Fprintf(&b, "--- %s (%v)\n%s", name, err, text)
	}
	return b.String()
}

func chownTo(path, name string) error {
	u, err := user.Lookup(name)
	if err != nil {
		return err
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return err
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return err
	}
	return os.Chown(path, uid, gid)
}
