package notice_test

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"
	"time"

	"mailaudit/providers/catalog"
	"mailaudit/report/notice"
)

var (
	screenWords = regexp.MustCompile(`(?:^|[^*])\*([^*{}]+)\*(?:[^*]|$)`)
	typedWords  = regexp.MustCompile(`\*\*([a-z0-9-]+(?:\.[a-z0-9-]+)+[a-z0-9./-]*)\*\*`)
	placeWords  = regexp.MustCompile(`!\[[^\]]*\]\([^)]*\)|\*\{\{product\}\}\*`)
)

// TestEveryNameOnAScreenHasASource looks for each address that a guide has typed, and each button and menu that it names,
// among the facts that the guide rests on.
func TestEveryNameOnAScreenHasASource(t *testing.T) {
	for _, p := range catalog.All() {
		guide, err := fs.ReadFile(p.Files, "guide/en.md")
		if err != nil {
			t.Fatal(err)
		}
		facts, err := fs.ReadFile(p.Files, "guide/facts.txt")
		if err != nil {
			t.Errorf("%s: its guide has no facts: %v", p.Name, err)
			continue
		}
		text := placeWords.ReplaceAllString(string(guide), "")
		said := 0
		for _, words := range []*regexp.Regexp{screenWords, typedWords} {
			for _, m := range words.FindAllStringSubmatch(text, -1) {
				if m[1] == "Save" { // the product's own button
					continue
				}
				said++
				if !strings.Contains(string(facts), m[1]) {
					t.Errorf("%s: no fact says where %q was seen", p.Name, m[1])
				}
			}
		}
		if said == 0 {
			t.Errorf("%s: the guide names nothing on a screen", p.Name)
		}
	}
}

func TestFactsThatAreDueAreListed(t *testing.T) {
	g, err := notice.LoadGuides(catalog.All(), files(
		"google/facts.txt", "# ours\n\n2025-01-02 https://help.example/x Our own way.\n2026-11-01 - Nobody says it.\n"))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)
	due := g.Stale(180*24*time.Hour, now)
	if len(due) != 1 || due[0].Provider != "google" || due[0].Text != "Our own way." || due[0].Source != "https://help.example/x" ||
		due[0].Seen.Format(time.DateOnly) != "2025-01-02" {
		t.Errorf("due: %+v", due)
	}
	if all := g.Stale(0, now); len(all) != len(g.Facts()) || len(all) < 40 {
		t.Errorf("%d of %d facts are older than a moment", len(all), len(g.Facts()))
	}
	for _, bad := range []string{"yesterday https://x.example A fact.", "2026-11-01 x.example A fact.", "2026-11-01 https://x.example", "2026-11-01"} {
		if _, err := notice.LoadGuides(catalog.All(), files("google/facts.txt", bad+"\n")); err == nil || !strings.Contains(err.Error(), "line 1") {
			t.Errorf("%q: error %v", bad, err)
		}
	}
}
