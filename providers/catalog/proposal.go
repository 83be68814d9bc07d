package catalog

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"mailaudit/providers"
)

// Proposal is the draft of an operator's rule for a reply that no rule knows. Its class is to be filled in.
type Proposal struct {
	ID       string // of the wording
	Provider string
	Reply    string // evidence
	Seen     string // the day, 2026-11-23
	Source   string
	Rule     providers.Rule
	Near     []providers.Rule // those that read what is most like it
}

// Propose drafts a rule that reads a reply, as far as its evidence goes.
func (cat *Catalog) Propose(provider, id, kept, source, seen string) (Proposal, bool) {
	p, ok := cat.ByName(provider)
	if !ok {
		return Proposal{}, false
	}
	reply := providers.ParseEvidence(providers.StagesOf(kept)[0], kept)
	draft := Proposal{ID: id, Provider: p.Name, Reply: kept, Seen: seen, Source: source, Near: p.Rules.Near(reply, 3)}
	draft.Rule = providers.Rule{
		ID: p.Name + "/proposal-" + id, Stages: []providers.Stage{reply.Stage}, OAuthCodes: reply.OAuthCodes,
		Class: providers.Unknown, Certainty: providers.Ambiguous, Source: source, Seen: seen,
	}
	if reply.Code >= 200 && reply.Code < 600 {
		draft.Rule.Codes = []string{strconv.Itoa(reply.Code)}
	}
	if reply.Enhanced != "" {
		draft.Rule.Enhanced = []string{reply.Enhanced}
	}
	if reply.OAuthError != "" {
		draft.Rule.OAuthErrors = []string{reply.OAuthError}
	}
	draft.Rule.All = phrasesOf(reply)
	return draft, true
}

const (
	phrasesMost = 3
	phraseWords = 6
)

// phrasesOf are the longest stretches of a reply's text in which nothing varies.
func phrasesOf(r providers.Reply) []string {
	var all []string
	for _, stretch := range r.Constant() {
		words := strings.Fields(stretch)
		all = append(all, strings.Trim(strings.Join(words[:min(len(words), phraseWords)], " "), " .,:;!*"))
	}
	slices.SortStableFunc(all, func(a, b string) int { return len(b) - len(a) })
	all = slices.DeleteFunc(all, func(p string) bool { return len(p) < 4 || strings.ContainsAny(p, "*<>") || strings.Contains(p, "...") })
	return all[:min(len(all), phrasesMost)]
}

// Row is the reply as a line that [ReadCases] reads, its label left open.
func (p Proposal) Row() string {
	row, err := json.Marshal(struct {
		ID       string          `json:"id"`
		Provider string          `json:"provider"`
		Stage    providers.Stage `json:"stage"`
		Reply    string          `json:"reply"`
		Class    string          `json:"class,omitempty"`
		Source   string          `json:"source"`
	}{p.ID, p.Provider, p.Rule.Stages[0], p.wire(), "", p.Source})
	if err != nil {
		panic(err) // of strings alone
	}
	return string(row)
}

// wire is the evidence in the form in which replies are read: that of a token endpoint is a status and a body.
func (p Proposal) wire() string {
	if p.Rule.Stages[0] != providers.StageOAuthToken {
		return p.Reply
	}
	r := providers.ParseEvidence(providers.StageOAuthToken, p.Reply)
	body, err := json.Marshal(map[string]string{"error": r.OAuthError, "error_description": r.Text})
	if err != nil {
		panic(err) // of strings alone
	}
	return strconv.Itoa(r.Code) + "\n" + string(body)
}

// YAML is the draft as a rules file, with what helps to fill it in.
func (p Proposal) YAML() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Proposal for %s.yaml in rules_dir, from an unrecognized reply (addresses, hosts and ids removed):\n", p.Provider)
	fmt.Fprintf(&b, "#   %s\n", oneLine(p.Reply))
	if len(p.Near) > 0 {
		b.WriteString("# Nearest known rules; mailaudit rules list ID explains one:\n")
		for _, r := range p.Near {
			fmt.Fprintf(&b, "#   %s: %s, %s\n", r.ID, r.Class, r.Certainty)
		}
	}
	b.WriteString("# Fill in class, shorten the phrases to the words that say it, then try it:\n")
	b.WriteString("#   mailaudit rules diff FILE    which past verdicts it would change\n")
	b.WriteString("#   mailaudit rules test ROWS    with the row below, its label filled in\n")
	fmt.Fprintf(&b, "- id: %s\n  stage: [%s]\n", p.Rule.ID, p.Rule.Stages[0])
	list := func(key string, values []string) {
		if len(values) > 0 {
			quoted, err := json.Marshal(values)
			if err != nil {
				panic(err) // of strings alone
			}
			fmt.Fprintf(&b, "  %s: %s\n", key, quoted)
		}
	}
	list("code", p.Rule.Codes)
	list("enhanced", p.Rule.Enhanced)
	list("oauth_error", p.Rule.OAuthErrors)
	if len(p.Rule.OAuthCodes) > 0 {
		fmt.Fprintf(&b, "  oauth_code: [%d]\n", p.Rule.OAuthCodes[len(p.Rule.OAuthCodes)-1])
	}
	list("all", p.Rule.All)
	b.WriteString("  class: unknown # fill in: ")
	for i, c := range providers.Classes() {
		if i > 0 {
			b.WriteString(", ")
		}
		if i%4 == 3 {
			b.WriteString("\n                 #   ")
		}
		b.WriteString(string(c))
	}
	b.WriteString("\n  certainty: ambiguous # definite only where the provider itself names the one cause\n")
	b.WriteString("  # actor: customer, administrator or us, where the class does not say enough\n")
	source, err := json.Marshal(p.Source)
	if err != nil {
		panic(err) // of a string
	}
	fmt.Fprintf(&b, "  source: %s\n  seen: %s\n", source, p.Seen)
	fmt.Fprintf(&b, "# Test row (add \"class\": \"…\"):\n# %s\n", p.Row())
	return b.String()
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
