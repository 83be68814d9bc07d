package main

import (
	"io"
	"log/slog"
	"os"
)

// commandLine is the table of commands; each lives in a file of its own.
type commandLine struct {
	Globals

	Demo     demoCmd     `cmd:"" help:"Several nights of an invented customer base, on loopback."`
	Migrate  migrateCmd  `cmd:"" help:"Bring the database's own tables up to date."`
	Keys     keysCmd     `cmd:"" help:"Make and rotate the keyset that seals secrets."`
	Accounts accountsCmd `cmd:"" help:"Import, list and remove accounts."`
	Run      runCmd      `cmd:"" help:"Tonight's audit, from start to summary; joins it if it has started."`
	Serve    serveCmd    `cmd:"" help:"Stay up: start a run at each time of the schedule, work, deliver, answer probes and metrics."`
	Deliver  deliverCmd  `cmd:"" help:"Send what is due now and end."`
	Check    checkCmd    `cmd:"" help:"Verify one account now and explain the verdict."`
	Explain  explainCmd  `cmd:"" help:"Why an account's customer was or was not told, night by night."`
	Report   reportCmd   `cmd:"" help:"A run's report."`
	Evidence evidenceCmd `cmd:"" help:"An auditor's pack of the nights in a range of days."`
	Notices  noticesCmd  `cmd:"" help:"The customer mails."`
	Guide    guideCmd    `cmd:"" help:"Show or send a provider's guide."`
	Rules    rulesCmd    `cmd:"" help:"The rules that turn replies into classes."`
	Doctor   doctorCmd   `cmd:"" help:"Check everything a night needs, and say what to mend."`
	Version  versionCmd  `cmd:"" help:"Version, commit and Go version."`
}

// Globals are the flags of every command.
type Globals struct {
	Config    string `placeholder:"FILE" help:"Configuration (YAML); default: $$MAILAUDIT_CONFIG."`
	LogLevel  string `enum:"debug,info,warn,error" default:"info" help:"debug, info, warn or error."`
	LogFormat string `enum:"text,json," default:"" help:"text or json; default: text on a terminal, else json."`
}

// logger writes to standard error, so that results on standard output stay clean.
func (g *Globals) logger(stderr io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(g.LogLevel)) // kong has checked it
	opts := &slog.HandlerOptions{Level: level, ReplaceAttr: readableDurations}
	if g.LogFormat == "text" || g.LogFormat == "" && isTerminal(stderr) {
		return slog.New(slog.NewTextHandler(stderr, opts))
	}
	return slog.New(slog.NewJSONHandler(stderr, opts))
}

// readableDurations has "1.6s" in JSON too, whose handler would write nanoseconds.
func readableDurations(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.StringValue(a.Value.Duration().String())
	}
	return a
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
