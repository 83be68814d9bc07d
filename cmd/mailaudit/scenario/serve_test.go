package scenario

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"mailaudit/audit/postgres/pgtest"
	"mailaudit/cmd/mailaudit/app"
	"mailaudit/cmd/mailaudit/cli"
	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/providers/sim"
)

// serving is a serve in this process, under a clock that may be set while it runs.
type serving struct {
	*scene
	address string
	ahead   atomic.Int64
	said    lockedBuffer
	signal  func(syscall.Signal)
	code    chan int
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// serves starts serve by the scene's configuration, at a time of a night.
func (s *scene) serves(night int, clock time.Duration, args ...string) *serving {
	s.t.Helper()
	v := &serving{scene: s, address: freeAddress(s.t), code: make(chan int, 1)}
	ended := make(chan struct{})
	s.settings["metrics"] = inYAML(map[string]any{"listen": v.address})
	s.writeConfig()
	v.at(night, clock)
	ctx, cancel := context.WithCancelCause(context.Background())
	v.signal = func(signal syscall.Signal) { cancel(cli.Interrupted{Signal: signal}) }
	env := app.Env{LookupEnv: variables(nil), Stdout: &v.said, Stderr: &v.said,
		Now: func() time.Time { return time.Now().Add(time.Duration(v.ahead.Load())) }}
	go func() {
		defer close(ended)
		v.code <- cli.Run(ctx, append([]string{"--config", s.path("mailaudit.yaml"), "serve"}, args...), env)
	}()
	s.t.Cleanup(func() {
		cancel(cli.Interrupted{Signal: syscall.SIGTERM})
		<-ended // it writes into the folder that goes next
		if s.t.Failed() {
			s.t.Logf("serve said:\n%s", v.said.String())
		}
	})
	within(s.t, "serve answers", func() bool { return v.probe("/readyz") == http.StatusOK || len(v.code) > 0 })
	return v
}

func (v *serving) at(night int, clock time.Duration) {
	v.ahead.Store(int64(time.Until(sceneStart().AddDate(0, 0, night).Add(clock))))
}

var lastPort atomic.Int32

func init() { lastPort.Store(20000 + rand.Int32N(8000)) }

// freeAddress is below the ports that systems give to connections, of which there are many here: one of those
// could be taken again before it is listened on.
func freeAddress(t *testing.T) string {
	t.Helper()
	for range 100 {
		address := fmt.Sprintf("127.0.0.1:%d", lastPort.Add(1))
		if l, err := net.Listen("tcp", address); err == nil {
			l.Close()
			return address
		}
	}
	t.Fatal("no port is free")
	return ""
}

// probe gives the status, 0 where nobody answers.
func (v *serving) probe(path string) int {
	resp, err := http.Get("http://" + v.address + path)
	if err != nil {
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}

func (v *serving) metrics() string {
	v.t.Helper()
	resp, err := http.Get("http://" + v.address + "/metrics")
	v.need(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	v.need(err)
	if resp.StatusCode != http.StatusOK {
		v.t.Fatalf("http %d: %s", resp.StatusCode, text)
	}
	return string(text)
}

func (v *serving) shows(lines ...string) {
	v.t.Helper()
	text := v.metrics()
	for _, line := range lines {
		if !strings.Contains(text, line) {
			v.t.Errorf("metrics have no %s", line)
		}
	}
}

// ends sends a signal and gives the exit code.
func (v *serving) ends(signal syscall.Signal) int {
	v.t.Helper()
	v.signal(signal)
	select {
	case code := <-v.code:
		return code
	case <-time.After(time.Minute):
		v.t.Fatal("serve does not end")
		return 0
	}
}

const quarterPastTwo = 2*time.Hour + 15*time.Minute

// serveScene has one account that is fine and one whose contact must be told.
func serveScene(t *testing.T) *scene {
	s := newScene(t)
	s.play(sim.Google(), sim.Mood{})
	s.world.Set("good@gmail.com", sim.Account{Password: "own", AppPasswords: []string{"abcdefghijklmnop"}, TwoFactor: true})
	s.world.Set("bad@gmail.com", sim.Account{Password: "own", TwoFactor: true})
	s.install(
		row{"account_id": "good", "tenant_id": "T-1", "address": "good@gmail.com", "secret": "abcdefghijklmnop"},
		row{"account_id": "bad", "tenant_id": "T-2", "address": "bad@gmail.com", "secret": "ponmlkjihgfedcba", "contact_email": "bad@customers.example"},
	)
	return s
}

// nightOf is the key of the run at 02:15 of a night of the scene.
func nightOf(night int) string {
	return app.NightKey(sceneStart().AddDate(0, 0, night).Add(quarterPastTwo), 4*time.Hour, time.UTC)
}

// Two nights of a serve: each slot has its run, each run its summary and its mails, and all of it shows in the
// metrics, whose series are there before the first night.
func TestServe(t *testing.T) {
	t.Parallel()
	s := serveScene(t)
	l := listen(t)
	s.settings["dead_man_url"] = l.URL + "/ping"
	v := s.serves(0, time.Hour)
	if v.probe("/healthz") != http.StatusOK || v.probe("/") != http.StatusNotFound {
		t.Error("probes are not answered")
	}
	v.shows("mailaudit_last_success_timestamp_seconds 0\n", `mailaudit_run_status{status="concluded"} 0`, `mailaudit_run_status{status="running"} 0`,
		`mailaudit_run_notices{state="sent"} 0`, `mailaudit_run_verdicts{provider="google",verdict="compliant"} 0`, `mailaudit_build_info{commit=`)
	if len(s.summaries()) != 0 {
		t.Error("a run before its time")
	}

	v.at(0, quarterPastTwo-time.Second)
	within(t, "the first night is told", func() bool { return len(s.summaries()) == 1 && len(s.recipients()) == 1 })
	within(t, "the watcher hears its end", func() bool { return len(l.heard()) == 2 })
	if got, want := l.heard(), []string{"GET /ping/start?rid=" + nightOf(0), "GET /ping?rid=" + nightOf(0)}; !slices.Equal(got, want) {
		t.Errorf("the watcher heard %q, want %q", got, want)
	}
	// The relay has the mail a moment before it is stored as sent.
	within(t, "the mail is stored as sent", func() bool { return strings.Contains(v.metrics(), `mailaudit_run_notices{state="sent"} 1`) })
	v.shows(`mailaudit_run_status{status="concluded"} 1`, `mailaudit_run_notices{state="sent"} 1`,
		`mailaudit_run_verdicts{provider="google",verdict="compliant"} 1`, `mailaudit_run_verdicts{provider="google",verdict="invalid"} 1`,
		"mailaudit_last_success_timestamp_seconds 1.")

	v.at(0, 6*time.Hour)
	v.at(1, quarterPastTwo-time.Second)
	within(t, "the second night is told", func() bool { return len(s.summaries()) == 2 })
	if code := v.ends(syscall.SIGTERM); code != 143 {
		t.Errorf("exit %d", code)
	}
	if n := len(s.summaries()); n != 2 {
		t.Errorf("%d summaries of two nights", n)
	}
	if n := strings.Count(v.said.String(), `"the next run"`); n != 3 {
		t.Errorf("the next run is said %d times", n)
	}
	for night := range 2 {
		if r := s.report(nightOf(night)); r.Run.Status != "concluded" || r.Run.Verified != 2 {
			t.Errorf("night %d: %+v", night, r.Run)
		}
	}
	s.leftClean()
}

// A signal in the middle of a night: not ready at once and alive, the dialogues under way end, and the next
// serve goes on with the same run.
func TestServeInterrupted(t *testing.T) {
	t.Parallel()
	s, server := slowNight(t)
	l := listen(t)
	s.settings["dead_man_url"] = l.URL + "/ping"
	v := s.serves(0, quarterPastTwo)
	within(t, "some accounts were asked", func() bool { return server.Counters().Credentials >= 12 })
	server.SetMood(sim.Mood{AuthLatency: time.Second})
	v.signal(syscall.SIGTERM)
	within(t, "it is not ready any more", func() bool { return v.probe("/readyz") == http.StatusServiceUnavailable })
	if status := v.probe("/healthz"); status != http.StatusOK {
		t.Errorf("/healthz is %d while dialogues end", status)
	}
	if code := v.ends(syscall.SIGTERM); code != 143 {
		t.Errorf("exit %d", code)
	}
	s.leftClean()
	half := s.report("")
	if half.Run.Key != nightOf(0) || half.Run.Status != "incomplete" || len(s.summaries()) != 0 {
		t.Fatalf("%+v, %d summaries", half.Run, len(s.summaries()))
	}
	server.SetMood(sim.Mood{})
	v = s.serves(0, quarterPastTwo+10*time.Minute)
	within(t, "the night is told", func() bool { return len(s.summaries()) == 1 && len(s.recipients()) == 10 })
	within(t, "the watcher hears its end", func() bool { return len(l.heard()) == 2 })
	if got, want := l.heard(), []string{"GET /ping/start?rid=" + nightOf(0), "GET /ping?rid=" + nightOf(0)}; !slices.Equal(got, want) {
		t.Errorf("the watcher heard %q, want %q", got, want)
	}
	if code := v.ends(syscall.SIGINT); code != 130 {
		t.Errorf("exit %d", code)
	}
	whole := s.report("")
	if whole.Run.Key != half.Run.Key || whole.Run.Status != "concluded" || whole.Verdicts["compliant"] != 50 {
		t.Errorf("%+v %v", whole.Run, whole.Verdicts)
	}
	for login, n := range s.world.Attempts() {
		if n != 1 {
			t.Errorf("%s was asked %d times", login, n)
		}
	}
}

// A missed slot is made up under the name of its own night, once; one that is too old is not, and a night that
// another start has made is not repeated.
func TestServeMakesUp(t *testing.T) {
	t.Parallel()
	s := serveScene(t)
	v := s.serves(0, 8*time.Hour+16*time.Minute)
	within(t, "the next run is said", func() bool { return strings.Contains(v.said.String(), nightOf(1)) })
	v.ends(syscall.SIGTERM)
	if n := len(s.summaries()); n != 0 {
		t.Errorf("%d runs of a slot that is over six hours old", n)
	}
	v = s.serves(1, 8*time.Hour+14*time.Minute)
	within(t, "the night is told", func() bool { return len(s.summaries()) == 1 })
	v.at(2, quarterPastTwo)
	within(t, "the next night is told", func() bool { return len(s.summaries()) == 2 })
	v.ends(syscall.SIGTERM)
	for night := 1; night <= 2; night++ {
		if r := s.report(nightOf(night)); r.Run.Status != "concluded" {
			t.Errorf("night %d: %+v", night, r.Run)
		}
	}
	s.atNight(3)
	s.done("run")
	v = s.serves(3, quarterPastTwo+time.Minute)
	within(t, "the run is found", func() bool { return strings.Contains(v.said.String(), "the slot has its run already") })
	v.ends(syscall.SIGTERM)
	if n := len(s.summaries()); n != 3 {
		t.Errorf("%d summaries of three nights", n)
	}
}

// A run of all accounts that was started by hand under a name of its own: the slot waits until it is twelve
// hours old. A narrow one holds nothing up.
func TestServeWaitsBetweenNights(t *testing.T) {
	t.Parallel()
	s := serveScene(t)
	s.clock.Set(sceneStart().Add(-9 * time.Hour)) // 15:00
	s.done("run", "--key", "by-hand")
	s.clock.Set(sceneStart().Add(2 * time.Hour))
	s.done("run", "--key", "narrow", "--tenant", "T-1")
	v := s.serves(0, quarterPastTwo)
	within(t, "the slot waits", func() bool { return strings.Contains(v.said.String(), "the slot waits") })
	v.at(0, 3*time.Hour)
	within(t, "the night is told", func() bool { return len(s.summaries()) == 3 })
	v.ends(syscall.SIGTERM)
	if r := s.report(""); r.Run.Key != nightOf(0) || r.Run.Accounts != 2 {
		t.Errorf("%+v", r.Run)
	}
}

// Without a schedule nothing is started, and what others have left is delivered.
func TestServeWithoutASchedule(t *testing.T) {
	t.Parallel()
	s := serveScene(t)
	s.settings["schedule"] = `""`
	s.settings["deliver_within"] = "1s"
	s.slack.SetMood(sim.SlackMood{Status: 503})
	s.relay.SetMood(sim.RelayMood{Mail: "451 4.3.0 Try again later"})
	if o := s.do("run", "--key", "first"); o.code != exit.Failed {
		t.Fatalf("exit %d", o.code)
	}
	s.slack.SetMood(sim.SlackMood{})
	s.relay.SetMood(sim.RelayMood{})
	v := s.serves(0, 10*time.Hour)
	within(t, "what is owed is delivered", func() bool { return len(s.summaries()) == 1 && len(s.recipients()) == 1 })
	v.at(1, quarterPastTwo)
	within(t, "the metrics are those of the first night", func() bool { return strings.Contains(v.metrics(), "mailaudit_summaries_owed 0\n") })
	v.ends(syscall.SIGTERM)
	if r := s.report(""); r.Run.Key != "first" || !strings.Contains(v.said.String(), "no run is scheduled") {
		t.Errorf("%+v", r.Run)
	}
}

// On SQLite one process works; a second serve says so and ends.
func TestServeIsAloneOnSQLite(t *testing.T) {
	t.Parallel()
	s := serveScene(t)
	s.settings["schedule"] = `""`
	v := s.serves(0, 0)
	if o := s.do("serve"); o.code != exit.Failed || !strings.Contains(o.stderr, "another mailaudit works on this database: stop the other one first") {
		t.Errorf("exit %d: %s", o.code, o.stderr)
	}
	if o := s.do("deliver"); o.code != exit.Done {
		t.Errorf("deliver: exit %d: %s", o.code, o.stderr)
	}
	v.ends(syscall.SIGTERM)

	taken, err := net.Listen("tcp", freeAddress(t))
	s.need(err)
	defer taken.Close()
	s.settings["metrics"] = inYAML(map[string]any{"listen": taken.Addr().String()})
	if o := s.do("serve"); o.code != exit.Failed || !strings.Contains(o.stderr, "listen for metrics and probes (metrics.listen)") {
		t.Errorf("exit %d: %s", o.code, o.stderr)
	}
	s.settings["keyset"] = "file:/nowhere/keyset.json"
	if o := s.do("serve"); o.code != exit.Usage {
		t.Errorf("exit %d: %s", o.code, o.stderr)
	}
}

// Several serves on one PostgreSQL make one night; when its database is away they are alive and not ready, and go on after.
func TestServesShareANight(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts a PostgreSQL of its own")
	}
	s := newScene(t)
	cluster := pgtest.Own(t)
	s.settings["database"] = cluster.URL("postgres", pgtest.Admin)
	server := s.play(sim.Google(), sim.Mood{AuthLatency: 50 * time.Millisecond})
	var rows []row
	for i := range 60 {
		login := fmt.Sprintf("front%02d@gmail.com", i)
		s.world.Set(login, sim.Account{Password: "own", AppPasswords: []string{"abcdefghijklmnop"}, TwoFactor: true})
		rows = append(rows, row{"account_id": fmt.Sprintf("a-%02d", i), "tenant_id": "T-1", "address": login, "secret": "abcdefghijklmnop"})
	}
	s.done("keys", "new", "--out", s.path("keyset.json"))
	if o := s.do("serve"); o.code != exit.Usage || !strings.Contains(o.stderr, "mailaudit migrate") {
		t.Errorf("without tables: exit %d: %s", o.code, o.stderr)
	}
	s.done("migrate")
	s.imported(rows...)
	all := []*serving{s.serves(0, quarterPastTwo-time.Minute), s.serves(0, quarterPastTwo-time.Minute), s.serves(0, quarterPastTwo-time.Minute)}
	for _, v := range all {
		v.at(0, quarterPastTwo)
	}
	within(t, "the night is told", func() bool { return len(s.summaries()) == 1 })

	s.need(cluster.Crash())
	within(t, "nobody is ready", func() bool {
		return !slices.ContainsFunc(all, func(v *serving) bool { return v.probe("/readyz") == http.StatusOK })
	})
	for _, v := range all {
		if v.probe("/healthz") != http.StatusOK || v.probe("/metrics") != http.StatusServiceUnavailable {
			t.Error("a serve is not well, or tells numbers, while its database is away")
		}
	}
	s.need(cluster.Up())
	within(t, "all are ready", func() bool {
		return !slices.ContainsFunc(all, func(v *serving) bool { return v.probe("/readyz") != http.StatusOK })
	})
	for _, v := range all {
		v.at(1, quarterPastTwo)
	}
	within(t, "the second night is told", func() bool { return len(s.summaries()) == 2 })
	for _, v := range all {
		if code := v.ends(syscall.SIGTERM); code != 143 {
			t.Errorf("exit %d", code)
		}
	}
	if n := server.Counters().Credentials; n != 120 || len(s.summaries()) != 2 {
		t.Errorf("%d credentials, %d summaries", n, len(s.summaries()))
	}
}

// A real process: the first signal lets dialogues end, the second ends it at once.
func TestServeSignalledTwice(t *testing.T) {
	t.Parallel()
	s, server := slowNight(t)
	s.clock.Ahead = 0
	slot := time.Now().UTC().Add(-time.Hour)
	s.settings["schedule"] = fmt.Sprintf(`"%d %d * * *"`, slot.Minute(), slot.Hour())
	v := &serving{scene: s, address: freeAddress(t)}
	s.settings["metrics"] = inYAML(map[string]any{"listen": v.address})
	cmd, said := s.process("--log-level", "error", "serve")
	within(t, "some accounts were asked", func() bool { return server.Counters().Credentials >= 8 })
	server.SetMood(sim.Mood{AuthLatency: 4 * time.Second})
	within(t, "slow dialogues are under way", func() bool { return server.Counters().Open == 4 })
	s.need(cmd.Process.Signal(syscall.SIGTERM))
	within(t, "it is not ready any more", func() bool { return v.probe("/readyz") == http.StatusServiceUnavailable })
	s.need(cmd.Process.Signal(syscall.SIGTERM))
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 143 {
		t.Errorf("%v:\n%s", err, said)
	}
	if r := s.report(""); r.Run.Status != "incomplete" {
		t.Errorf("run is %s", r.Run.Status)
	}
}
