package cli

import (
	"context"
	"os"

	"mailaudit/cmd/mailaudit/app"
)

// Main is the process: it runs the program with the arguments, environment and streams of this process until a signal ends it, and exits with its code.
func Main() {
	forbidCoreDumps()
	collectSeldom()
	ctx, stop := UntilSignal(context.Background())
	defer stop()
	os.Exit(Run(ctx, os.Args[1:], app.Env{LookupEnv: os.LookupEnv, Stdout: os.Stdout, Stderr: os.Stderr}))
}

func (i Interrupted) Error() string { return "interrupted by " + i.Signal.String() }
