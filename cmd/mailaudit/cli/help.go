package cli

import (
	"github.com/alecthomas/kong"

	"mailaudit/cmd/mailaudit/exit"
)

// helpCmd is --help for those who type the word: "help notices release" shows what "notices release --help" does.
type helpCmd struct {
	Command []string `arg:"" optional:"" help:"The command to explain; without one, all."`
}

func (k helpCmd) Run(parsed *kong.Context) error {
	at, err := kong.Trace(parsed.Kong, k.Command)
	if err == nil {
		err = at.Error
	}
	if err != nil {
		return exit.Usagef("%s; mailaudit help lists the commands", exit.OneLine(err))
	}
	return at.PrintUsage(false)
}
