package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"

	"mailaudit/audit"
	"mailaudit/cmd/mailaudit/app"
	"mailaudit/providers/catalog"
	"mailaudit/report"
)

type rulesProposeCmd struct {
	ID     string `arg:"" optional:"" help:"The unrecognized reply; without it those of the latest runs are listed."`
	Out    string `placeholder:"DIR" help:"Write PROVIDER.ID.proposal and PROVIDER.ID.jsonl there; rules_dir does not read them."`
	Format string `enum:"text,json" default:"text" help:"Of the list: text or json."`
}

// proposeRuns is how many runs are looked through.
const proposeRuns = 100

// unrecognized is a reply that no rule knew, as it is listed.
type unrecognized struct {
	ID       string `json:"id"`
	Provider string `json:"provider"`
	Count    int    `json:"count"` // mailboxes, in the latest run that met it
	Run      string `json:"run"`   // that run
	Reply    string `json:"reply"`
	at       audit.Run
}

func (k rulesProposeCmd) Run(ctx context.Context, a *app.App) error {
	runs, err := a.Store.ListRuns(ctx, proposeRuns, false)
	if err != nil {
		return err
	}
	list := []unrecognized{}
	for _, run := range runs {
		if run.Numbers == nil {
			continue
		}
		for _, u := range run.Numbers.Unknown {
			id := u.ID()
			if !slices.ContainsFunc(list, func(have unrecognized) bool { return have.ID == id }) {
				list = append(list, unrecognized{id, u.Provider, u.Count, run.Key, u.Reply, run})
			}
		}
	}
	if k.ID == "" {
		return k.list(a.Env.Stdout, list)
	}
	i := slices.IndexFunc(list, func(u unrecognized) bool { return u.ID == k.ID })
	if i < 0 {
		return fmt.Errorf("no unrecognized reply %q in the latest %s; mailaudit rules propose lists them", k.ID, report.Number(len(runs), "run", "runs"))
	}
	u := list[i]
	draft, ok := a.Config.Rules().Propose(u.Provider, u.ID, u.Reply, "our own mailboxes, run "+u.Run, u.at.StartedAt.In(a.Config.TimeZone).Format("2006-01-02"))
	if !ok {
		return fmt.Errorf("the reply %s is of a provider that is not known any more: %s", u.ID, u.Provider)
	}
	if k.Out == "" {
		_, err := io.WriteString(a.Env.Stdout, draft.YAML())
		return err
	}
	return k.write(a.Env.Stdout, draft)
}

func (k rulesProposeCmd) write(stdout io.Writer, draft catalog.Proposal) error {
	base := filepath.Join(k.Out, draft.Provider+"."+draft.ID)
	for name, text := range map[string]string{base + ".proposal": draft.YAML(), base + ".jsonl": draft.Row() + "\n"} {
		if _, err := os.Stat(name); err == nil {
			return fmt.Errorf("%s is there already; somebody may have filled it in: move it away first", name)
		}
		if err := writeOut(stdout, name, func(w io.Writer) error { _, err := io.WriteString(w, text); return err }); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(stdout, "%s.proposal: fill in its class, then mailaudit rules diff %s.proposal\n%s.jsonl: its test row\n", base, base, base)
	return err
}

func (k rulesProposeCmd) list(w io.Writer, list []unrecognized) error {
	if k.Format == "json" {
		return writeJSONList(w, list)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ID\tPROVIDER\tMAILBOXES\tRUN\tREPLY") // t keeps the error for Flush
	for _, u := range list {
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\n", u.ID, u.Provider, u.Count, report.Plain(u.Run), report.Cut(report.Plain(u.Reply), 40))
	}
	return t.Flush()
}
