package app

import (
	"io"
	"log/slog"
	"os"
)

// Globals are the flags of every command.
type Globals struct {
	Config    string `placeholder:"FILE" help:"Configuration (YAML); default: $$MAILAUDIT_CONFIG, else ./mailaudit.yaml."`
	LogLevel  string `enum:"debug,info,warn,error" default:"info" help:"debug, info, warn or error."`
	LogFormat string `enum:"text,json," default:"" help:"text or json; default: text on a terminal, else json."`
}

// Logger writes to standard error, so that results on standard output stay clean.
func (g *Globals) Logger(stderr io.Writer) *slog.Logger {
	log, _ := g.logger(stderr)
	return log
}

func (g *Globals) logger(stderr io.Writer) (*slog.Logger, *terminal) {
	to := &terminal{stderr: stderr}
	_ = to.asked.UnmarshalText([]byte(g.LogLevel)) // kong has checked it
	to.level.Set(to.asked)
	opts := &slog.HandlerOptions{Level: &to.level, ReplaceAttr: readableDurations}
	if g.LogFormat == "text" || g.LogFormat == "" && IsTerminal(stderr) {
		return slog.New(slog.NewTextHandler(to, opts)), to
	}
	return slog.New(slog.NewJSONHandler(to, opts)), to
}

// readableDurations has "1.6s" in JSON too, whose handler would write nanoseconds.
func readableDurations(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.StringValue(a.Value.Duration().String())
	}
	return a
}

// IsTerminal reports whether w is a terminal.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
