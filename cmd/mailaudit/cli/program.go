package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"

	"github.com/alecthomas/kong"

	"mailaudit/audit"
	"mailaudit/cmd/mailaudit/app"
	"mailaudit/cmd/mailaudit/config"
	"mailaudit/cmd/mailaudit/demo"
	"mailaudit/cmd/mailaudit/exit"
)

// Interrupted is the cause of a context that a signal ended.
type Interrupted struct{ Signal syscall.Signal }

// UntilSignal ends the context at the first SIGINT or SIGTERM. A second one ends the process at once.
func UntilSignal(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		for first := true; ; first = false {
			s, open := <-signals
			if !open {
				return
			}
			cause := Interrupted{s.(syscall.Signal)}
			if !first {
				os.Exit(128 + int(cause.Signal))
			}
			cancel(cause)
		}
	}()
	return ctx, func() { signal.Stop(signals); close(signals); cancel(nil) }
}

// Run is the whole program but its process.
func Run(ctx context.Context, args []string, env app.Env) int {
	var cli CommandLine
	exited := -1
	var command any     // the one that is called
	var opened *app.App // what it works on, if it wants one
	configured := sync.OnceValues(func() (*app.Setup, error) { return app.NewSetup(&cli.Globals, &env) })
	parser, err := kong.New(&cli,
		kong.Name("mailaudit"),
		kong.Description("Scheduled compliance auditor of stored mail credentials."),
		kong.Writers(env.Stdout, env.Stderr),
		kong.Exit(func(code int) { exited = code }),
		kong.UsageOnError(),
		kong.Vars{"version": versionLine()},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.BindToProvider(configured),
		kong.BindSingletonProvider(func() (*app.App, error) { // not of a *setup: kong would name its type in the error
			s, err := configured()
			if err != nil {
				return nil, err
			}
			opened, err = s.Open(ctx, wantsOf(command))
			return opened, err
		}),
	)
	if err != nil {
		fmt.Fprintln(env.Stderr, "mailaudit:", err)
		return exit.Usage
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if exited >= 0 { // --help
		return exited
	}
	if err != nil {
		fmt.Fprintf(env.Stderr, "mailaudit: %s; see mailaudit --help\n", exit.OneLine(err))
		return exit.Usage
	}
	command = parsed.Selected().Target.Addr().Interface()
	if err = checked(command); err == nil {
		parsed.BindTo(ctx, (*context.Context)(nil))
		parsed.Bind(demo.Program(Run))
		err = parsed.Run(&cli.Globals, &env)
	}
	if opened != nil {
		err = errors.Join(err, opened.Close())
	}
	return conclude(ctx, err, env.Stderr)
}

// checked is what is wrong with a command's own flags, before anything is read or opened.
func checked(command any) error {
	if c, ok := command.(interface{ check() error }); ok {
		return c.check()
	}
	return nil
}

// wantsOf is what a command must have before it starts.
func wantsOf(command any) app.Wants {
	if c, ok := command.(interface{ wants() app.Wants }); ok {
		return c.wants()
	}
	return app.Wants{}
}

// conclude tells what failed in one line and gives the exit code.
func conclude(ctx context.Context, err error, stderr io.Writer) int {
	if err == nil {
		return exit.Done
	}
	var signalled Interrupted
	if errors.As(context.Cause(ctx), &signalled) && !errors.As(err, new(*exit.Error)) {
		fmt.Fprintf(stderr, "mailaudit: %s\n", signalled)
		return 128 + int(signalled.Signal)
	}
	fmt.Fprintf(stderr, "mailaudit: %s%s\n", exit.OneLine(err), fix(err))
	var coded *exit.Error
	if errors.As(err, &coded) {
		return coded.Code
	}
	if errors.As(err, new(*config.Error)) {
		return exit.Usage
	}
	return exit.Failed
}

// fix says what to do where the error comes from a part that does not know the commands.
func fix(err error) string {
	switch {
	case errors.Is(err, audit.ErrNoRun):
		return "; mailaudit report shows the latest run, mailaudit run starts one"
	case errors.Is(err, audit.ErrNoAccount):
		return "; mailaudit accounts list shows which there are"
	case errors.As(err, new(*exit.Error)):
		return ""
	}
	if fix := app.DatabaseFix(err); fix != "" && !strings.Contains(err.Error(), fix) {
		return "; fix: " + fix
	}
	return ""
}
