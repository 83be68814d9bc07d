package cli

import (
	"github.com/alecthomas/kong"

	"mailaudit/cmd/mailaudit/app"
	"mailaudit/cmd/mailaudit/demo"
)

// CommandLine is the table of commands; each lives in a file of its own.
type CommandLine struct {
	app.Globals
	ShowVersion kong.VersionFlag `name:"version" help:"Version, commit and Go version."`

	Demo       demo.Cmd      `cmd:"" help:"Run several nights with simulated customers and providers, on loopback."`
	Migrate    migrateCmd    `cmd:"" help:"Bring the database's own tables up to date."`
	Keys       keysCmd       `cmd:"" help:"Make and rotate the keyset that encrypts secrets."`
	Accounts   accountsCmd   `cmd:"" help:"Import, list and remove accounts."`
	Run        runCmd        `cmd:"" help:"Tonight's run, from start to Slack summary; joins it if it has started."`
	Serve      serveCmd      `cmd:"" help:"Daemon: run at each time of the schedule, deliver, answer probes and metrics."`
	Deliver    deliverCmd    `cmd:"" help:"Send what is due now, then exit."`
	Check      checkCmd      `cmd:"" help:"Verify one account now and explain the verdict."`
	Explain    ExplainCmd    `cmd:"" help:"Why an account's customer was or was not notified, run by run."`
	Status     statusCmd     `cmd:"" help:"One screen: last run and next, coverage, holds, e-mails, what needs an operator."`
	Runs       runsCmd       `cmd:"" help:"Runs."`
	Events     eventsCmd     `cmd:"" help:"Events for the product."`
	Findings   findingsCmd   `cmd:"" help:"Open findings."`
	Report     ReportCmd     `cmd:"" help:"Show a run's report."`
	Evidence   evidenceCmd   `cmd:"" help:"An auditor's pack of the runs in a range of days, and its check."`
	Notices    noticesCmd    `cmd:"" help:"Customer e-mails: list, stop, preview, release and more."`
	Rehearse   rehearseCmd   `cmd:"" help:"What would be e-mailed, by day, if mode were live or an announced change came; stores, asks and sends nothing."`
	Guide      guideCmd      `cmd:"" help:"Show or send a provider's guide."`
	Rules      rulesCmd      `cmd:"" help:"The rules that turn replies into classes."`
	Doctor     doctorCmd     `cmd:"" help:"Check everything that a run needs, and say how to fix what fails."`
	Settings   configCmd     `cmd:"" name:"config" help:"Check or show the configuration."`
	Completion completionCmd `cmd:"" help:"Print a completion script for the shell."`
	Help       helpCmd       `cmd:"" help:"Explain a command."`
	Version    versionCmd    `cmd:"" help:"Version, commit and Go version."`
}
