package cli

import (
	"fmt"
	"runtime"

	"mailaudit/cmd/mailaudit/app"
)

type versionCmd struct{}

func (versionCmd) Run(env *app.Env) error {
	v, c := app.BuildVersion()
	_, err := fmt.Fprintf(env.Stdout, "mailaudit %s (commit %s, %s)\n", v, c, runtime.Version())
	return err
}
