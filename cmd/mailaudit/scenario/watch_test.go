package scenario

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mailaudit/cmd/mailaudit/app"
	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/providers/sim"
)

// listener keeps what it was asked, and answers with status.
type listener struct {
	*httptest.Server
	mu     sync.Mutex
	asked  []string // method, path and query
	bodies []string
	status func(*http.Request) int
}

func listen(t *testing.T) *listener {
	t.Helper()
	l := &listener{}
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.asked = append(l.asked, r.Method+" "+r.URL.RequestURI())
		l.bodies = append(l.bodies, string(body))
		if l.status != nil {
			w.WriteHeader(l.status(r))
		}
	}))
	t.Cleanup(l.Close)
	return l
}

func (l *listener) heard() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.asked)
}

// watchedScene has one account that is fine and one that is not.
func watchedScene(t *testing.T) *scene {
	s := newScene(t)
	s.play(sim.Google(), sim.Mood{})
	s.world.Set("good@gmail.com", sim.Account{Password: "own", AppPasswords: []string{"abcdefghijklmnop"}, TwoFactor: true})
	s.world.Set("bad@gmail.com", sim.Account{Password: "own", TwoFactor: true})
	s.install(
		row{"account_id": "good", "tenant_id": "T-1", "address": "good@gmail.com", "secret": "abcdefghijklmnop"},
		row{"account_id": "bad", "tenant_id": "T-1", "address": "bad@gmail.com", "secret": "abcdefghijklmnop"},
	)
	return s
}

const deadManSecret = "dead-man-canary-8c1f"

// A watcher or a gateway that redirects learns nothing for others: whoever plays it must not lead the request inside.
func TestNobodyOutsideSendsUsElsewhere(t *testing.T) {
	t.Parallel()
	s := watchedScene(t)
	inside := listen(t)
	away := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, inside.URL+"/inside", http.StatusTemporaryRedirect)
	}))
	t.Cleanup(away.Close)
	s.settings["dead_man_url"] = away.URL + "/" + deadManSecret
	s.settings["metrics"] = "{pushgateway: " + away.URL + "/" + deadManSecret + "}"
	o := s.do("run", "--key", "first")
	if got := inside.heard(); len(got) > 0 {
		t.Errorf("followed to the inside: %q", got)
	}
	if strings.Contains(o.stderr, deadManSecret) || strings.Count(o.stderr, "http 307") != 2 {
		t.Errorf("the log, without the address and with each refusal once:\n%s", o.stderr)
	}
}

func TestDeadManIsTold(t *testing.T) {
	t.Parallel()
	s := watchedScene(t)
	l := listen(t)
	s.settings["dead_man_url"] = l.URL + "/" + deadManSecret + "?tag=night"
	at := func(suffix, key string) string {
		return "GET /" + deadManSecret + suffix + "?rid=" + key + "&tag=night"
	}

	s.done("run", "--key", "first")
	want := []string{at("/start", "first"), at("", "first")}
	if got := l.heard(); !slices.Equal(got, want) {
		t.Errorf("a good run: %q, want %q", got, want)
	}

	s.done("run", "--dry-run")
	if got := l.heard(); len(got) != len(want) {
		t.Errorf("a dry run told the watcher: %q", got)
	}

	s.settings["keyset"] = "file:/nowhere/keyset.json"
	if o := s.do("run"); o.code != exit.Usage {
		t.Fatalf("exit %d: %s", o.code, o.stderr)
	}
	want = append(want, at("/fail", app.NightKey(s.clock.Now(), 4*time.Hour, time.UTC)))
	if got := l.heard(); !slices.Equal(got, want) {
		t.Errorf("a run that could not start: %q, want %q", got, want)
	}
}

func TestDeadManIsToldOfAFailedRun(t *testing.T) {
	t.Parallel()
	s := watchedScene(t)
	l := listen(t)
	s.settings["dead_man_url"] = l.URL + "/ping"
	s.settings["deliver_within"] = "1s"
	s.settings["metrics"] = inYAML(map[string]any{"textfile": s.path("mailaudit.prom")})
	s.slack.SetMood(sim.SlackMood{Status: 503})
	if o := s.do("run", "--key", "first"); o.code != exit.Failed {
		t.Fatalf("exit %d: %s", o.code, o.stderr)
	}
	if got, want := l.heard(), []string{"GET /ping/start?rid=first", "GET /ping/fail?rid=first"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	text, err := os.ReadFile(s.path("mailaudit.prom"))
	s.need(err)
	if got := string(text); strings.Contains(got, "mailaudit_slack_failures_total 0\n") || !strings.Contains(got, "mailaudit_summaries_owed 1\n") {
		t.Errorf("the metrics know nothing of it:\n%s", got)
	}
}

// A watcher that takes no rid but a UUID still hears the signal; one that is not there stops nothing and its
// address is told to nobody.
func TestDeadManThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	s := watchedScene(t)
	l := listen(t)
	l.status = func(r *http.Request) int {
		if r.URL.Query().Has("rid") {
			return http.StatusBadRequest
		}
		return http.StatusOK
	}
	s.settings["dead_man_url"] = l.URL + "/" + deadManSecret
	s.done("run", "--key", "first")
	if got := l.heard(); len(got) != 4 || got[1] != "GET /"+deadManSecret+"/start" || got[3] != "GET /"+deadManSecret {
		t.Errorf("%q", got)
	}
	if strings.Contains(s.said.String(), "was not told") {
		t.Error("it was told, and the log says it was not")
	}

	l.Close()
	s.atNight(1)
	s.done("run", "--key", "second")
	if said := s.said.String(); !strings.Contains(said, "was not told") {
		t.Error("nothing says that the watcher was not told")
	} else if strings.Contains(said, deadManSecret) {
		t.Error("its address was told")
	}
}

