package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"mailaudit/audit"
	"mailaudit/audit/decide"
	"mailaudit/audit/history"
	"mailaudit/cmd/mailaudit/app"
	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/providers"
	"mailaudit/providers/catalog"
	"mailaudit/report"
)

type rulesDiffCmd struct {
	Files  []string `arg:"" name:"file" help:"Rules in the form of rules_dir; a file takes the place of one of its name."`
	Format string   `enum:"text,json" default:"text" help:"text or json."`
}

// rulesDiff is what rules would change, as JSON.
type rulesDiff struct {
	Verdicts  int               `json:"verdicts"`   // past verdicts with a reply that was read again
	Same      int               `json:"same"`       // that would stay as they are
	Changes   []rereadLine      `json:"changes"`    // that would not
	NotEnough []notEnoughLine   `json:"not_enough"` // of which too little is kept to tell
	Ahead     []announcedChange `json:"announced,omitempty"`
}

type rereadLine struct {
	AccountID string        `json:"account_id"`
	TenantID  string        `json:"tenant_id"`
	Run       string        `json:"run"`
	Provider  string        `json:"provider"`
	Reply     string        `json:"reply"`
	Alters    decide.Alters `json:"alters"` // verdict, certainty, or rule alone
	Was       judgedBy      `json:"was"`
	Would     judgedBy      `json:"would"`
}

type judgedBy struct {
	Verdict   audit.Verdict       `json:"verdict"`
	Certainty providers.Certainty `json:"certainty"`
	Rule      string              `json:"rule"`
}

type notEnoughLine struct {
	AccountID string        `json:"account_id"`
	Run       string        `json:"run"`
	Provider  string        `json:"provider"`
	Verdict   audit.Verdict `json:"verdict"`
	Rule      string        `json:"rule"`
	Why       string        `json:"why"`
}

// announcedChange is an announced change that the files add or move: no past verdict hangs on it.
type announcedChange struct {
	ID  string `json:"id"`
	Day string `json:"day"`
}

func (k rulesDiffCmd) Run(ctx context.Context, a *app.App) error {
	var files []catalog.File
	for _, name := range k.Files {
		text, err := os.ReadFile(name)
		if err != nil {
			return exit.Usagef("read rules: %w", err)
		}
		f, err := catalog.FileOf(name, text)
		if err != nil {
			return exit.Usagef("%w", err)
		}
		files = append(files, f)
	}
	now := a.Config.Rules()
	then, err := now.With(files...)
	if err != nil {
		return exit.Usagef("%w", err)
	}
	diff := rulesDiff{Changes: []rereadLine{}, NotEnough: []notEnoughLine{}, Ahead: moved(now, then)}
	count, err := a.Auditor.History.Reread(ctx, then.ByName, []history.RulesFor{now.ByName, catalog.BuiltIn().ByName}, func(r history.Reread) error {
		if r.NotEnough != "" {
			diff.NotEnough = append(diff.NotEnough, notEnoughLine{r.AccountID, r.RunKey, r.Provider, r.Past.Verdict, r.Past.Rule, r.NotEnough})
			return nil
		}
		diff.Changes = append(diff.Changes, rereadLine{
			AccountID: r.AccountID, TenantID: r.TenantID, Run: r.RunKey, Provider: r.Provider, Reply: r.Past.Reply, Alters: r.Alters,
			Was: judgedBy{r.Past.Verdict, r.Past.Certainty, r.Past.Rule}, Would: judgedBy{r.Verdict, r.Certainty, r.Rule},
		})
		return nil
	})
	if err != nil {
		return err
	}
	diff.Verdicts, diff.Same = count.Verdicts, count.Same
	if k.Format == "json" {
		return writeIndented(a.Env.Stdout, diff)
	}
	return diff.write(a.Env.Stdout)
}

// moved lists the announced changes that are new or have another day.
func moved(now, then *catalog.Catalog) []announcedChange {
	var out []announcedChange
	for _, c := range then.Changes() {
		if !slices.ContainsFunc(now.Changes(), func(was providers.Change) bool { return was.ID == c.ID && was.Day.Equal(c.Day) }) {
			out = append(out, announcedChange{c.ID, c.Day.Format("2006-01-02")})
		}
	}
	return out
}

// write counts together what changes in the same way.
func (d rulesDiff) write(w io.Writer) error {
	type way struct {
		provider   string
		was, would judgedBy
	}
	type tally struct {
		verdicts int
		accounts map[string]bool
		last     string
		reply    string
	}
	ways := map[way]*tally{}
	accounts := map[string]bool{}
	for _, c := range d.Changes {
		key := way{c.Provider, c.Was, c.Would}
		t := ways[key]
		if t == nil {
			t = &tally{accounts: map[string]bool{}, reply: c.Reply}
			ways[key] = t
		}
		t.verdicts++
		t.accounts[c.AccountID], accounts[c.AccountID] = true, true
		t.last = max(t.last, c.Run)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s read again: %s would change, of %s; %s would stay\n", report.Number(d.Verdicts, "past verdict", "past verdicts"),
		report.Count(len(d.Changes)), report.Number(len(accounts), "mailbox", "mailboxes"), report.Count(d.Same))
	for _, c := range d.Ahead {
		fmt.Fprintf(&b, "announced: %s on %s; no past verdict depends on it\n", c.ID, c.Day)
	}
	for _, key := range slices.SortedFunc(maps.Keys(ways), func(x, y way) int {
		return cmp.Or(cmp.Compare(ways[y].verdicts, ways[x].verdicts), cmp.Compare(x.provider, y.provider),
			cmp.Compare(x.was.Rule, y.was.Rule), cmp.Compare(x.would.Rule, y.would.Rule), cmp.Compare(x.was.Verdict, y.was.Verdict), cmp.Compare(x.would.Verdict, y.would.Verdict))
	}) {
		t := ways[key]
		fmt.Fprintf(&b, "\n%s: %s -> %s\n", key.provider, key.was, key.would)
		fmt.Fprintf(&b, "  %s of %s, last in run %s\n", report.Number(t.verdicts, "verdict", "verdicts"),
			report.Number(len(t.accounts), "mailbox", "mailboxes"), report.Plain(t.last))
		fmt.Fprintf(&b, "  for example: %s\n", report.Cut(report.Plain(t.reply), 62))
	}
	if len(d.NotEnough) > 0 {
		fmt.Fprintf(&b, "\nThe kept evidence is not enough for %s:\n", report.Number(len(d.NotEnough), "verdict", "verdicts"))
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return err
	}
	return d.writeNotEnough(w)
}

func (j judgedBy) String() string {
	rule := j.Rule
	if rule == "" {
		rule = "no rule"
	}
	return fmt.Sprintf("%s, %s (%s)", j.Verdict, j.Certainty, rule)
}

// notEnoughMost bounds the list; JSON has all of it.
const notEnoughMost = 20

func (d rulesDiff) writeNotEnough(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i, n := range d.NotEnough {
		if i == notEnoughMost {
			fmt.Fprintf(t, "+%s more: --format json\n", report.Count(len(d.NotEnough)-i))
			break
		}
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\n", report.Plain(n.AccountID), report.Plain(n.Run), n.Verdict, n.Why) // t keeps the error for Flush
	}
	return t.Flush()
}
