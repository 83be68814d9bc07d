package years

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"mailaudit/audit"
	"mailaudit/cmd/mailaudit/years/observe"
)

// Host is what a world needs of those who know the program's inside.
type Host struct {
	Name   string // of the store: "sqlite" or "postgres"
	Store  audit.Store
	Tables Tables
	Seal   func(accountID, secret string) ([]byte, error)
	Open   func(accountID string, sealed []byte) (string, error)
	// Configure puts the configuration file in its place.
	Configure func(s Settings)
	// Show gives what the program shows of something, in several forms, see [observe.Shown]. No process of the world
	// does it.
	Show func(ctx context.Context, w *World, subject string, forms []string, each func(form string, body []byte, err error))
	// Run is the program: args are its command line, its files and servers are the world's.
	Run func(ctx context.Context, w *World, p *Process, args []string, stdout, stderr io.Writer) int
}

// Options say how a script is played.
type Options struct {
	Watch    observe.Watcher // may be nil
	Coverage *Coverage
	Keep     bool                         // the observations, in the result
	Tell     func(observe.Observation)    // may be nil
	Bear     func(observe.Violation) bool // whether a violation ends no play; may be nil
	Trace    func(line string)            // may be nil
	Alone    bool                         // a command begins when those before it have ended
	// Shows is how often, in nights, what the program shows is looked at in all forms; the JSON report and the CSV are
	// each night. Packs is the same for an auditor's pack. 0: never.
	Shows, Packs int
}

// Result is what came of a script.
type Result struct {
	Violations []observe.Violation
	Nights     int // played
	Kept       []observe.Observation
	Calls      int
}

// Stage plays one script. It is to be made within a bubble of testing/synctest.
type Stage struct {
	w        *World
	t        *turns
	host     Host
	opt      Options
	script   Script
	fresh    int
	isCalm   bool
	crashed  bool // since the last call
	commands int
	procs    int
	began    map[*Process]time.Time
	before   map[string]string // runs as they were last evening
	lock     *Process
}

// errStuck ends a play.
var errStuck = errors.New("stuck")

// Play plays a script in the bubble of the caller.
func Play(host Host, script Script, opt Options) (Result, error) {
	if opt.Coverage == nil {
		opt.Coverage = &Coverage{}
	}
	w := &World{
		seed: script.Seed, rows: map[string]*row{}, boxes: map[string]*box{}, secrets: map[string]observe.SecretID{},
		providers: map[string]*mood{}, client: map[string]bool{}, source: observe.SourceIs{Mood: well}, relay: well, bouncing: map[string]bool{},
		slack: slackModel{mood: well}, store: host.Store, seal: host.Seal, open: host.Open, watch: opt.Watch, cover: opt.Coverage, keep: opt.Keep, tell: opt.Tell, bear: opt.Bear,
		asked: map[string]int{}, ends: map[string]time.Time{},
	}
	s := &Stage{
		w: w, host: host, opt: opt, script: script, t: newTurns(w.chance("turns")), began: map[*Process]time.Time{}, before: map[string]string{},
	}
	w.stage = s
	s.t.struck = s.struck
	err := s.play()
	s.end()
	return Result{Violations: w.found, Nights: w.night, Kept: w.kept, Calls: s.t.count}, err
}

// start is a day from which the years are counted: another for each seed, so that each DST change is met.
func (s *Stage) start() time.Time {
	return time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, s.w.chance("start").IntN(900))
}

func (s *Stage) play() error {
	w := s.w
	time.Sleep(time.Until(s.start()))
	w.observe(nil, observe.Began{Seed: s.script.Seed, Store: s.host.Name})
	w.settings = firstSettings(w.chance("settings"))
	s.configure()
	if err := w.settle(s.script.Setup); err != nil {
		return err
	}
	day := s.start()
	calm := time.Time{}
	for i, night := range s.script.Nights {
		w.night = i + 1
		s.t.pick = w.chance("turns", i)
		for _, step := range night.Steps {
			if err := s.wait(day.Add(step.At), step.During); err != nil {
				return err
			}
			if err := s.passMoods(); err != nil {
				return err
			}
			if step.Kind == "calm" {
				s.isCalm = true
				calm = time.Now()
			}
			if err := s.do(step); err != nil {
				return fmt.Errorf("night %d, step %v: %w", w.night, step, err)
			}
		}
		day = day.AddDate(0, 0, 1)
		if err := s.wait(day, 0); err != nil {
			return err
		}
		if err := s.evening(); err != nil {
			return err
		}
		if len(w.found) > 0 {
			return nil
		}
	}
	w.observe(nil, observe.Ended{CalmSince: calm})
	return nil
}

