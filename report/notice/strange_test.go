package notice_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xdg-go/scram"

	"mailaudit/providers"
	"mailaudit/report/notice"
)

// strange is a relay that is right in essence and odd in form.
type strange struct {
	offer    string            // what EHLO offers, lines parted by a line feed
	prompts  [2]string         // the 334 lines of LOGIN as they are; "": the usual ones
	say      map[string]string // by verb, "dot", "auth" and "*": in place of the usual reply; "\x00": says nothing
	endless  string            // the verb whose answer never ends
	deaf     bool              // reads no message
	startTLS bool
	inject   string // sent in clear behind the answer to STARTTLS

	roots *x509.CertPool
	tls   *tls.Config
	addr  string

	mu     sync.Mutex
	heard  []string
	logins []string
	taken  int
}

func (r *strange) start(t *testing.T) notice.Relay {
	t.Helper()
	r.tls, r.roots = certificate(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.addr = l.Addr().String()
	var all sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, conn)
			mu.Unlock()
			all.Go(func() { defer conn.Close(); r.serve(conn) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, c := range open {
			c.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	scheme := "smtp+insecure://"
	if r.startTLS {
		scheme = "smtp://"
	}
	return notice.Relay{
		URL: scheme + r.addr, RootCAs: r.roots, Username: "support", Password: providers.NewSecret(relayPassword),
		Timeout: 5 * time.Second, DotTimeout: 5 * time.Second, Grace: 50 * time.Millisecond,
	}
}

func (r *strange) serve(conn net.Conn) {
	in := bufio.NewReader(conn)
	read := func() string {
		line, err := in.ReadString('\n')
		if err != nil {
			return "QUIT"
		}
		line = strings.TrimRight(line, "\r\n")
		r.mu.Lock()
		r.heard = append(r.heard, line)
		r.mu.Unlock()
		return line
	}
	reply := func(step, usual string) {
		if step == r.endless {
			for {
				if _, err := io.WriteString(conn, "250-and more of it\r\n"); err != nil {
					return
				}
			}
		}
		if said, ok := r.say[step]; ok {
			usual = said
		}
		if usual != "\x00" {
			io.WriteString(conn, strings.ReplaceAll(usual, "\n", "\r\n")+"\r\n")
		}
	}
	decoded := func(s string) string { b, _ := base64.StdEncoding.DecodeString(s); return string(b) }
	reply("greeting", "220 strange.test")
	for {
		line := read()
		verb, rest, _ := strings.Cut(line, " ")
		switch strings.ToUpper(verb) {
		case "EHLO":
			offer := r.offer
			if r.startTLS && r.tls != nil {
				if _, ok := conn.(*tls.Conn); !ok {
					offer = "250-starttls\n250 help"
				}
			}
			reply("EHLO", "250-strange.test\n"+offer)
		case "STARTTLS":
			io.WriteString(conn, "220 go\r\n"+r.inject)
			secure := tls.Server(conn, r.tls)
			conn, in = secure, bufio.NewReader(secure)
		case "AUTH":
			name, initial, _ := strings.Cut(rest, " ")
			login := ""
			switch name {
			case "PLAIN":
				parts := strings.Split(decoded(initial), "\x00")
				login = strings.Join(parts[1:], "/")
			case "LOGIN":
				var answers []string
				for i, usual := range []string{"334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"} {
					if r.prompts[i] != "" {
						usual = r.prompts[i]
					}
					reply("prompt", usual)
					answers = append(answers, decoded(read()))
				}
				login = strings.Join(answers, "/")
			case "SCRAM-SHA-256":
				server, _ := scram.SHA256.NewServer(func(string) (scram.StoredCredentials, error) {
					c, _ := scram.SHA256.NewClient("support", relayPassword, "")
					return c.GetStoredCredentialsWithError(scram.KeyFactors{Salt: "salt", Iters: 16})
				})
				talk := server.NewConversation()
				said, _ := talk.Step(decoded(initial))
				reply("prompt", "334 "+base64.StdEncoding.EncodeToString([]byte(said)))
				said, err := talk.Step(decoded(read()))
				if err == nil {
					reply("prompt", "334 "+base64.StdEncoding.EncodeToString([]byte(said)))
					read()
					login = "support/" + relayPassword
				}
			}
			r.mu.Lock()
			r.logins = append(r.logins, login)
			r.mu.Unlock()
			if login == "support/"+relayPassword {
				reply("auth", "235 2.7.0 welcome")
			} else {
				reply("auth", "535 5.7.8 no")
			}
		case "*":
			reply("*", "501 5.5.2 what?")
		case "DATA":
			reply("DATA", "354 go on")
			if r.deaf {
				time.Sleep(time.Second)
				return
			}
			line := read()
			for ; line != "." && line != "QUIT"; line = read() {
			}
			if line == "QUIT" {
				return
			}
			r.mu.Lock()
			r.taken++
			r.mu.Unlock()
			reply("dot", "250 2.0.0 taken")
		case "QUIT":
			reply("QUIT", "221 bye")
			return
		default:
			reply(strings.ToUpper(verb), "250 2.1.0 fine")
		}
	}
}

func (r *strange) heardAll() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.heard, "\n")
}

// What mail servers are known to do, a relay may do too: each takes the mail.
func TestTheRelayMayBeOdd(t *testing.T) {
	long := "250 2.1.0 fine" // a reply of many lines, to every command of a hundred mails
	long = strings.Repeat("250-2.1.0 and one more thing\n", 30) + long
	for name, r := range map[string]*strange{
		"as books have it":              {offer: "250-8BITMIME\n250 AUTH PLAIN LOGIN"},
		"AUTH in lower case":            {offer: "250-size 1000000\n250 auth login plain"},
		"the old form of AUTH":          {offer: "250 AUTH=LOGIN"},
		"the old form, in lower case":   {offer: "250 auth=login plain"},
		"both forms":                    {offer: "250-AUTH PLAIN LOGIN\n250-AUTH=LOGIN\n250 HELP"},
		"AUTH in two lines":             {offer: "250-AUTH LOGIN\n250-AUTH CRAM-MD5\n250 8BITMIME"},
		"a tab behind AUTH":             {offer: "250 AUTH\tLOGIN PLAIN"},
		"an offer that holds a line":    {offer: "250-AUTH LOGIN\nand a line without a code\n250 HELP"},
		"prompts in clear":              {offer: "250 AUTH LOGIN", prompts: [2]string{"334 Username:", "334 Password:"}},
		"prompts that are empty":        {offer: "250 AUTH LOGIN", prompts: [2]string{"334 ", "334 "}},
		"prompts that are codes":        {offer: "250 AUTH LOGIN", prompts: [2]string{"334", "334"}},
		"prompts of another make":       {offer: "250 AUTH LOGIN", prompts: [2]string{"334 VXNlciBOYW1lAA==", "334 UGFzc3dvcmQA"}},
		"prompts with a NUL of old":     {offer: "250 AUTH LOGIN", prompts: [2]string{"334 QmVudXR6ZXJuYW1lOg==", "334 Kennwort: bitte"}},
		"SCRAM alone":                   {offer: "250 AUTH SCRAM-SHA-256 CRAM-MD5"},
		"codes without words":           {offer: "250 AUTH PLAIN", say: map[string]string{"MAIL": "250", "RCPT": "250", "DATA": "354", "dot": "250", "auth": "235"}},
		"many lines to everything":      {offer: "250 AUTH PLAIN", say: map[string]string{"MAIL": long, "RCPT": long, "dot": long}},
		"STARTTLS in lower case":        {offer: "250 AUTH PLAIN", startTLS: true},
		"8-bit, UTF-8 and pipelining":   {offer: "250-8BITMIME\n250-SMTPUTF8\n250-PIPELINING\n250 AUTH PLAIN"},
		"a greeting of several lines":   {offer: "250 AUTH PLAIN", say: map[string]string{"greeting": "220-strange.test\n220-We do not spam\n220 here"}},
		"another code for a recipient":  {offer: "250 AUTH PLAIN", say: map[string]string{"RCPT": "251 will forward"}},
		"words beyond ASCII in the end": {offer: "250 AUTH PLAIN", say: map[string]string{"dot": "250 angenommen, schönen Tag"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSender(t, r.start(t))
			mails := 1
			if name == "many lines to everything" {
				mails = 99 // of one connection, which bears no more than one conversation's budget at a time
			}
			for i := range mails {
				if out, err := s.Send(t.Context(), mailTo("maria@sunrise.example"), nil); err != nil || out.Result != notice.Sent {
					t.Fatalf("mail %d: %+v: %v", i, out, err)
				}
			}
			heard := r.heardAll()
			if r.taken != mails || len(r.logins) != 1 || strings.Contains(heard, "BODY=") || strings.Contains(heard, "SMTPUTF8") {
				t.Errorf("%d mails, %d sign-ins:\n%.600s", r.taken, len(r.logins), heard)
			}
		})
	}
}

// Providers and relay hear the same name, and neither hears "localhost".
func TestTheRelayIsGreetedByOurName(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	byDefault := host
	if !strings.Contains(host, ".") {
		byDefault = "[127.0.0.1]"
	}
	for set, want := range map[string]string{"": byDefault, "audit.clinic.example": "audit.clinic.example"} {
		for _, startTLS := range []bool{true, false} {
			r := &strange{offer: "250 AUTH PLAIN", startTLS: startTLS}
			settings := r.start(t)
			settings.EHLO = set
			if out, err := newSender(t, settings).Send(t.Context(), mailTo("maria@sunrise.example"), nil); err != nil || out.Result != notice.Sent {
				t.Fatalf("%+v: %v", out, err)
			}
			greetings := 0
			for _, line := range strings.Split(r.heardAll(), "\n") {
				if name, ok := strings.CutPrefix(line, "EHLO "); ok {
					if greetings++; name != want {
						t.Errorf("greeted as %q, want %q", name, want)
					}
				}
			}
			if greetings != map[bool]int{true: 2, false: 1}[startTLS] {
				t.Errorf("%d greetings", greetings)
			}
		}
	}
}

// Whatever the relay repeats of our password, in whatever form and step, nobody is told.
func TestTheRelaysWordsHoldNoPassword(t *testing.T) {
	b64 := base64.StdEncoding.EncodeToString
	echo := relayPassword + " " + strings.ToUpper(relayPassword) + " " + b64([]byte(relayPassword)) + " " + b64([]byte("\x00support\x00"+relayPassword))
	for _, step := range []string{"greeting", "EHLO", "auth", "MAIL", "RCPT", "DATA", "dot"} {
		for _, code := range []string{"250", "421", "451", "535", "550", "999"} {
			for _, form := range []string{code + " no: " + echo, code + "-no: " + relayPassword[:7] + "\n" + code + " " + relayPassword[7:], "no SMTP: " + echo} {
				r := &strange{offer: "250 AUTH PLAIN LOGIN", say: map[string]string{step: form}}
				settings := r.start(t)
				settings.Timeout, settings.DotTimeout = 300*time.Millisecond, 300*time.Millisecond
				out, err := newSender(t, settings).Send(t.Context(), mailTo("maria@sunrise.example"), nil)
				told := fmt.Sprintf("%+v %v", out, err)
				squeezed := strings.NewReplacer(" ", "", "\n", "").Replace(strings.ToLower(told))
				for _, secret := range []string{relayPassword, b64([]byte(relayPassword)), b64([]byte("\x00support\x00" + relayPassword))} {
					if strings.Contains(squeezed, strings.ToLower(secret)) {
						t.Errorf("%s, %.20q: %s", step, form, told)
					}
				}
			}
		}
	}
}

// A refused sign-in is told in the relay's words, at once, even where the relay has nothing to say to the "*" that
// go-smtp sends after it.
func TestARefusedSignInIsTold(t *testing.T) {
	r := &strange{offer: "250 AUTH PLAIN", say: map[string]string{"auth": "535 5.7.8 Your SMTP account is not yet activated", "*": "\x00"}}
	settings := r.start(t)
	settings.Timeout = 2 * time.Second
	_, err := newSender(t, settings).Send(t.Context(), mailTo("maria@sunrise.example"), nil)
	var ours *notice.RelayError
	if !errors.As(err, &ours) || ours.Stage != "auth" || !strings.Contains(err.Error(), "not yet activated") {
		t.Errorf("%v", err)
	}
	if strings.Contains(r.heardAll(), "\n*") {
		t.Errorf("a final answer was cancelled: %q", r.heardAll())
	}
}

func TestSignInThatIsNotSpoken(t *testing.T) {
	for offer, want := range map[string]string{
		"250 AUTH CRAM-MD5 NTLM": "CRAM-MD5", "250 HELP": "remove relay.username",
	} {
		r := &strange{offer: offer}
		_, err := newSender(t, r.start(t)).Send(t.Context(), mailTo("maria@sunrise.example"), nil)
		var ours *notice.RelayError
		if !errors.As(err, &ours) || ours.Stage != "auth" || !strings.Contains(err.Error(), want) || len(r.logins) != 0 {
			t.Errorf("%s: %v", offer, err)
		}
	}
}

// An answer that never ends, and a relay that stops reading, end in good time and by the rule of the dot.
func TestARelayWithoutAnEnd(t *testing.T) {
	for step, want := range map[string]notice.Result{"EHLO": notice.Retry, "MAIL": notice.Retry, "RCPT": notice.Retry, "DATA": notice.Retry, "dot": notice.Ambiguous} {
		r := &strange{offer: "250 AUTH PLAIN", endless: step}
		settings := r.start(t)
		settings.Timeout, settings.DotTimeout = time.Minute, time.Minute
		out, _ := newSender(t, settings).Send(t.Context(), mailTo("maria@sunrise.example"), nil)
		if out.Result != want || !strings.Contains(out.Detail, "more than a conversation may hold") {
			t.Errorf("%s: %+v", step, out)
		}
	}
	r := &strange{offer: "250 AUTH PLAIN", deaf: true}
	settings := r.start(t)
	settings.DotTimeout = 100 * time.Millisecond
	long := mailTo("maria@sunrise.example")
	long.Raw = append(long.Raw, []byte(strings.Repeat("More text.\r\n", 3_000_000))...)
	dotted := false
	out, err := newSender(t, settings).Send(t.Context(), long, func(context.Context) error { dotted = true; return nil })
	if out.Result != notice.Retry || out.Stage != "data" || dotted || err != nil {
		t.Errorf("deaf: %+v, %v, dot announced %t", out, err, dotted)
	}
}

func TestWhatComesInClearBehindSTARTTLS(t *testing.T) {
	r := &strange{offer: "250 AUTH PLAIN", startTLS: true, inject: "250-evil.test\r\n250 AUTH PLAIN\r\n"}
	_, err := newSender(t, r.start(t)).Send(t.Context(), mailTo("maria@sunrise.example"), nil)
	var ours *notice.RelayError
	if !errors.As(err, &ours) || ours.Stage != "starttls" || len(r.logins) != 0 {
		t.Errorf("%v", err)
	}
}

// Mails are 7-bit, so that no relay needs to be told of another body.
func TestMailsAreSevenBit(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "*", "*.eml"))
	if err != nil || len(files) < 5 {
		t.Fatalf("%d mails: %v", len(files), err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.ContainsFunc(string(b), func(r rune) bool { return r >= 0x80 }) {
			t.Errorf("%s is not 7-bit", name)
		}
	}
}
