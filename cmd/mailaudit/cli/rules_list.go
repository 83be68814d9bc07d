package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"mailaudit/cmd/mailaudit/app"
	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/providers"
)

type rulesListCmd struct {
	ID        string `arg:"" optional:"" help:"The rule of this id, explained, or those whose ids hold it."`
	Provider  string `help:"One provider's rules, in the order in which they are tried."`
	Class     string `help:"Only those of this class."`
	Stage     string `help:"Only those of this stage."`
	Certainty string `enum:",definite,ambiguous" default:"" help:"definite or ambiguous."`
	Basis     string `enum:",rule,grammar,default" default:"" help:"rule, grammar or default."`
	Actor     string `enum:",customer,administrator,us" default:"" help:"customer, administrator or us."`
	Text      string `help:"Only those with a phrase that holds this."`
	Own       bool   `help:"Only those of rules_dir."`
	Explain   bool   `help:"Say of each which replies it reads and why."`
	Format    string `enum:"text,json" default:"text" help:"text or json."`
}

func (k rulesListCmd) check() error {
	if k.Class != "" && !providers.Class(k.Class).Valid() {
		return exit.Usagef("--class %q is not known; known are %s, unknown", k.Class, app.Joined(providers.Classes()))
	}
	if k.Stage != "" && !providers.Stage(k.Stage).Valid() {
		return exit.Usagef("--stage %q is not known; known are greeting, ehlo, starttls, auth, oauth_token, mail", k.Stage)
	}
	if k.Provider != "" {
		if _, err := app.MustProvider(k.Provider); err != nil {
			return err
		}
	}
	return nil
}

// listedRule is a rule as it is listed.
type listedRule struct {
	providers.Rule
	Basis providers.Basis `json:"basis"`
}

func (k rulesListCmd) Run(s *app.Setup) error {
	cat := s.Config.Rules()
	all := cat.Rules()
	if k.Provider != "" {
		p, _ := cat.ByName(k.Provider)
		all = p.Rules.All()
	}
	all = slices.DeleteFunc(all, func(r providers.Rule) bool { return !k.wants(r) })
	if k.ID != "" && len(all) == 0 {
		return fmt.Errorf("no rule %q; mailaudit rules list shows all", k.ID)
	}
	if k.Format == "json" {
		listed := make([]listedRule, len(all))
		for i, r := range all {
			listed[i] = listedRule{r, r.Basis()}
		}
		return writeJSONList(s.Env.Stdout, listed)
	}
	if k.Explain || k.ID != "" && len(all) == 1 {
		return explainRules(s.Env.Stdout, all)
	}
	w := tabwriter.NewWriter(s.Env.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "RULE\tCLASS\tCERTAINTY\tBASIS\tSEEN\tSOURCE") // w keeps the error for Flush
	for _, r := range all {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", r.ID, r.Class, r.Certainty, r.Basis(), r.Seen, sourceOf(r))
	}
	return w.Flush()
}

func (k rulesListCmd) wants(r providers.Rule) bool {
	text := strings.ToLower(k.Text)
	return strings.Contains(r.ID, k.ID) &&
		(k.Class == "" || r.Class == providers.Class(k.Class)) &&
		(k.Stage == "" || slices.Contains(r.Stages, providers.Stage(k.Stage))) &&
		(k.Certainty == "" || r.Certainty == providers.Certainty(k.Certainty)) &&
		(k.Basis == "" || r.Basis() == providers.Basis(k.Basis)) &&
		(k.Actor == "" || r.Actor == providers.Actor(k.Actor)) &&
		(!k.Own || r.File != "") &&
		(text == "" || slices.ContainsFunc(slices.Concat(r.Any, r.All, r.Exact), func(p string) bool { return strings.Contains(p, text) }))
}

// sourceOf names the operator's file before what it says of its source.
func sourceOf(r providers.Rule) string {
	if r.File != "" {
		return "[" + r.File + "] " + r.Source
	}
	return r.Source
}

// explainRules says of each rule which replies it reads, what they mean, and who says so.
func explainRules(w io.Writer, all []providers.Rule) error {
	for i, r := range all {
		var b strings.Builder
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintln(&b, r.ID)
		say := func(name, text string) {
			if text != "" {
				fmt.Fprintf(&b, "  %-8s %s\n", name, text)
			}
		}
		for j, c := range r.Conditions() {
			name := "reads"
			if j > 0 {
				name = "and"
			}
			say(name, c)
		}
		meaning := string(r.Class) + ", " + string(r.Certainty)
		if r.Class == providers.Unknown {
			meaning = "nothing that is known: the account is unverified"
		}
		if r.Actor != "" {
			meaning += ", " + string(r.Actor) + " must act"
		}
		if r.Retired {
			meaning += ", ended for good"
		}
		if r.TwoFactor != "" {
			meaning += ", second factor " + string(r.TwoFactor)
		}
		say("means", meaning)
		say("basis", string(r.Basis())+": "+r.Basis().Words())
		say("source", r.Source+", "+r.Seen)
		if r.File != "" {
			say("file", r.File+" in rules_dir, tried before the built-in rules")
		}
		if _, err := io.WriteString(w, b.String()); err != nil {
			return err
		}
	}
	return nil
}
