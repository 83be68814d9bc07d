package scenario

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"mailaudit/audit/postgres/pgtest"
	"mailaudit/cmd/mailaudit/cli"
	"mailaudit/providers/sim"
)

// slowNight is an installation whose night takes a while: 60 accounts at one slow provider, ten of which
// are refused.
func slowNight(t *testing.T) (*scene, *sim.Server) {
	t.Helper()
	s := newScene(t)
	server := s.play(sim.Google(), sim.Mood{AuthLatency: 100 * time.Millisecond})
	s.settings["providers"] = "{google: {max_concurrency: 4, max_rate: 1000/s}}"
	s.install(slowRows(s)...)
	return s, server
}

func slowRows(s *scene) (rows []row) {
	for i := range 60 {
		login := fmt.Sprintf("front%02d@gmail.com", i)
		truth := sim.Account{Password: "own", AppPasswords: []string{"abcdefghijklmnop"}, TwoFactor: true}
		if i%6 == 0 {
			truth.AppPasswords = nil
		}
		s.world.Set(login, truth)
		rows = append(rows, row{"account_id": fmt.Sprintf("a-%02d", i), "tenant_id": fmt.Sprintf("T-%02d", i), "address": login,
			"secret": "abcdefghijklmnop", "contact_email": fmt.Sprintf("contact%02d@customers.example", i)})
	}
	return rows
}

func refusedContacts() (all []string) {
	for i := 0; i < 60; i += 6 {
		all = append(all, fmt.Sprintf("contact%02d@customers.example", i))
	}
	return all
}

// A signal lets the conversations under way end, the run is incomplete, and the next start goes on under
// the same key: nobody is asked twice, everybody is judged, everything is told once.
func TestInterruptedNightGoesOn(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			s, server := slowNight(t)
			ctx, cancel := context.WithCancelCause(t.Context())
			ended := make(chan outcome)
			go func() { ended <- s.doUntil(ctx, "--log-level", "error", "run") }()
			within(t, "some accounts were asked", func() bool { return server.Counters().Credentials >= 12 })
			cancel(cli.Interrupted{Signal: signal})
			o := <-ended
			if o.code != 128+int(signal) || o.stderr != "mailaudit: interrupted by "+signal.String()+"\n" {
				t.Errorf("exit %d: %s", o.code, o.stderr)
			}
			s.leftClean()
			asked := server.Counters().Credentials
			half := s.report("")
			if half.Run.Status != "incomplete" || asked >= 60 {
				t.Fatalf("run %+v after %d accounts", half.Run, asked)
			}
			if len(s.summaries()) != 0 || len(s.relay.Messages()) != 0 {
				t.Error("half a night was told")
			}
			s.done("run")
			whole := s.report("")
			if whole.Run.Key != half.Run.Key || whole.Run.Status != "concluded" || whole.Verdicts["compliant"] != 50 || whole.Verdicts["invalid"] != 10 {
				t.Errorf("run %+v, verdicts %v", whole.Run, whole.Verdicts)
			}
			for login, n := range s.world.Attempts() {
				if n != 1 {
					t.Errorf("%s was asked %d times", login, n)
				}
			}
			if n := len(s.summaries()); n != 1 {
				t.Errorf("%d summaries", n)
			}
			// A bare refusal at Google is ambiguous, and one night confirms it here.
			if got := s.recipients(); !slices.Equal(got, refusedContacts()) {
				t.Errorf("mails to %v", got)
			}
			s.leftClean()
		})
	}
}

// process runs the program as a process of its own, by the real clock.
func (s *scene) process(args ...string) (*exec.Cmd, *lockedBuffer) {
	s.t.Helper()
	return s.processAs("main", args...)
}

