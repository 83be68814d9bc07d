package notice_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"go.uber.org/goleak"

	"mailaudit/providers"
	"mailaudit/report/notice"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newSender(t *testing.T, r notice.Relay) *notice.Sender {
	t.Helper()
	s, err := notice.NewSender(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func mailTo(to string) notice.Message {
	return notice.Message{
		ID: "<1@sender.example>", From: "support@sender.example", To: to,
		Raw: []byte("From: support@sender.example\r\nTo: " + to + "\r\n\r\n.a line with a dot first\r\nend\r\n"),
	}
}

func TestTheRelayTakesMails(t *testing.T) {
	for _, c := range []struct {
		name       string
		relay      func(*testing.T) *relay
		mechanisms string
	}{
		{"STARTTLS and PLAIN", func(t *testing.T) *relay { return newRelay(t, starttls, "PLAIN") }, ""},
		{"STARTTLS and LOGIN", func(t *testing.T) *relay { return newRelay(t, starttls, "LOGIN") }, ""},
		{"implicit TLS", func(t *testing.T) *relay { return newRelay(t, implicit, "PLAIN") }, ""},
		{"no TLS, for tests", func(t *testing.T) *relay { return newRelay(t, insecure, "") }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := c.relay(t)
			s := newSender(t, r.settings())
			dots := 0
			for range 3 {
				out, err := s.Send(t.Context(), mailTo("maria@sunrise.example"), func(context.Context) error {
					dots++
					if n := len(r.mails()); n != dots-1 {
						t.Errorf("mail %d was taken before its dot: %d", dots, n)
					}
					return nil
				})
				if err != nil || out.Result != notice.Sent || out.Reply.Code != 250 {
					t.Fatalf("%+v: %v", out, err)
				}
			}
			if n := r.connections(); n != 1 {
				t.Errorf("%d connections for three mails", n)
			}
			mails := r.mails()
			if len(mails) != 3 || dots != 3 {
				t.Fatalf("%d mails, %d dots", len(mails), dots)
			}
			if got, want := mails[0].data, string(mailTo("maria@sunrise.example").Raw); got != want {
				t.Errorf("data %q, want %q", got, want)
			}
			if mails[0].to != "maria@sunrise.example" || mails[0].from != "support@sender.example" {
				t.Errorf("envelope %+v", mails[0])
			}
			s.Close()
			r.closed(t)
		})
	}
}

func TestWhatTheRelaySaysToAMail(t *testing.T) {
	refuse := func(code int, enhanced smtp.EnhancedCode, text string) error {
		return &smtp.SMTPError{Code: code, EnhancedCode: enhanced, Message: text}
	}
	for _, c := range []struct {
		name  string
		at    string
		err   error
		want  notice.Result
		stage string
		ours  bool
	}{
		{"no such user", "rcpt", refuse(550, smtp.EnhancedCode{5, 1, 1}, "no such user"), notice.Failed, "rcpt", false},
		{"greylisted", "rcpt", refuse(451, smtp.EnhancedCode{4, 7, 1}, "try later"), notice.Retry, "rcpt", false},
		{"not signed in", "rcpt", refuse(530, smtp.EnhancedCode{5, 7, 0}, "authentication required"), notice.Retry, "rcpt", true},
		{"going down", "rcpt", refuse(421, smtp.EnhancedCode{4, 3, 2}, "going down"), notice.Retry, "rcpt", false},
		{"sender refused", "mail", refuse(550, smtp.EnhancedCode{5, 7, 60}, "not your address"), notice.Retry, "mail", true},
		{"sender deferred", "mail", refuse(452, smtp.EnhancedCode{4, 3, 1}, "disk full"), notice.Retry, "mail", false},
		{"content refused", "data", refuse(554, smtp.EnhancedCode{5, 7, 1}, "looks like spam"), notice.Failed, "dot", false},
		{"content deferred", "data", refuse(451, smtp.EnhancedCode{4, 3, 0}, "try later"), notice.Retry, "dot", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRelay(t, starttls, "PLAIN")
			r.refuse(c.at, c.err)
			s := newSender(t, r.settings())
			out, err := s.Send(t.Context(), mailTo("maria@sunrise.example"), nil)
			if out.Result != c.want || out.Stage != c.stage {
				t.Errorf("%+v, want %s at %s", out, c.want, c.stage)
			}
			want := c.err.(*smtp.SMTPError)
			if out.Reply.Code != want.Code || out.Reply.Stage != providers.StageMail || !strings.Contains(out.Detail, want.Message) {
				t.Errorf("reply %+v, detail %q", out.Reply, out.Detail)
			}
			var ours *notice.RelayError
			if errors.As(err, &ours) != c.ours {
				t.Errorf("error %v", err)
			}
			r.refuse("", nil)
			if out, err := s.Send(t.Context(), mailTo("next@sunrise.example"), nil); err != nil || out.Result != notice.Sent {
				t.Errorf("the next mail: %+v: %v", out, err)
			}
			if n := len(r.mails()); n != 1 {
				t.Errorf("%d mails taken, want the next one alone", n)
			}
		})
	}
}

