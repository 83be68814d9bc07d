package scenario

import (
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"mailaudit/cmd/mailaudit/app"
	"mailaudit/cmd/mailaudit/cli"
	"mailaudit/cmd/mailaudit/exit"
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
		first <- cli.Run(t.Context(), []string{"--config", s.path("mailaudit.yaml"), "run", "--key", "by-hand"}, app.Env{
			LookupEnv: variables(nil), Stdout: io.Discard, Stderr: io.Discard, Now: s.clock.Now,
		})
	}()
	within(t, "the first run asks", func() bool { return s.counters().Connections > 0 })
	o := s.do("run")
	if o.code != exit.Done || !strings.Contains(o.stdout, "run by-hand is concluded") {
		t.Errorf("exit %d: %s%s", o.code, o.stdout, o.stderr)
	}
	if waits := strings.Contains(o.stderr, "the run waits for its end"); waits != (os.Getenv(onPostgres) == "") {
		t.Errorf("that it waits is told: %t: %s", waits, o.stderr)
	}
	if code := <-first; code != exit.Done {
		t.Errorf("the first: exit %d", code)
	}
	if n := s.counters().Auths; n != 1 {
		t.Errorf("%d sign-ins for one account", n)
	}
}
