package seal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// opening is an opener of a test with what it left.
type opening struct {
	*Opener
	dir string
	log *logText
}

type logText struct {
	mu sync.Mutex
	bytes.Buffer
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.Write(p)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.String()
}

func openerOf(t *testing.T, manner string, timeout time.Duration) *opening {
	t.Helper()
	o := &opening{dir: t.TempDir(), log: &logText{}}
	opener, warnings, err := NewOpener(fmt.Sprintf("exec:'%s' opener '%s' %q", os.Args[0], manner, o.dir),
		OpenerOptions{Timeout: timeout, Log: slog.New(slog.NewTextHandler(o.log, nil))})
	if err != nil || len(warnings) != 0 {
		t.Fatal(err, warnings)
	}
	o.Opener = opener
	t.Cleanup(func() {
		opener.Close()
		if strings.Contains(o.log.String(), canary) {
			t.Error("a secret stands in the log")
		}
	})
	return o
}

// lives counts the processes that were started.
func (o *opening) lives() int {
	found, _ := filepath.Glob(o.dir + "/life-*")
	return len(found)
}

func (o *opening) pid(t *testing.T, name string) int {
	t.Helper()
	pid, err := strconv.Atoi(content(t, filepath.Join(o.dir, name)))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// opens fails unless the secret of the account opens.
func (o *opening) opens(t *testing.T, id, sealed string) {
	t.Helper()
	s, err := o.Open(id, []byte(sealed))
	if err != nil {
		t.Errorf("%s: %v", id, err)
	} else if s.Reveal() != "open "+sealed {
		t.Errorf("%s was opened to another secret", id)
	}
}

// fails fails unless the secret does not open, by the opener's fault and in one line with these words.
func (o *opening) fails(t *testing.T, id, sealed string, words ...string) {
	t.Helper()
	s, err := o.Open(id, []byte(sealed))
	oneLine(t, err, append(words, "open the secret of account "+id+": ")...)
	if !errors.Is(err, ErrOpener) || !s.Empty() {
		t.Errorf("%v with %d bytes", err, len(s.Reveal()))
	}
	if strings.Contains(err.Error(), canary) {
		t.Error("the error shows a secret")
	}
}

// patient is longer than any test's opener needs; hasty ends the wait for one that will not answer.
const (
	patient = 30 * time.Second
	hasty   = 300 * time.Millisecond
)

func TestOpenerPipelines(t *testing.T) {
	t.Parallel()
	for _, manner := range []string{"good", "backwards"} {
		t.Run(manner, func(t *testing.T) {
			o := openerOf(t, manner, patient)
			began := time.Now()
			var group sync.WaitGroup
			for g := range 200 {
				group.Go(func() {
					for i := range 50 {
						o.opens(t, fmt.Sprintf("%d-%d", g, i), fmt.Sprintf("sealed %d %d", g, i))
					}
				})
			}
			group.Wait()
			t.Logf("10,000 secrets in %v", time.Since(began))
			if o.lives() != 1 {
				t.Errorf("%d processes", o.lives())
			}
		})
	}
}

func TestOpenerOneAccountTwice(t *testing.T) {
	t.Parallel()
	o := openerOf(t, "backwards", patient)
	var group sync.WaitGroup
	for i := range 50 {
		group.Go(func() { o.opens(t, "4711", fmt.Sprintf("sealed %d", i%7)) })
	}
	group.Wait()
}

func TestOpenerStartsAgain(t *testing.T) {
	t.Parallel()
	for _, manner := range []string{"dies once", "half a line"} {
		t.Run(manner, func(t *testing.T) {
			o := openerOf(t, manner, patient)
			o.opens(t, "1", canary)
			if o.lives() != 2 || !strings.Contains(o.log.String(), "it ended: exit status") {
				t.Errorf("%d processes, log %q", o.lives(), o.log)
			}
		})
	}
	t.Run("killed", func(t *testing.T) {
		o := openerOf(t, "good", patient)
		o.opens(t, "0", canary)
		stop := make(chan struct{})
		var group sync.WaitGroup
		for g := range 20 {
			group.Go(func() {
				for i := 0; ; i++ {
					select {
					case <-stop:
						return
					default:
						// A question that died with both of its openers fails by their fault, any other opens.
						id := fmt.Sprintf("%d-%d", g, i)
						if s, err := o.Open(id, []byte(id)); err != nil && !errors.Is(err, ErrOpener) || err == nil && s.Reveal() != "open "+id {
							t.Errorf("%s: %v", id, err)
						}
					}
				}
			})
		}
		for life := 1; life <= 5; life++ {
			for o.lives() < life {
				time.Sleep(time.Millisecond)
			}
			time.Sleep(20 * time.Millisecond)
			syscall.Kill(o.pid(t, fmt.Sprint("life-", life)), syscall.SIGKILL)
		}
		close(stop)
		group.Wait()
		o.opens(t, "last", canary)
	})
}

func TestOpenerThatKeepsDying(t *testing.T) {
	t.Parallel()
	o := openerOf(t, "dies at each", patient)
	o.fails(t, "1", canary, ErrOpener.Error(), "it ended: exit status 3")
	if o.lives() != 2 {
		t.Errorf("%d processes: a question is asked twice at most", o.lives())
	}
	o = openerOf(t, "dies at start", patient)
	o.fails(t, "1", canary, "it ended: exit status 4")
	o = openerOf(t, "dies at poison", patient)
	o.fails(t, "poison", canary, "it ended: exit status 3")
	o.opens(t, "2", canary)
}

func TestOpenerThatIsSilent(t *testing.T) {
	t.Parallel()
	o := openerOf(t, "silent", hasty)
	o.fails(t, "1", canary, "it did not answer in time")
	o.fails(t, "2", canary)

	o = openerOf(t, "silent once", time.Second)
	o.fails(t, "1", canary, "it did not answer in time")
	for o.lives() < 2 { // whoever asks next may still come too early
		o.Open("2", []byte(canary))
	}
	for !o.answers() {
		time.Sleep(time.Millisecond)
		o.Open("3", []byte(canary))
	}
	o.opens(t, "4", canary)
}

func (o *opening) answers() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.down
}

