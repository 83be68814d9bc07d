package providertest

import (
	"os"
	"strings"
	"testing"

	"mailaudit/providers"
)

// Case is a line of a file of replies: "stage | reply => class certainty # source". "auth token" is the stage of
// what is said to an access token that had just been issued.
type Case struct {
	Line      int
	Stage     providers.Stage
	Token     bool
	Wire      string // with real line breaks
	Class     providers.Class
	Certainty providers.Certainty
}

// Reply is the case's reply as the rules see it.
func (c Case) Reply() providers.Reply { return c.parse(c.Wire) }

func (c Case) parse(wire string) providers.Reply {
	r := providers.ParseReply(c.Stage, wire)
	r.Token = c.Token
	return r
}

// ReadCases reads a file of replies. "\n" in a reply is a line break; lines that begin with "#" are comments.
func ReadCases(t testing.TB, path string) []Case {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("a provider needs a file of replies, one a line: stage | reply => class certainty # source: %v", err)
	}
	var cases []Case
	for i, line := range strings.Split(string(data), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		stage, rest, ok1 := strings.Cut(line, " | ")
		at := strings.LastIndex(rest, " => ")
		if !ok1 || at < 0 {
			t.Fatalf("%s:%d: want stage | reply => class certainty # source", path, i+1)
		}
		label, source, ok2 := strings.Cut(rest[at+4:], " # ")
		class, certainty, ok3 := strings.Cut(label, " ")
		stage, token := strings.CutSuffix(stage, " token")
		c := Case{Line: i + 1, Stage: providers.Stage(stage), Token: token, Class: providers.Class(class), Certainty: providers.Certainty(certainty)}
		c.Wire = strings.ReplaceAll(rest[:at], `\n`, "\n")
		if !ok2 || !ok3 || source == "" || !c.Stage.Valid() || !c.Class.Valid() {
			t.Fatalf("%s:%d: want stage | reply => class certainty # source", path, i+1)
		}
		cases = append(cases, c)
	}
	return cases
}
