package notice

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"
)

// factsFile lies beside a provider's guides. Each line of it is a fact that they rest on:
//
//	2026-11-23 https://support.google.com/accounts/answer/185833 App passwords have 16 letters.
//
// the day on which the fact was seen, the page that says it ("-" where no page does), and the fact. Lines that begin
// with # are comments.
const factsFile = "facts.txt"

// Fact is something that a guide says of its provider.
type Fact struct {
	Provider string
	Text     string
	Source   string    // a web address; "" where no page of the provider says it
	Seen     time.Time // the day, midnight UTC
}

// Facts lists what the guides rest on, by provider in their order.
func (g *Guides) Facts() []Fact {
	var out []Fact
	for _, name := range g.order {
		out = append(out, g.provider[name].facts...)
	}
	return out
}

// Stale lists the facts that were seen longer ago than age.
func (g *Guides) Stale(age time.Duration, now time.Time) []Fact {
	var out []Fact
	for _, f := range g.Facts() {
		if now.Sub(f.Seen) > age {
			out = append(out, f)
		}
	}
	return out
}

// oldest is the day of the fact that was seen longest ago.
func (g *guide) oldest() (time.Time, bool) {
	var day time.Time
	for _, f := range g.facts {
		if day.IsZero() || f.Seen.Before(day) {
			day = f.Seen
		}
	}
	return day, !day.IsZero()
}

// addFacts reads the facts beside the guides in dir; there may be none.
func (g *guide) addFacts(fsys fs.FS, dir string) error {
	name := path.Join(dir, factsFile)
	text, err := fs.ReadFile(fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read guides: %w", err)
	}
	for i, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		f, err := parseFact(line)
		if err != nil {
			return fmt.Errorf("%s, line %d: %w", name, i+1, err)
		}
		f.Provider = g.Name
		g.facts = append(g.facts, f)
	}
	return nil
}

func parseFact(line string) (Fact, error) {
	day, rest, _ := strings.Cut(line, " ")
	source, text, _ := strings.Cut(strings.TrimSpace(rest), " ")
	f := Fact{Text: strings.TrimSpace(text), Source: source}
	var err error
	if f.Seen, err = time.Parse(time.DateOnly, day); err != nil {
		return f, fmt.Errorf("%q is no day such as 2026-11-23", day)
	}
	if source == "-" {
		f.Source = ""
	} else if !isWebURL(source, "https") {
		return f, fmt.Errorf("%q is neither an https address nor -", source)
	}
	if f.Text == "" {
		return f, errors.New("says no fact after its source")
	}
	return f, nil
}
