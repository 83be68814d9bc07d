package catalog_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"mailaudit/providers"
	"mailaudit/providers/catalog"
	"mailaudit/providers/providertest"
)

// Whatever varies from one reply to the next leaves its reading what it was. A line that says where to read on may
// cost a reading that needs the whole text; it never makes one that accuses.
func TestReadingsUnderMutation(t *testing.T) {
	const rounds = 12
	n := 0
	for _, p := range catalog.All() {
		files := []string{filepath.Join("..", p.Name, "testdata", "replies.txt")}
		if p.Name == "other" { // whose servers say what servers say everywhere
			files = append(files, "../testdata/common.txt", "../testdata/neighbours.txt")
		}
		for _, file := range files {
			for _, c := range providertest.ReadCases(t, file) {
				n++
				mutated(t, p, c, filepath.Base(file), rounds)
			}
		}
	}
	if path := os.Getenv("MAILAUDIT_CORPUS"); path != "" {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		cases, err := catalog.ReadCases(f)
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range cases {
			if p, ok := catalog.ByName(c.Provider); ok && len(c.XOAuth2) == 0 {
				n++
				mutated(t, p, providertest.Case{Line: i + 1, Stage: c.Stage, Wire: c.Reply}, c.ID, rounds)
			}
		}
	}
	t.Logf("%d replies, %d forms of each", n, 2*rounds)
}

// Whatever a reply says of the account, nobody is accused where it also says that the server has trouble.
func TestTroubleTakesBack(t *testing.T) {
	p, _ := catalog.ByName("other")
	troubles := []string{", try again later", "; the user database is unreachable", " (server busy)", ": internal error", ", während der Wartung", " : base des comptes indisponible", "，请稍后再试"}
	n := 0
	for _, file := range []string{"../testdata/common.txt", "../testdata/neighbours.txt"} {
		for _, c := range providertest.ReadCases(t, file) {
			read := p.Rules.Read(c.Reply())
			rule, _ := p.Rules.Match(c.Reply())
			if c.Stage != providers.StageAuth || !read.Accuses() || read.Class == providers.Misconfigured || read.Basis != providers.BasisGrammar && !read.MayPass {
				continue
			}
			n++
			for _, trouble := range troubles {
				m := c
				m.Wire += trouble
				if got := p.Rules.Read(m.Reply()); got.Accuses() && got.Class != providers.Misconfigured {
					t.Errorf("%s line %d (%s): %s by %s: %q", filepath.Base(file), c.Line, rule.ID, got.Class, got.Rule, m.Wire)
				}
			}
		}
	}
	if n < 20 {
		t.Errorf("%d replies that infer, want more", n)
	}
}

func mutated(t *testing.T, p *providers.Provider, c providertest.Case, where string, rounds int) {
	t.Helper()
	r := rand.New(rand.NewPCG(uint64(c.Line), uint64(len(c.Wire))))
	rule, _ := p.Rules.Match(c.Reply())
	want := p.Rules.Read(c.Reply())
	for range rounds {
		m := c
		m.Wire = providertest.Mutate(c, r, false)
		if got := p.Rules.Read(m.Reply()); got != want {
			t.Errorf("%s, %s line %d: %s by %s, was %s by %s: %q", p.Name, where, c.Line, got.Class, got.Rule, want.Class, want.Rule, m.Wire)
			return
		}
		m.Wire = providertest.Mutate(c, r, true)
		got := p.Rules.Read(m.Reply())
		whole := len(rule.Exact) > 0 && (!got.Accuses() || want.Accuses())
		if got.Class != want.Class && !whole {
			t.Errorf("%s, %s line %d, with a line more: %s by %s, was %s by %s: %q", p.Name, where, c.Line, got.Class, got.Rule, want.Class, want.Rule, m.Wire)
			return
		}
	}
}
