package main

import (
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"mailaudit/providers/sim"
)

// TestASecondRunJoinsTheFirst: the night that another process works on is the night, whatever its key; nobody
// is asked once more when it is concluded.
func TestASecondRunJoinsTheFirst(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.play(sim.Google(), sim.Mood{AuthLatency: 1500 * time.Millisecond})
	s.world.Set("a@gmail.com", sim.Account{Password: "own", TwoFactor: true, AppPasswords: []string{appPassword}})
	s.install(row{"account_id": "a", "tenant_id": "T-1", "address": "a@gmail.com", "secret": appPassword})
	s.writeConfig()
	first := make(chan int)
	go func() {
		first <- run(t.Context(), []string{"--config", s.path("mailaudit.yaml"), "run", "--key", "by-hand"}, surroundingsOf{
			lookupEnv: variables(nil), stdout: io.Discard, stderr: io.Discard, now: s.clock.now,
		})
	}()
	within(t, "the first run asks", func() bool { return s.counters().Connections > 0 })
	o := s.do("run")
	if o.code != exitDone || !strings.Contains(o.stdout, "run by-hand is concluded") {
		t.Errorf("exit %d: %s%s", o.code, o.stdout, o.stderr)
	}
	if waits := strings.Contains(o.stderr, "the run waits for its end"); waits != (os.Getenv(onPostgres) == "") {
		t.Errorf("that it waits is told: %t: %s", waits, o.stderr)
	}
	if code := <-first; code != exitDone {
		t.Errorf("the first: exit %d", code)
	}
	if n := s.counters().Auths; n != 1 {
		t.Errorf("%d sign-ins for one account", n)
	}
}
