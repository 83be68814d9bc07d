package sim

import (
	"crypto/tls"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const mail = "From: a@example.com\r\nTo: b@example.com\r\nSubject: x\r\n\r\n.dot\r\n"

func authority(t *testing.T) *Authority {
	t.Helper()
	a, err := NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func startRelay(t *testing.T, opts RelayOptions) *Relay {
	t.Helper()
	r, err := StartRelay(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

func code(err error) int {
	var e *smtp.SMTPError
	if errors.As(err, &e) {
		return e.Code
	}
	return 0
}

func TestRelayTakesMail(t *testing.T) {
	a := authority(t)
	cfg := &tls.Config{ServerName: "relay.example", RootCAs: a.Pool()}
	for name, dial := range map[string]func(*Relay) (*smtp.Client, error){
		"starttls": func(r *Relay) (*smtp.Client, error) { return smtp.DialStartTLS(r.Addr(), cfg) },
		"tls":      func(r *Relay) (*smtp.Client, error) { return smtp.DialTLS(r.TLSAddr(), cfg) },
	} {
		for _, mechanism := range []string{sasl.Plain, sasl.Login} {
			t.Run(name+" "+mechanism, func(t *testing.T) {
				r := startRelay(t, RelayOptions{Authority: a, Username: "u", Password: "p"})
				c, err := dial(r)
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				if err := c.SendMail("a@example.com", []string{"b@example.com"}, strings.NewReader(mail)); code(err) != 530 {
					t.Errorf("without signing in: %v", err)
				}
				client := sasl.NewPlainClient("", "u", "p")
				if mechanism == sasl.Login {
					client = sasl.NewLoginClient("u", "p")
				}
				if err := c.Auth(client); err != nil {
					t.Fatal(err)
				}
				if err := c.SendMail("a@example.com", []string{"b@example.com"}, strings.NewReader(mail)); err != nil {
					t.Fatal(err)
				}
				got := r.Messages()
				if len(got) != 1 || string(got[0].Data) != mail || got[0].Login != "u" || !got[0].TLS || got[0].To[0] != "b@example.com" {
					t.Errorf("%+v", got)
				}
			})
		}
	}
	t.Run("wrong password", func(t *testing.T) {
		r := startRelay(t, RelayOptions{Authority: a, Username: "u", Password: "p"})
		c, err := smtp.DialTLS(r.TLSAddr(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.Auth(sasl.NewPlainClient("", "u", "x")); code(err) != 535 {
			t.Errorf("got %v", err)
		}
	})
}

func TestRelayMoods(t *testing.T) {
	for _, tt := range []struct {
		name string
		mood RelayMood
		code int // of the error; 0 for a dead line, -1 for none
		kept int
	}{
		{"good day", RelayMood{}, -1, 1},
		{"no such user", RelayMood{Recipients: map[string]string{"b@example.com": "550 5.1.1 No such user"}}, 550, 0},
		{"other user unknown", RelayMood{Recipients: map[string]string{"c@example.com": "550 5.1.1 No such user"}}, -1, 1},
		{"greylisted", RelayMood{Recipients: map[string]string{"b@example.com": "451 4.7.1 Try later"}}, 451, 0},
		{"sender refused", RelayMood{Mail: "553 5.1.8 Sender not owned"}, 553, 0},
		{"content refused", RelayMood{Data: "554 5.7.1 Spam"}, 554, 0},
		{"dead before the dot", RelayMood{DropBeforeDot: true}, 0, 0},
		{"dead after the dot", RelayMood{DropAfterDot: true}, 0, 1},
		{"silent after the dot", RelayMood{HangAfterDot: true}, 0, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := startRelay(t, RelayOptions{Mood: tt.mood})
			c, err := smtp.Dial(r.Addr())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			c.SubmissionTimeout = 200 * time.Millisecond
			err = c.SendMail("a@example.com", []string{"b@example.com"}, strings.NewReader(mail))
			if tt.code == -1 && err != nil || tt.code != -1 && (err == nil || code(err) != tt.code) {
				t.Errorf("got %v", err)
			}
			if n := len(r.Messages()); n != tt.kept {
				t.Errorf("%d messages kept, want %d", n, tt.kept)
			}
		})
	}
}

func TestRelayUntil(t *testing.T) {
	r := startRelay(t, RelayOptions{Mood: RelayMood{Until: 2}})
	c, err := smtp.Dial(r.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for i := range 3 {
		err := c.SendMail("a@example.com", []string{"b@example.com"}, strings.NewReader(mail))
		if i < 2 && err != nil || i == 2 && code(err) != 421 {
			t.Errorf("message %d: %v", i, err)
		}
	}
}