func TestTroubleWithTheRelayIsNoMails(t *testing.T) {
	password := "canary-Pa55word"
	for _, c := range []struct {
		name  string
		relay func(*testing.T) notice.Relay
		stage string
	}{
		{"wrong password", func(t *testing.T) notice.Relay {
			r := newRelay(t, starttls, "PLAIN").settings()
			r.Password = providers.NewSecret(password)
			return r
		}, "auth"},
		{"no STARTTLS", func(t *testing.T) notice.Relay {
			r := newRelay(t, insecure, "PLAIN").settings()
			r.URL = strings.Replace(r.URL, "smtp+insecure", "smtp", 1)
			r.Password = providers.NewSecret(password)
			return r
		}, "starttls"},
		{"unknown authority", func(t *testing.T) notice.Relay {
			r := newRelay(t, starttls, "PLAIN").settings()
			r.RootCAs = nil
			return r
		}, "hello"},
		{"nobody listens", func(t *testing.T) notice.Relay {
			r := newRelay(t, starttls, "PLAIN")
			set := r.settings()
			r.stop()
			return set
		}, "connect"},
		{"no common mechanism", func(t *testing.T) notice.Relay {
			return newRelay(t, starttls, "GSSAPI").settings()
		}, "auth"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSender(t, c.relay(t))
			out, err := s.Send(t.Context(), mailTo("maria@sunrise.example"), func(context.Context) error {
				t.Error("came as far as the dot")
				return nil
			})
			var ours *notice.RelayError
			if !errors.As(err, &ours) || ours.Stage != c.stage || out.Result != notice.Retry || out.Stage != c.stage {
				t.Errorf("%+v: %v", out, err)
			}
			if strings.Contains(out.Detail, password) || strings.Contains(err.Error(), password) {
				t.Error("the password is in the error")
			}
			if err := s.Check(t.Context()); !errors.As(err, &ours) || ours.Stage != c.stage {
				t.Errorf("check: %v", err)
			}
		})
	}
}

func TestNoPasswordBeforeTLS(t *testing.T) {
	r := newRelay(t, insecure, "PLAIN")
	set := r.settings()
	set.URL = strings.Replace(set.URL, "smtp+insecure", "smtp", 1)
	s := newSender(t, set)
	if _, err := s.Send(t.Context(), mailTo("maria@sunrise.example"), nil); err == nil {
		t.Error("sent without TLS")
	}
	if n := r.attempts(); n != 0 {
		t.Errorf("%d passwords were given away", n)
	}
}

func TestASessionThatWentIdleIsReplaced(t *testing.T) {
	r := newRelay(t, starttls, "PLAIN")
	s := newSender(t, r.settings())
	for range 2 {
		if out, err := s.Send(t.Context(), mailTo("maria@sunrise.example"), nil); err != nil || out.Result != notice.Sent {
			t.Fatalf("%+v: %v", out, err)
		}
		r.hangUp()
	}
	if n := r.connections(); n != 2 {
		t.Errorf("%d connections, want 2", n)
	}
}

func TestTheHookDecides(t *testing.T) {
	r := newRelay(t, starttls, "PLAIN")
	s := newSender(t, r.settings())
	stop := errors.New("stopped by the operator")
	out, err := s.Send(t.Context(), mailTo("maria@sunrise.example"), func(context.Context) error { return stop })
	if !errors.Is(err, stop) || out.Result != notice.Retry {
		t.Errorf("%+v: %v", out, err)
	}
	if out, err := s.Send(t.Context(), mailTo("next@sunrise.example"), nil); err != nil || out.Result != notice.Sent {
		t.Errorf("the next mail: %+v: %v", out, err)
	}
	if mails := r.mails(); len(mails) != 1 || mails[0].to != "next@sunrise.example" {
		t.Errorf("taken: %+v", mails)
	}
}

func TestGivingUp(t *testing.T) {
	r := newRelay(t, starttls, "PLAIN")
	s := newSender(t, r.settings())
	ctx, cancel := context.WithCancel(t.Context())
	out, err := s.Send(ctx, mailTo("maria@sunrise.example"), func(context.Context) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) || out.Result != notice.Retry || len(r.mails()) != 0 {
		t.Errorf("cancelled before the dot: %+v: %v", out, err)
	}
	if out, err := s.Send(ctx, mailTo("maria@sunrise.example"), nil); !errors.Is(err, context.Canceled) || out.Result != notice.Retry {
		t.Errorf("cancelled before connecting: %+v: %v", out, err)
	}
}

func TestMailsKeepTheirDistance(t *testing.T) {
	r := newRelay(t, insecure, "")
	set := r.settings()
	set.MaxRate = 50
	s := newSender(t, set)
	start := time.Now()
	for range 4 {
		if _, err := s.Send(t.Context(), mailTo("maria@sunrise.example"), nil); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(start); took < 3*time.Second/50 {
		t.Errorf("four mails at 50 a second took only %v", took)
	}
	set.MaxRate = 0.0001
	slow := newSender(t, set)
	if _, err := slow.Send(t.Context(), mailTo("maria@sunrise.example"), nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, err := slow.Send(ctx, mailTo("maria@sunrise.example"), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting its turn: %v", err)
	}
}

func TestRelaySettings(t *testing.T) {
	for url, ok := range map[string]bool{
		"smtp://relay.example:587":                  true,
		"smtp://relay.example":                      true,
		"smtps://user:pa%20ss@relay.example":        true,
		"smtp+insecure://relay.example:25":          true,
		"smtp+insecure://user:pass@127.0.0.1:25":    true,
		"smtp+insecure://user:canary@relay.example": false,
		"":                                            false,
		"relay.example:587":                           false,
		"http://user:canary@relay.example":            false,
		"smtp://user:canary@relay.example:99999":      false,
		"smtp://user:canary@relay.example/path":       false,
		"smtp://user:canary%zz@relay.example":         false,
		"smtp://user:canary@relay.example?tls=no":     false,
		"smtp://user:canary@relay.example:587:587/\n": false,
	} {
		_, err := notice.NewSender(notice.Relay{URL: url})
		if (err == nil) != ok {
			t.Errorf("%q: %v", url, err)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%q: the password is in the error: %v", url, err)
		}
	}
}
