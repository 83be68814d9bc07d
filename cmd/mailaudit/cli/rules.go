package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"mailaudit/cmd/mailaudit/app"
	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/providers/catalog"
)

type rulesCmd struct {
	List    rulesListCmd    `cmd:"" help:"The rules with their sources; one of them is explained."`
	Test    rulesTestCmd    `cmd:"" help:"Run the rules over replies (JSON lines)."`
	Diff    rulesDiffCmd    `cmd:"" help:"Which past verdicts rules would change before they are live."`
	Propose rulesProposeCmd `cmd:"" help:"Draft a rule for an unrecognized reply."`
}

type rulesTestCmd struct {
	File   string `arg:"" help:"Replies, one JSON object a line; - is standard input."`
	Format string `enum:"text,json" default:"text" help:"text (with what differs from the file's labels) or json."`
}

func (r rulesTestCmd) Run(_ context.Context, s *app.Setup) error {
	env := s.Env
	in := io.Reader(os.Stdin)
	if r.File != "-" {
		f, err := os.Open(r.File)
		if err != nil {
			return exit.Usagef("read replies: %w", err)
		}
		defer f.Close()
		in = f
	}
	cases, bad := catalog.ReadCases(in)
	enc := json.NewEncoder(env.Stdout)
	labelled, differing := 0, 0
	for _, c := range cases {
		out := s.Config.Rules().Read(c)
		if c.Class != "" {
			labelled++
		}
		if out.Differs() {
			differing++
		}
		if err := r.print(env.Stdout, enc, out); err != nil {
			return err
		}
	}
	if r.Format == "text" {
		fmt.Fprintf(env.Stdout, "%d replies, %d labelled, %d differ\n", len(cases), labelled, differing)
	}
	if bad != nil {
		return fmt.Errorf("%s: %s", r.File, strings.ReplaceAll(bad.Error(), "\n", "; "))
	}
	if differing > 0 {
		return fmt.Errorf("%d of %d labelled replies are read differently than their label", differing, labelled)
	}
	return nil
}

func (r rulesTestCmd) print(w io.Writer, enc *json.Encoder, out catalog.Outcome) error {
	if r.Format == "json" {
		return enc.Encode(out)
	}
	note := ""
	if out.Differs() {
		note = fmt.Sprintf("  DIFFERS: labelled %s (%s)", out.Case.Class, out.Case.Confidence)
	}
	line, err := json.Marshal(out)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(w, strings.TrimSpace(string(line))+note)
	return err
}
