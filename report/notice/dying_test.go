package notice_test

import (
	"bufio"
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"mailaudit/report/notice"
)

// dying is a relay that plays one scene and is gone. Each line of a script is what it answers next;
// "CLOSE" cuts the line, "BODY" reads a message up to its dot, "HALF" reads a message's first line,
// "HOLD" says nothing more until the other side leaves.
func dying(t *testing.T, script ...string) notice.Relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { l.Close(); <-done })
	go func() {
		defer close(done)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		play(conn, script)
	}()
	return notice.Relay{
		URL: "smtp+insecure://" + l.Addr().String(), Timeout: 2 * time.Second, DotTimeout: 500 * time.Millisecond,
		Grace: 50 * time.Millisecond,
	}
}

func play(conn net.Conn, script []string) {
	r := bufio.NewReader(conn)
	for _, line := range script {
		switch line {
		case "CLOSE":
			return
		case "RESET":
			conn.(*net.TCPConn).SetLinger(0)
			return
		case "HOLD":
			r.ReadString(0)
			return
		case "HALF":
			r.ReadString('\n')
		case "BODY":
			for {
				s, err := r.ReadString('\n')
				if err != nil {
					return
				}
				if s == ".\r\n" {
					break
				}
			}
		default:
			conn.Write([]byte(line + "\r\n"))
			if line[0] != '3' && !strings.HasPrefix(line, "421") {
				r.ReadString('\n') // the next command
			}
		}
	}
	r.ReadString(0)
}

func TestWhenTheLineGoesDead(t *testing.T) {
	hello := []string{"220 relay.test", "250 relay.test", "250 sender ok", "250 recipient ok"}
	long := mailTo("maria@sunrise.example")
	long.Raw = append(long.Raw, []byte(strings.Repeat("More text.\r\n", 1_500_000))...)
	for _, c := range []struct {
		name   string
		mail   notice.Message
		script []string
		want   notice.Result
		stage  string
	}{
		{"at the greeting", mailTo("a@b.example"), []string{"CLOSE"}, notice.Retry, "hello"},
		{"with 421 at the greeting", mailTo("a@b.example"), []string{"421 4.3.2 busy", "CLOSE"}, notice.Retry, "hello"},
		{"after EHLO", mailTo("a@b.example"), append(hello[:1:1], "CLOSE"), notice.Retry, "hello"},
		{"after MAIL", mailTo("a@b.example"), append(hello[:2:2], "CLOSE"), notice.Retry, "mail"},
		{"after RCPT", mailTo("a@b.example"), append(hello[:3:3], "CLOSE"), notice.Retry, "rcpt"},
		{"after DATA", mailTo("a@b.example"), append(hello[:4:4], "CLOSE"), notice.Retry, "data"},
		{"in the message", long, append(hello[:4:4], "354 go on", "HALF", "RESET"), notice.Retry, "data"},
		{"after the dot", mailTo("a@b.example"), append(hello[:4:4], "354 go on", "BODY", "CLOSE"), notice.Ambiguous, "dot"},
		{"silent after the dot", mailTo("a@b.example"), append(hello[:4:4], "354 go on", "BODY", "HOLD"), notice.Ambiguous, "dot"},
		{"garbage after the dot", mailTo("a@b.example"), append(hello[:4:4], "354 go on", "BODY", "hm, fine"), notice.Ambiguous, "dot"},
		{"421 after the dot", mailTo("a@b.example"), append(hello[:4:4], "354 go on", "BODY", "421 4.3.2 going down", "CLOSE"), notice.Retry, "dot"},
		{"another 2xx after the dot", mailTo("a@b.example"), append(hello[:4:4], "354 go on", "BODY", "252 taken"), notice.Sent, "dot"},
		{"354 after the dot", mailTo("a@b.example"), append(hello[:4:4], "354 go on", "BODY", "354 go on", "CLOSE"), notice.Ambiguous, "dot"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSender(t, dying(t, c.script...))
			dotted := false
			out, err := s.Send(t.Context(), c.mail, func(context.Context) error { dotted = true; return nil })
			if out.Result != c.want || out.Stage != c.stage || out.Detail == "" {
				t.Errorf("%+v, want %s at %s", out, c.want, c.stage)
			}
			if dotted != (c.stage == "dot") {
				t.Errorf("the dot was announced: %v", dotted)
			}
			var ours *notice.RelayError
			if errors.As(err, &ours) != (c.stage == "hello") {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestGivingUpAfterTheDot: the answer is waited for, since a mail without one is ambiguous for good.
func TestGivingUpAfterTheDot(t *testing.T) {
	script := []string{"220 relay.test", "250 relay.test", "250 sender ok", "250 recipient ok", "354 go on", "BODY"}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	slow := dying(t, append(script, "250 taken")...)
	slow.Grace = 5 * time.Second
	s := newSender(t, slow)
	time.AfterFunc(0, cancel)
	if out, _ := s.Send(ctx, mailTo("a@b.example"), nil); out.Result == notice.Ambiguous {
		t.Errorf("%+v", out)
	}

	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	dead := dying(t, append(script, "HOLD")...)
	dead.DotTimeout = time.Hour
	s = newSender(t, dead)
	time.AfterFunc(200*time.Millisecond, cancel)
	if out, err := s.Send(ctx, mailTo("a@b.example"), nil); out.Result != notice.Ambiguous || err != nil {
		t.Errorf("%+v: %v", out, err)
	}
}
