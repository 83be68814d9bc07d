// Command mailaudit is the scheduled compliance auditor of stored mail credentials. One file is one
// sub-command; wire.go is the only one that knows every part.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"mailaudit/audit"
	"mailaudit/cmd/mailaudit/config"
)

func main() {
	forbidCoreDumps()
	collectSeldom()
	ctx, stop := untilSignal(context.Background())
	defer stop()
	os.Exit(run(ctx, os.Args[1:], surroundingsOf{lookupEnv: os.LookupEnv, stdout: os.Stdout, stderr: os.Stderr}))
}

// surroundingsOf is what a run of the program takes from its process, so that tests can give it another.
type surroundingsOf struct {
	lookupEnv func(string) (string, bool)
	stdout    io.Writer
	stderr    io.Writer
	now       func() time.Time // nil: time.Now

	// world puts another in the place of all that lies outside the process; nil: what is configured.
	world *world
}

// world is what the program reaches beyond its process, as a test plays it.
type world struct {
	parts     func(s *setup) parts
	transport http.RoundTripper // for everything that is reached by HTTP
	look      time.Duration     // how often the agenda and the run are looked at
}

// transport reaches HTTP servers; nil is net/http's own.
func (s *surroundingsOf) transport() http.RoundTripper {
	if s.world != nil {
		return s.world.transport
	}
	return nil
}

// machineClock is the clock that preflight compares with others'. It is this machine's own even where a command
// plays at another time; in a world, whose machines may be wrong, it is the process's.
func (s *surroundingsOf) machineClock() func() time.Time {
	if s.world != nil {
		return s.clock()
	}
	return time.Now
}

// look is how often the agenda and the run are looked at.
func (s *surroundingsOf) look() time.Duration {
	if s.world != nil {
		return s.world.look
	}
	return lookEvery
}

func (s *surroundingsOf) clock() func() time.Time {
	if s.now != nil {
		return s.now
	}
	return time.Now
}

// Exit codes.
const (
	exitDone  = 0
	exitFail  = 1 // the work failed or is not complete
	exitUsage = 2 // usage or configuration error: nothing was started
	exitHeld  = 3 // run --exit-code: the run concluded while a hold is open, whichever run opened it
)

// exitError ends the program with a code of its own.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

func usageError(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

// interrupted is the cause of a context that a signal ended.
type interrupted struct{ signal syscall.Signal }

func (i interrupted) Error() string { return "interrupted by " + i.signal.String() }

// untilSignal ends the context at the first SIGINT or SIGTERM. A second one ends the process at once.
func untilSignal(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		for first := true; ; first = false {
			s, open := <-signals
			if !open {
				return
			}
			cause := interrupted{s.(syscall.Signal)}
			if !first {
				os.Exit(128 + int(cause.signal))
			}
			cancel(cause)
		}
	}()
	return ctx, func() { signal.Stop(signals); close(signals); cancel(nil) }
}

// run is the whole program but its process.
func run(ctx context.Context, args []string, around surroundingsOf) int {
	var cli commandLine
	exited := -1
	var command any // the one that is called
	var opened *app // what it works on, if it wants one
	configured := sync.OnceValues(func() (*setup, error) { return newSetup(&cli.Globals, &around) })
	parser, err := kong.New(&cli,
		kong.Name("mailaudit"),
		kong.Description("Scheduled compliance auditor of stored mail credentials."),
		kong.Writers(around.stdout, around.stderr),
		kong.Exit(func(code int) { exited = code }),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.BindToProvider(configured),
		kong.BindSingletonProvider(func() (*app, error) { // not of a *setup: kong would name its type in the error
			s, err := configured()
			if err != nil {
				return nil, err
			}
			opened, err = s.open(ctx, wantsOf(command))
			return opened, err
		}),
	)
	if err != nil {
		fmt.Fprintln(around.stderr, "mailaudit:", err)
		return exitUsage
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if exited >= 0 { // --help
		return exited
	}
	if err != nil {
		fmt.Fprintf(around.stderr, "mailaudit: %s; see mailaudit --help\n", oneLine(err))
		return exitUsage
	}
	command = parsed.Selected().Target.Addr().Interface()
	if err = checked(command); err == nil {
		parsed.BindTo(ctx, (*context.Context)(nil))
		parsed.Bind(program(run))
		err = parsed.Run(&cli.Globals, &around)
	}
	if opened != nil {
		err = errors.Join(err, opened.Close())
	}
	return conclude(ctx, err, around.stderr)
}

// checked is what is wrong with a command's own flags, before anything is read or opened.
func checked(command any) error {
	if c, ok := command.(interface{ check() error }); ok {
		return c.check()
	}
	return nil
}

// wantsOf is what a command must have before it starts.
func wantsOf(command any) wants {
	if c, ok := command.(interface{ wants() wants }); ok {
		return c.wants()
	}
	return wants{}
}

// conclude tells what failed in one line and gives the exit code.
func conclude(ctx context.Context, err error, stderr io.Writer) int {
	if err == nil {
		return exitDone
	}
	var signalled interrupted
	if errors.As(context.Cause(ctx), &signalled) && !errors.As(err, new(*exitError)) {
		fmt.Fprintf(stderr, "mailaudit: %s\n", signalled)
		return 128 + int(signalled.signal)
	}
	fmt.Fprintf(stderr, "mailaudit: %s%s\n", oneLine(err), mend(err))
	var coded *exitError
	if errors.As(err, &coded) {
		return coded.code
	}
	if errors.As(err, new(*config.Error)) {
		return exitUsage
	}
	return exitFail
}

// mend says what to do where the error comes from a part that does not know the commands.
func mend(err error) string {
	switch {
	case errors.Is(err, audit.ErrNoRun):
		return "; mailaudit report shows the latest run, mailaudit run starts one"
	case errors.Is(err, audit.ErrNoAccount):
		return "; mailaudit accounts list shows which there are"
	}
	return ""
}

// oneLine writes an error of many lines in one, and what it says twice in a row once.
func oneLine(err error) string {
	var b strings.Builder
	last := ""
	for line := range strings.Lines(err.Error()) {
		line = strings.Join(strings.Fields(line), " ")
		if line == "" || line == last {
			continue
		}
		switch {
		case last == "":
		case strings.HasSuffix(last, ":"):
			b.WriteString(" ")
		default:
			b.WriteString("; ")
		}
		b.WriteString(line)
		last = line
	}
	return b.String()
}