// While the opener is down, each account waits a tenth, or a night would stand still for each in turn.
func TestPatienceWithAnOpenerThatIsDown(t *testing.T) {
	t.Parallel()
	o := openerOf(t, "dies at start", hasty)
	o.timeout = patient
	if o.patience() != patient {
		t.Errorf("before the first secret: %s", o.patience())
	}
	o.ended(errEnded)
	if o.patience() != patient/10 {
		t.Errorf("while it is down: %s", o.patience())
	}
	o.answered()
	if o.patience() != patient {
		t.Errorf("once it answers: %s", o.patience())
	}
}

// A question that was taken back owes no answer, so that the time after it is no silence.
func TestOpenerOwesNothingForAQuestionTakenBack(t *testing.T) {
	t.Parallel()
	s := &session{pending: map[string]*pending{}, timeout: time.Nanosecond, done: make(chan struct{}), link: &link{kill: func() { t.Error("the opener is ended") }}}
	first, second := &pending{over: make(chan struct{})}, &pending{over: make(chan struct{})}
	if err := errors.Join(s.enter(t.Context(), "1", first), s.enter(t.Context(), "2", second)); err != nil {
		t.Fatal(err)
	}
	s.leave("1", first)
	if s.silent.IsZero() {
		t.Error("the other is not owed any more")
	}
	s.leave("2", second)
	time.Sleep(time.Microsecond)
	s.endIfSilent()
}

// One account that gets no answer is no reason to end an opener that answers others.
func TestOpenerHalfDeaf(t *testing.T) {
	t.Parallel()
	o := openerOf(t, "half deaf", time.Second)
	var group sync.WaitGroup
	group.Go(func() { o.fails(t, "unheard", canary, "it did not answer in time") })
	until := time.Now().Add(1200 * time.Millisecond)
	for i := 0; time.Now().Before(until); i++ {
		o.opens(t, fmt.Sprint(i), canary)
		time.Sleep(time.Millisecond)
	}
	group.Wait()
	if o.lives() != 1 {
		t.Errorf("%d processes", o.lives())
	}
}

// A late answer belongs to the question that was given up, not to the next about the same account.
func TestOpenerLateAnswer(t *testing.T) {
	t.Parallel()
	o := openerOf(t, "late", patient)
	o.timeout = 250 * time.Millisecond // of the question, not of the session's silence
	s := o.mustStart(t)
	s.timeout = patient
	o.fails(t, "4711", "old", "it did not answer in time")
	o.timeout = patient
	o.opens(t, "4711", "new")
	if o.lives() != 1 {
		t.Errorf("%d processes", o.lives())
	}
}

