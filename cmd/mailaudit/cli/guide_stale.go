package cli

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"mailaudit/cmd/mailaudit/app"
	"mailaudit/cmd/mailaudit/config"
	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/report"
	"mailaudit/report/notice"
)

// staleFact is a fact of a guide that is due for a look.
type staleFact struct {
	Provider string `json:"provider"`
	Fact     string `json:"fact"`
	Source   string `json:"source"` // "" where no page of the provider says it
	Seen     string `json:"seen"`   // the day
	Days     int    `json:"days"`   // since then
}

// listStale lists the facts of the guides that were seen longer ago than k.Stale.
func (k guideCmd) listStale(s *app.Setup) error {
	age, err := config.ParseDuration(k.Stale)
	if err != nil {
		return exit.Usagef("--stale %q %w", k.Stale, err)
	}
	if k.Format != "text" && k.Format != "json" {
		return exit.Usagef("--stale has no format %s: text or json", k.Format)
	}
	if k.Provider != "" {
		if _, err := app.MustProvider(k.Provider); err != nil {
			return err
		}
	}
	settings, err := s.LetterSettings()
	if err != nil {
		return err
	}
	var due []staleFact
	for _, f := range settings.Guides.Stale(age, s.Now()) {
		if k.Provider == "" || k.Provider == f.Provider {
			due = append(due, staleOf(f, s.Now()))
		}
	}
	out := s.Env.Stdout
	if k.Format == "json" {
		return writeJSONList(out, due)
	}
	if len(due) == 0 {
		_, err := fmt.Fprintf(out, "no fact of a guide was seen longer ago than %s\n", k.Stale)
		return err
	}
	for _, f := range due {
		if _, err := io.WriteString(out, f.String()); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(out, "%s seen longer ago than %s: look at the source, then set the day\nin providers/NAME/guide/facts.txt\n",
		report.Number(len(due), "fact", "facts"), k.Stale)
	return err
}

// String is the fact on lines of at most 80 columns, unless its source is longer.
func (f staleFact) String() string {
	var sb strings.Builder
	fmt.Fprintf(&sb, "%s, seen %s, %s ago\n", f.Provider, f.Seen, report.Number(f.Days, "day", "days"))
	line := " "
	for _, word := range strings.Fields(f.Fact) {
		if utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > 80 {
			sb.WriteString(line + "\n")
			line = " "
		}
		line += " " + word
	}
	sb.WriteString(line + "\n  " + cmp.Or(f.Source, "no page of the provider says it") + "\n\n")
	return sb.String()
}

func staleOf(f notice.Fact, now time.Time) staleFact {
	return staleFact{Provider: f.Provider, Fact: f.Text, Source: f.Source, Seen: f.Seen.Format(time.DateOnly), Days: int(now.Sub(f.Seen).Hours() / 24)}
}
