package cli

import (
	"fmt"
	"runtime"

	"mailaudit/cmd/mailaudit/app"
)

type versionCmd struct{}

func (versionCmd) Run(env *app.Env) error {
	_, err := fmt.Fprintln(env.Stdout, versionLine())
	return err
}

func versionLine() string {
	v, c := app.BuildVersion()
	return fmt.Sprintf("mailaudit %s (commit %s, %s)", v, c, runtime.Version())
}
