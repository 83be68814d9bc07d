// Command mailaudit is the scheduled compliance auditor of stored mail credentials. The program is in package cli; here
// is its process alone.
package main

import (
	"mailaudit/cmd/mailaudit/app"
	"mailaudit/cmd/mailaudit/cli"
)

// version and commit are stamped by the linker; a plain go build leaves what the toolchain knows.
var (
	version = ""
	commit  = ""
)

func main() {
	app.Version, app.Commit = version, commit
	cli.Main()
}