// wait lets the processes work until a moment, or until the one that began last has had so many calls.
func (s *Stage) wait(at time.Time, during int) error {
	from := s.t.count
	stuck := error(nil)
	s.t.until(at, func() bool {
		if s.crashed {
			s.crashed = false
			if err := s.host.Tables.Peek(context.Background(), s.opt.Coverage); err != nil {
				stuck = err
				return true
			}
		}
		if s.t.count-from > callsAtMost {
			s.violation("every command ends", fmt.Sprintf("%d calls of the store within a day; at work: %s", callsAtMost, s.living()))
			stuck = errStuck
			return true
		}
		return during > 0 && s.last() != nil && s.last().calls >= during
	})
	if stuck != nil {
		return stuck
	}
	s.t.mu.Lock()
	living := slices.Clone(s.t.living)
	s.t.mu.Unlock()
	for _, p := range living {
		if age := time.Since(s.began[p]); age > s.patience() && p.Args[0] != "serve" {
			s.violation("every command ends", fmt.Sprintf("%s is at work for %v", strings.Join(p.Args, " "), age))
			return errStuck
		}
	}
	return nil
}

const callsAtMost = 300_000

// patience is how long a command may take: as long as a run's window, what an older run needs before it and the
// deliveries after it.
func (s *Stage) patience() time.Duration { return 3*s.w.settings.Window + 24*time.Hour }

func (s *Stage) living() string {
	s.t.mu.Lock()
	defer s.t.mu.Unlock()
	var all []string
	for _, p := range s.t.living {
		all = append(all, fmt.Sprintf("%q with %d calls", strings.Join(p.Args, " "), p.calls))
	}
	return strings.Join(all, ", ")
}

func (s *Stage) last() *Process {
	s.t.mu.Lock()
	defer s.t.mu.Unlock()
	if n := len(s.t.living); n > 0 {
		return s.t.living[n-1]
	}
	return nil
}

func (s *Stage) violation(rule, text string) {
	s.w.report(observe.Violation{Rule: rule, Text: text, N: s.w.observed})
}

// do has a step happen.
func (s *Stage) do(step Step) error {
	pick := s.w.chance("step", step.ID)
	switch step.Kind {
	case "calm":
		return s.calm()
	case "command":
		s.opt.Coverage.Add("step " + step.Command)
		for i, args := range commands[step.Command](s, pick) {
			if s.opt.Alone {
				s.untilAlone()
			}
			s.begin(args, step, i)
		}
		return nil
	}
	s.opt.Coverage.Add("event " + step.Kind)
	s.trace("event %s", step.Kind)
	return events[step.Kind](s, pick)
}

// untilAlone lets the processes end that are at work.
func (s *Stage) untilAlone() {
	for until := time.Now().Add(s.patience()); s.last() != nil && time.Now().Before(until); {
		s.t.until(time.Now().Add(time.Minute), func() bool { return s.last() == nil })
	}
}

// begin starts a process.
func (s *Stage) begin(args []string, step Step, nth int) {
	s.procs++
	s.commands++
	id, when := s.commands, s.when()
	plan := step.Mishaps
	if nth > 0 {
		plan = nil
	}
	who := []string{"alice", "bob"}[nth%2]
	p := s.t.begin(s.procs, args, who, plan, func(ctx context.Context, p *Process) {
		if p.enter("begin", id) != nil {
			return
		}
		s.w.observe(p, observe.ProcessStarted{})
		s.w.observe(p, observe.CommandBegan{ID: id, Args: args, Who: who, When: when})
		s.trace("%d begins: %s", p.N, strings.Join(args, " "))
		if p.leave("begin", nil) != nil {
			return
		}
		var out, log bytes.Buffer
		exit := s.host.Run(ctx, s.w, p, args, &out, &log)
		if p.enter("end", id) != nil {
			return
		}
		s.trace("%d ends with %d: %s%s", p.N, exit, out.String(), log.String())
		s.w.observe(p, observe.CommandEnded{ID: id, Args: args, Exit: exit, Stdout: out.String(), Stderr: withoutLog(log.String())})
		s.w.observe(p, observe.ProcessEnded{})
		p.leave("end", nil) //nolint:errcheck // it ends in any case
	})
	p.Seed = uint64(step.ID)*8 + uint64(nth)
	s.began[p] = time.Now()
	if args[0] == "serve" {
		go func() {
			select {
			case <-time.After(time.Hour):
				p.cancel(Terminated{})
			case <-p.ended:
			}
		}()
	}
}

func withoutLog(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "mailaudit:") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// when says what a command that begins now meets.
func (s *Stage) when() string {
	s.t.mu.Lock()
	defer s.t.mu.Unlock()
	for _, p := range s.t.living {
		if p.Args[0] == "run" || p.Args[0] == "serve" {
			return "during"
		}
	}
	if latest := s.latest(); len(latest) > 0 && latest[0].FinishedAt.After(s.w.Now().Add(-12*time.Hour)) {
		return "after"
	}
	return "idle"
}

// struck is told of a mishap. The turns are locked.
func (s *Stage) struck(p *Process, name string, m Mishap) {
	s.opt.Coverage.Add("mishap " + m.Kind)
	s.trace("%d: %s at %s", p.N, m.Kind, name)
	switch m.Kind {
	case MishapKill:
		s.crashed = true
		s.w.observe(p, observe.Crashed{Call: name, After: m.After})
	case MishapAway:
		s.w.observe(p, observe.CallFailed{Call: name, After: m.After})
	}
}

