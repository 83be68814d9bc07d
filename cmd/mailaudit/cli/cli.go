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

	Demo       demo.Cmd      `cmd:"" help:"Several nights of an invented customer base, on loopback."`
	Migrate    migrateCmd    `cmd:"" help:"Bring the database's own tables up to date."`
	Keys       keysCmd       `cmd:"" help:"Make and rotate the keyset that seals secrets."`
	Accounts   accountsCmd   `cmd:"" help:"Import, list and remove accounts."`
	Run        runCmd        `cmd:"" help:"Tonight's audit, from start to summary; joins it if it has started."`
	Serve      serveCmd      `cmd:"" help:"Stay up: start a run at each time of the schedule, work, deliver, answer probes and metrics."`
	Deliver    deliverCmd    `cmd:"" help:"Send what is due now and end."`
	Check      checkCmd      `cmd:"" help:"Verify one account now and explain the verdict."`
	Explain    ExplainCmd    `cmd:"" help:"Why an account's customer was or was not told, night by night."`
	Status     statusCmd     `cmd:"" help:"One screen: last run and next, coverage, holds, e-mails, what needs an operator."`
	Runs       runsCmd       `cmd:"" help:"The runs."`
	Findings   findingsCmd   `cmd:"" help:"The open findings."`
	Report     ReportCmd     `cmd:"" help:"A run's report."`
	Evidence   EvidenceCmd   `cmd:"" help:"An auditor's pack of the nights in a range of days."`
	Notices    noticesCmd    `cmd:"" help:"The customer mails."`
	Guide      guideCmd      `cmd:"" help:"Show or send a provider's guide."`
	Rules      rulesCmd      `cmd:"" help:"The rules that turn replies into classes."`
	Doctor     doctorCmd     `cmd:"" help:"Check everything a night needs, and say how to fix it."`
	Settings   configCmd     `cmd:"" name:"config" help:"The configuration."`
	Completion completionCmd `cmd:"" help:"A script for the shell that completes commands and flags."`
	Version    versionCmd    `cmd:"" help:"Version, commit and Go version."`
}