func (o *opening) mustStart(t *testing.T) *session {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()
	s, err := o.started(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestOpenerGarbage(t *testing.T) {
	t.Parallel()
	for manner, want := range map[string]string{
		"greets": "standard output must have nothing else", "blank": "is no answer", "an array": "is no answer",
		"no account": "is no answer", "not numbers": "is no answer", "floods": "is no answer",
		"floods with others": "it answers what was not asked", "10 MB": "a line longer than 1048576 bytes",
		"10 MB answer": "a line longer than 1048576 bytes",
	} {
		t.Run(manner, func(t *testing.T) {
			t.Parallel()
			openerOf(t, manner, patient).fails(t, "1", canary, want)
		})
	}
	o := openerOf(t, "a few others", patient)
	for i := range 50 {
		o.opens(t, fmt.Sprint(i), canary)
	}
	if o.lives() != 1 {
		t.Errorf("%d processes", o.lives())
	}
}

func TestOpenerStrangeAnswers(t *testing.T) {
	t.Parallel()
	o := openerOf(t, "strange answers", patient)
	o.fails(t, "both", canary, "both a secret and an error")
	o.fails(t, "neither", canary, "neither a secret nor an error")
	o.fails(t, "null", canary, "neither a secret nor an error")
	o.fails(t, "not base64", canary, "is not base64")
	o.opens(t, `"quo\ted" <&> ü`, canary)
	if s, err := o.Open("empty", []byte(canary)); err != nil || !s.Empty() {
		t.Error(err)
	}
	if s, err := o.Open("nothing stored", nil); err != nil || !s.Empty() {
		t.Error(err)
	}
	o.fails(t, "large", strings.Repeat("x", maxSealed+1), "is longer than")
	_, err := o.Open("\xff", []byte(canary))
	if !errors.Is(err, ErrOpener) {
		t.Error(err)
	}
	o.opens(t, "the largest", strings.Repeat("x", maxSealed))
	if o.lives() != 1 {
		t.Errorf("%d processes", o.lives())
	}
}

func TestOpenerRefuses(t *testing.T) {
	t.Parallel()
	o := openerOf(t, "refuses", patient)
	for id, want := range map[string]string{
		"plain": "the opener refused (code no_key;", "quotes": "(code ", "base64": "(code ", "hex": "(code ",
		"lines": "(code other;", "long": "(code other;", "nothing": "(code other;",
	} {
		o.fails(t, id, canary+" sealed", want)
		_, err := o.Open(id, []byte(canary))
		if !errors.Is(err, ErrRefused) || len(err.Error()) > 400 {
			t.Errorf("%s: %v", id, err)
		}
	}
}

// Whatever an opener writes as its error, an opened secret among it, the code alone is told.
func TestOpenerErrorsAreCodes(t *testing.T) {
	for text, want := range map[string]string{
		"no such key": "no_key", "wrong key for hunter2hunter2": "no_key", "Decryption failed: hunter2hunter2": "damaged",
		"AccessDenied: kms:Decrypt denied": "denied", "not base64": "unknown_form", "hunter2hunter2": "other", "": "other", "no_key": "no_key",
		"request timed out": "unavailable",
	} {
		_, err := opened(answer{Error: &text})
		if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "(code "+want+";") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestOpenerStandardError(t *testing.T) {
	t.Parallel()
	o := openerOf(t, "complains", patient)
	o.opens(t, "1", canary)
	o.Close()
	if !strings.Contains(o.log.String(), "wrote to standard error") {
		t.Errorf("log %q", o.log)
	}
	if strings.Contains(o.log.String(), "started again") {
		t.Errorf("whom we ended counts as down: %q", o.log)
	}
	openerOf(t, "floods standard error", patient).opens(t, "1", canary)
}

func TestOpenerEnds(t *testing.T) {
	t.Parallel()
	t.Run("never started", func(t *testing.T) {
		t.Parallel()
		o := openerOf(t, "good", patient)
		o.Close()
		o.fails(t, "1", canary, "the opener is closed")
		if o.lives() != 0 {
			t.Error("a process was started")
		}
	})
	t.Run("under a question", func(t *testing.T) {
		t.Parallel()
		o := openerOf(t, "never reads", patient)
		var group sync.WaitGroup
		for i := range 20 { // more than the pipe holds
			group.Go(func() { o.fails(t, fmt.Sprint(i), strings.Repeat("x", maxSealed), "the opener is closed") })
		}
		for o.lives() == 0 {
			time.Sleep(time.Millisecond)
		}
		o.Close()
		group.Wait()
		o.Close()
	})
	t.Run("one that stays", func(t *testing.T) {
		t.Parallel()
		o := openerOf(t, "stays", patient)
		o.opens(t, "1", canary)
		o.Close()
		gone(t, o.pid(t, "life-1"))
	})
	t.Run("one that leaves a child", func(t *testing.T) {
		t.Parallel()
		o := openerOf(t, "leaves a child", 2*time.Second)
		o.Open("1", []byte(canary))
		gone(t, o.pid(t, "child"))
	})
}

// A process out of reach may hold our pipes; the opener goes on without its end.
func TestOpenerThatLeavesADaemon(t *testing.T) {
	t.Parallel()
	o := openerOf(t, "leaves a daemon", time.Second)
	o.Open("1", []byte(canary))
	defer syscall.Kill(o.pid(t, "child"), syscall.SIGKILL)
	for o.lives() < 2 {
		o.Open("2", []byte(canary))
	}
	for !o.answers() {
		time.Sleep(time.Millisecond)
		o.Open("3", []byte(canary))
	}
	o.opens(t, "4", canary)
}

// gone waits until no such process runs; whoever adopts it may leave it dead and unburied.
func gone(t *testing.T, pid int) {
	t.Helper()
	for range 60_000 {
		state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || bytes.Contains(state, []byte(") Z ")) {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("process %d still runs", pid)
}

func TestOpenerEnvironment(t *testing.T) {
	t.Setenv("NOT_FOR_THE_OPENER", canary)
	o, _, err := NewOpener(fmt.Sprintf("exec:%q opener 'tells its environment' %q", os.Args[0], t.TempDir()), OpenerOptions{Env: []string{"KEY=1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	if s, err := o.Open("1", []byte("x")); err != nil || s.Reveal() != "KEY=1" {
		t.Errorf("%v, %d bytes", err, len(s.Reveal()))
	}
}

func TestOpenerSources(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"":                                  "neither exec:COMMAND",
		"file:keyset.json":                  "neither exec:COMMAND",
		"exec:":                             "names no program",
		"exec:no-such-program-here --quick": "find its program",
		"exec:'sh":                          "has a quote that does not end",
		"unix:":                             "the path of its socket",
		"unix:/" + strings.Repeat("x", 200): "the path of its socket",
	} {
		o, _, err := NewOpener(source, OpenerOptions{})
		oneLine(t, err, "prepare the opener: ", want)
		if o != nil {
			t.Error("an opener beside an error")
		}
	}
}

func TestOpenSecrets(t *testing.T) {
	o, warnings, err := NewOpener("none", OpenerOptions{})
	if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0], "keyset is none") {
		t.Fatal(err, warnings)
	}
	if s, err := o.Open("1", []byte(canary)); err != nil || s.Reveal() != canary {
		t.Error(err)
	}
	if s, err := o.Open("1", nil); err != nil || !s.Empty() {
		t.Error(err)
	}
	o.Close()
}

// serveSidecar answers on a socket until the test ends; each connection goes to its own handler in turn.
func serveSidecar(t *testing.T, path string, handlers ...func(net.Conn)) {
	t.Helper()
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	group.Go(func() {
		for i := 0; ; i++ {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			group.Go(func() {
				defer conn.Close()
				handlers[min(i, len(handlers)-1)](conn)
			})
		}
	})
	t.Cleanup(func() { listener.Close(); group.Wait() })
}

func TestOpenerSidecar(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	o, _, err := NewOpener("unix:"+path, OpenerOptions{Timeout: patient})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	// The sidecar comes up after the first question, hangs up once, and comes back.
	var group sync.WaitGroup
	opens := func() { (&opening{Opener: o}).opens(t, "1", canary) }
	group.Go(opens)
	for o.lastLoss() == nil {
		time.Sleep(time.Millisecond)
	}
	serveSidecar(t, path, func(net.Conn) {}, echo)
	group.Wait()
	opens()

	absent, _, err := NewOpener("unix:"+path+"-absent", OpenerOptions{Timeout: hasty})
	if err != nil {
		t.Fatal(err)
	}
	defer absent.Close()
	(&opening{Opener: absent}).fails(t, "1", canary, "it is not up again: reach it: ", "no such file")
}

func (o *Opener) lastLoss() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.lost
}