// processAs runs a part of [TestMain] as a process of its own.
func (s *scene) processAs(part string, args ...string) (*exec.Cmd, *lockedBuffer) {
	s.t.Helper()
	s.writeConfig()
	self, err := os.Executable()
	s.need(err)
	cmd := exec.CommandContext(s.t.Context(), self, append([]string{"--config", s.path("mailaudit.yaml")}, args...)...)
	cmd.Env = append(os.Environ(), asProgram+"="+part, clockAhead+"="+s.clock.Ahead.String())
	for name, value := range s.environment {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	said := &lockedBuffer{}
	cmd.Stdout, cmd.Stderr = said, said
	s.need(cmd.Start())
	return cmd, said
}

// A process that is killed leaves nothing that holds the next one up: it goes on at once, asks nobody more
// often than attempts_per_day, posts one summary and mails nobody twice.
func TestKilledNightGoesOn(t *testing.T) {
	t.Parallel()
	s, server := slowNight(t)
	s.clock.Ahead = 0
	kill := func(what string, when func() bool) {
		t.Helper()
		cmd, said := s.process("run", "--key", "night")
		within(t, what, when)
		s.need(cmd.Process.Kill())
		if err := cmd.Wait(); err == nil {
			t.Fatalf("ended before it was killed:\n%s", said)
		}
	}
	kill("some accounts were asked", func() bool { return server.Counters().Credentials >= 20 })
	if r := s.report("night"); r.Run.Status != "incomplete" {
		t.Errorf("a killed run is %s", r.Run.Status)
	}
	s.relay.SetMood(sim.RelayMood{Latency: 200 * time.Millisecond})
	kill("some mails have left", func() bool { return len(s.relay.Messages()) >= 3 })
	s.relay.SetMood(sim.RelayMood{})

	// The queue's own rescue comes after 75 seconds; a start takes over what a killed one held before that.
	last, said := s.process("run", "--key", "night")
	ended := make(chan error, 1)
	go func() { ended <- last.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Fatalf("%v:\n%s", err, said)
		}
	case <-time.After(60 * time.Second):
		last.Process.Kill()
		t.Fatalf("the next start does not come to an end:\n%s", said)
	}
	r := s.report("night")
	if r.Run.Status != "concluded" || r.Verdicts["compliant"] != 50 || r.Verdicts["invalid"] != 10 {
		t.Errorf("run %+v, verdicts %v", r.Run, r.Verdicts)
	}
	for login, n := range s.world.Attempts() {
		if n > 2 {
			t.Errorf("%s was asked %d times", login, n)
		}
	}
	if n := len(s.summaries()); n != 1 {
		t.Errorf("%d summaries", n)
	}
	s.toldOnceOrListed(refusedContacts())
	s.leftClean()
}

// A database that is away for a moment does not end the night: it is waited for.
func TestNightWaitsForItsDatabase(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a PostgreSQL of its own")
	}
	t.Parallel()
	s, server := slowNight(t)
	s.clock.Ahead = 0
	cluster := pgtest.Own(t)
	s.settings["database"] = cluster.URL("postgres", pgtest.Admin)
	s.done("migrate")
	s.imported(slowRows(s)...)
	cmd, said := s.process("run", "--key", "night")
	within(t, "some accounts were asked", func() bool { return server.Counters().Credentials >= 12 })
	s.need(cluster.Crash())
	within(t, "the night waits", func() bool {
		return strings.Contains(said.String(), "unavailable; what was heard is kept until it is back")
	})
	time.Sleep(2 * time.Second)
	s.need(cluster.Up())
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v:\n%s", err, said)
	}
	if r := s.report("night"); r.Run.Status != "concluded" || r.Verdicts["compliant"] != 50 || r.Verdicts["invalid"] != 10 {
		t.Errorf("run %+v, verdicts %v", r.Run, r.Verdicts)
	}
	for login, n := range s.world.Attempts() {
		if n > 2 {
			t.Errorf("%s was asked %d times", login, n)
		}
	}
	if n := len(s.summaries()); n != 1 {
		t.Errorf("%d summaries", n)
	}
	s.toldOnceOrListed(refusedContacts())
}

// toldOnceOrListed: whoever has no mail is listed as ambiguous, and nobody has two.
func (s *scene) toldOnceOrListed(contacts []string) {
	s.t.Helper()
	mails := s.recipients()
	if len(slices.Compact(slices.Clone(mails))) != len(mails) {
		s.t.Errorf("somebody was mailed twice: %v", mails)
	}
	ambiguous := 0
	var lines []noticeRow
	s.need(json.Unmarshal([]byte(s.done("notices", "list", "--format", "json")), &lines))
	for _, n := range lines {
		switch n.State {
		case "sent":
		case "ambiguous":
			ambiguous++
		default:
			s.t.Errorf("notice %s is %s: %s", n.Notice, n.State, n.Detail)
		}
	}
	// The one that was being handed over may have arrived or not.
	if missing := len(contacts) - len(mails); ambiguous > 1 || missing < 0 || missing > ambiguous {
		s.t.Errorf("%d mails for %d contacts, %d ambiguous", len(mails), len(contacts), ambiguous)
	}
}

// A real signal to a real process.
func TestSignalledProcess(t *testing.T) {
	t.Parallel()
	s, server := slowNight(t)
	s.clock.Ahead = 0
	cmd, said := s.process("--log-level", "error", "run", "--key", "night")
	within(t, "some accounts were asked", func() bool { return server.Counters().Credentials >= 8 })
	s.need(cmd.Process.Signal(syscall.SIGTERM))
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 143 {
		t.Errorf("%v:\n%s", err, said)
	}
	if r := s.report("night"); r.Run.Status != "incomplete" {
		t.Errorf("run is %s", r.Run.Status)
	}
	s.leftClean()
}