func (s *Stage) trace(format string, args ...any) {
	if s.opt.Trace != nil {
		s.opt.Trace(time.Now().UTC().Format(time.DateTime) + " " + fmt.Sprintf(format, args...))
	}
}

// configure puts the settings in force for the processes that begin from now on.
func (s *Stage) configure() {
	s.host.Configure(s.w.settings)
	s.w.observe(nil, s.w.settings.Configured)
}

// evening ends a night: what the database holds, and what the program shows of it.
func (s *Stage) evening() error {
	ctx := context.Background()
	d, err := s.host.Tables.Read(ctx)
	if err != nil {
		return err
	}
	runs := s.touched(d)
	s.w.observe(nil, observe.NightEnded{Runs: runs})
	s.w.observe(nil, d)
	all := s.opt.Shows > 0 && s.w.night%s.opt.Shows == 0
	for _, key := range runs {
		if all {
			s.show(ctx, key, "json", "csv", "text", "html", "slack", "digest kept", "digest rebuilt")
		} else {
			s.show(ctx, key, "json", "csv")
		}
	}
	if all {
		if old := s.keys(); len(old) > 0 { // what was said long ago stands
			s.show(ctx, oneOf(s.w.chance("old run", s.w.night), old), "digest kept", "digest rebuilt")
		}
		for i := range 3 {
			if r := s.w.any(s.w.chance("explained", s.w.night, i), nil); r != nil {
				s.show(ctx, r.account.ID, "explain")
			}
		}
	}
	if s.opt.Packs > 0 && s.w.night%s.opt.Packs == 0 {
		now := s.w.Now()
		s.show(ctx, now.AddDate(0, 0, -s.opt.Packs).Format(time.DateOnly)+".."+now.Format(time.DateOnly), "evidence")
	}
	return nil
}

// touched are the runs that were started or worked on since the last evening.
func (s *Stage) touched(d observe.Database) (keys []string) {
	for _, r := range d.Runs {
		now := r
		now.Held, now.Void = nil, nil
		if text := fmt.Sprint(now); s.before[r.Key] != text {
			s.before[r.Key] = text
			keys = append(keys, r.Key)
		}
	}
	return keys
}

func (s *Stage) show(ctx context.Context, subject string, forms ...string) {
	s.host.Show(ctx, s.w, subject, forms, func(form string, body []byte, err error) {
		seen := observe.Shown{Form: form, Subject: subject, Body: body}
		if err != nil {
			seen.Error = err.Error()
		}
		s.opt.Coverage.Add("shown " + form)
		s.w.observe(nil, seen)
	})
}

// end kills what is left, so that the bubble can end.
func (s *Stage) end() {
	for {
		s.t.mu.Lock()
		living := slices.Clone(s.t.living)
		for _, p := range living {
			if !p.dead {
				s.t.kill(p)
			}
		}
		s.t.mu.Unlock()
		if len(living) == 0 {
			return
		}
		for _, p := range living {
			<-p.ended
		}
	}
}

// keys of all runs, newest first.
func (s *Stage) keys() []string {
	runs, err := s.host.Store.ListRuns(context.Background(), 200, false)
	if err != nil {
		return nil
	}
	keys := make([]string, len(runs))
	for i, r := range runs {
		keys[i] = r.Key
	}
	return keys
}

// latest is the run that began last, if there is one.
func (s *Stage) latest() []audit.Run {
	runs, err := s.host.Store.ListRuns(context.Background(), 1, false)
	if err != nil {
		return nil
	}
	return runs
}

func (s *Stage) openHolds() []audit.Hold {
	open, err := s.host.Store.OpenHolds(context.Background())
	if err != nil {
		return nil
	}
	return open
}

func (s *Stage) anyNotice(pick *rand.Rand) int64 {
	all, err := s.host.Store.ListNotices(context.Background(), "", audit.NoticeQueued, 50)
	if err != nil || len(all) == 0 {
		return 0
	}
	return all[pick.IntN(len(all))].ID
}

// Locked reports whether a process that lives has the lock.
func (w *World) Locked() bool {
	w.stage.t.mu.Lock()
	defer w.stage.t.mu.Unlock()
	return w.stage.lock != nil && !w.stage.lock.dead
}

// Lock is the lock of a database that one process at a time may work on. unlock is nil where another has it.
func (w *World) Lock(p *Process) (unlock func() error, err error) {
	if err := p.enter("lock"); err != nil {
		return nil, err
	}
	s := w.stage
	s.t.mu.Lock()
	taken := s.lock != nil && !s.lock.dead
	if !taken {
		s.lock = p
	}
	s.t.mu.Unlock()
	if err := p.leave("lock", nil); err != nil || taken {
		return nil, err
	}
	return func() error {
		s.t.mu.Lock()
		defer s.t.mu.Unlock()
		if s.lock == p {
			s.lock = nil
		}
		return nil
	}, nil
}

// Call has a process do something to the store that is no method of its contract.
func (p *Process) Call(name string, do func() error) error {
	if err := p.enter(name); err != nil {
		return err
	}
	return p.leave(name, do())
}