const gatewayPassword = "gateway-canary-77aa"

func TestMetricsOfARun(t *testing.T) {
	t.Parallel()
	s := watchedScene(t)
	l := listen(t)
	file := s.path("mailaudit.prom")
	s.settings["metrics"] = inYAML(map[string]any{
		"pushgateway": strings.Replace(l.URL, "http://", "http://push:"+gatewayPassword+"@", 1), "textfile": file,
	})
	s.done("run", "--key", "first")
	if got, want := l.heard(), []string{"PUT /metrics/job/mailaudit/installation/scene"}; !slices.Equal(got, want) {
		t.Errorf("pushed %q, want %q", got, want)
	}
	text, err := os.ReadFile(file)
	s.need(err)
	for _, line := range []string{
		`mailaudit_run_accounts{provider="google"} 2`,
		`mailaudit_run_accounts{provider="zoho"} 0`,
		`mailaudit_run_verified_accounts{provider="google"} 2`,
		`mailaudit_run_coverage_ratio{provider="google"} 1`,
		`mailaudit_run_verdicts{provider="google",verdict="compliant"} 1`,
		`mailaudit_run_verdicts{provider="google",verdict="invalid"} 1`,
		`mailaudit_run_verdicts{provider="yahoo",verdict="revoked"} 0`,
		`mailaudit_attempts_total{provider="google"} 2`,
		`mailaudit_throttles_total{provider="google"} 0`,
		`mailaudit_run_notices{state="failed"} 0`,
		`mailaudit_notices_waiting{state="held"} 0`,
		`mailaudit_run_status{status="concluded"} 1`,
		`mailaudit_run_status{status="stopped"} 0`,
		`mailaudit_slack_failures_total 0`,
		`mailaudit_summaries_owed 0`,
		`mailaudit_run_in_progress 0`,
	} {
		if !strings.Contains(string(text), line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
	if !strings.Contains(string(text), "mailaudit_last_success_timestamp_seconds 1.") {
		t.Error("no time of the last success")
	}
	for _, gone := range []bool{false, true} {
		if gone {
			l.Close()
		}
		l.status = func(*http.Request) int { return http.StatusServiceUnavailable }
		if o := s.do("run", "--key", "first"); o.code != exit.Done || !strings.Contains(o.stderr, "metrics are not pushed") {
			t.Errorf("a gateway that fails: exit %d, %s", o.code, o.stderr)
		}
	}
	if strings.Contains(s.said.String(), gatewayPassword) {
		t.Error("the gateway's password was told")
	}
}

// What a run hands over is what Prometheus reads, by names, types and units as it wants them.
func TestPrometheusReadsTheMetrics(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("promtool"); err != nil {
		needed(t, []string{"promtool"})
	}
	s := watchedScene(t)
	file := s.path("mailaudit.prom")
	s.settings["metrics"] = inYAML(map[string]any{"textfile": file})
	s.done("run", "--key", "first")
	text, err := os.Open(file)
	s.need(err)
	defer text.Close()
	check := exec.CommandContext(t.Context(), "promtool", "check", "metrics")
	check.Stdin = text
	if said, err := check.CombinedOutput(); err != nil || len(said) > 0 {
		t.Errorf("%v\n%s", err, said)
	}
}

// A clock that is far off stops the run before anything is asked.
func TestWrongClockStopsTheRun(t *testing.T) {
	t.Parallel()
	s := watchedScene(t)
	wrong := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", time.Now().Add(-2*time.Hour).UTC().Format(http.TimeFormat))
	}))
	t.Cleanup(wrong.Close)
	s.settings["slack"] = inYAML(map[string]any{"token": sceneSlackToken, "channel": "C0SCENE", "api_url": wrong.URL + "/api/"})
	s.settings["deliver_within"] = "1s"
	o := s.do("run", "--key", "first")
	if o.code != exit.Failed {
		t.Errorf("exit %d: %s", o.code, o.stderr)
	}
	if r := s.report("first"); r.Run.Status != "stopped" {
		t.Errorf("the run is %s", r.Run.Status)
	}
	if n := s.counters(); n.Credentials != 0 {
		t.Errorf("%d credentials were sent", n.Credentials)
	}
}
