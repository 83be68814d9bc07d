package catalog_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"mailaudit/providers"
	"mailaudit/providers/catalog"
)

// TestCorpus holds the rules against a corpus of labelled replies, where one is at hand: in
// MAILAUDIT_CORPUS, or beside the project. The project's own cases are in each provider's testdata.
func TestCorpus(t *testing.T) {
	path := os.Getenv("MAILAUDIT_CORPUS")
	if path == "" {
		path = filepath.Join("..", "..", "..", "shared", "corpus", "replies.jsonl")
	}
	f, err := os.Open(path)
	if err != nil {
		t.Skipf("no corpus of replies (set MAILAUDIT_CORPUS to a file of labelled replies): %v", err)
	}
	defer f.Close()
	cases, err := catalog.ReadCases(f)
	if err != nil {
		t.Fatal(err)
	}
	passing := []providers.Class{providers.Throttled, providers.Temporary, providers.ClientRefused}
	var sure, right, all, allRight int
	for _, c := range cases {
		o := c.Run()
		if c.Class == "" {
			continue
		}
		all++
		if o.Class == c.Class {
			allRight++
		} else {
			t.Logf("%s %s %s %s: %s (%s), labelled %s %v: %q", c.ID, c.Provider, c.Stage, c.Confidence, o.Class, o.Rule, c.Class, c.Alt, c.Reply)
		}
		if slices.Contains(passing, c.Class) && o.Class.Customer() {
			t.Errorf("%s: %s, held against the customer as %s by %s: %q", c.ID, c.Class, o.Class, o.Rule, c.Reply)
		}
		if c.Confidence == "sure" && c.Stage != providers.StageMail {
			sure++
			if o.Class == c.Class {
				right++
			}
		}
	}
	t.Logf("%d of %d sure sign-in replies right; %d of %d of all", right, sure, allRight, all)
	if right*100 < sure*97 {
		t.Errorf("%d of %d sure sign-in replies right, want 97%%", right, sure)
	}
}
