package cli

import (
	"fmt"
	"runtime"

	"mailaudit/cmd/mailaudit/app"
)

type versionCmd struct{}

func (versionCmd) Run(around *app.Env) error {
	v, c := app.BuildVersion()
	_, err := fmt.Fprintf(around.Stdout, "mailaudit %s (commit %s, %s)\n", v, c, runtime.Version())
	return err
}
