package report_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mailaudit/audit"
	"mailaudit/report"
	"mailaudit/report/reporttest"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-want +got); go test -update writes it anew:\n%s", path, diff)
	}
}

func build(t *testing.T, n reporttest.Night) *report.Summary {
	t.Helper()
	s, err := report.Build(context.Background(), n.Store, "", n.Options)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// small tells that a night's full lists are fit to be read.
func small(n reporttest.Night) bool { return len(n.Store.Accounts) < 800 }

func TestGolden(t *testing.T) {
	for _, n := range reporttest.Nights() {
		t.Run(n.Name, func(t *testing.T) {
			s := build(t, n)
			var text, jsonOut, csvOut bytes.Buffer
			if err := s.WriteText(&text); err != nil {
				t.Fatal(err)
			}
			golden(t, n.Name+".txt", text.Bytes())
			if !small(n) {
				return
			}
			if err := s.WriteJSON(t.Context(), &jsonOut, n.Store); err != nil {
				t.Fatal(err)
			}
			golden(t, n.Name+".json", jsonOut.Bytes())
			if err := s.WriteCSV(t.Context(), &csvOut, n.Store); err != nil {
				t.Fatal(err)
			}
			golden(t, n.Name+".csv", csvOut.Bytes())
		})
	}
}

func TestTextFitsTheTerminal(t *testing.T) {
	for _, n := range reporttest.Nights() {
		var out bytes.Buffer
		if err := build(t, n).WriteText(&out); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			line = strings.TrimSuffix(line, "\n")
			if got := report.Cut(line, 80); got != line && !strings.HasPrefix(line, "https://") {
				t.Errorf("%s: wider than 80 columns: %q", n.Name, line)
			}
			if strings.ContainsAny(line, "\x1b\r\u202e") {
				t.Errorf("%s: a control character: %q", n.Name, line)
			}
		}
	}
}

// TestColourChangesNothingElse: the text with its colours taken away is the text without.
func TestColourChangesNothingElse(t *testing.T) {
	codes := regexp.MustCompile("\x1b\\[[0-9;]+m")
	for _, n := range reporttest.Nights() {
		var plain, coloured bytes.Buffer
		s := build(t, n)
		if err := s.WriteText(&plain); err != nil {
			t.Fatal(err)
		}
		s.Colour = true
		if err := s.WriteText(&coloured); err != nil {
			t.Fatal(err)
		}
		if got := codes.ReplaceAllString(coloured.String(), ""); got != plain.String() || got == coloured.String() {
			t.Errorf("%s: in colour\n%s", n.Name, coloured.String())
		}
	}
}

func TestLevels(t *testing.T) {
	want := map[string]struct {
		level report.Level
		quiet bool
		kinds []report.ActionKind
	}{
		"first":      {report.LevelCalm, false, nil},
		"quiet":      {report.LevelCalm, true, nil},
		"typical":    {report.LevelWork, false, []report.ActionKind{report.ActionUnknown, report.ActionNoAnswer}},
		"bad":        {report.LevelAlarm, false, []report.ActionKind{report.ActionOverdue, report.ActionFault, report.ActionUnknown, report.ActionNoAnswer, report.ActionFailed, report.ActionAmbiguous}},
		"hostile":    {report.LevelWork, false, []report.ActionKind{report.ActionFault, report.ActionUnknown}},
		"huge":       {report.LevelCalm, false, nil},
		"one-tenant": {report.LevelCalm, false, nil},
		"incomplete": {report.LevelAlarm, false, []report.ActionKind{report.ActionIncomplete, report.ActionUnknown}},
		"stopped":    {report.LevelAlarm, false, []report.ActionKind{report.ActionStopped}},
		"held":       {report.LevelAlarm, false, []report.ActionKind{report.ActionHeld}},
		"still-held": {report.LevelAlarm, false, []report.ActionKind{report.ActionHeld, report.ActionFault}},
		"outage":     {report.LevelWork, false, []report.ActionKind{report.ActionVoid, report.ActionDebt}},
		"mismatch":   {report.LevelAlarm, false, []report.ActionKind{report.ActionMismatch}},
		"narrowed":   {report.LevelCalm, false, nil},
		"running":    {report.LevelRunning, false, nil},
	}
	for _, n := range reporttest.Nights() {
		s := build(t, n)
		var kinds []report.ActionKind
		for _, a := range s.Actions {
			kinds = append(kinds, a.Kind)
		}
		w := want[n.Name]
		if s.Level != w.level || s.Quiet() != w.quiet {
			t.Errorf("%s: level %s, quiet %t; want %s, %t", n.Name, s.Level, s.Quiet(), w.level, w.quiet)
		}
		if diff := cmp.Diff(w.kinds, kinds); diff != "" {
			t.Errorf("%s: actions (-want +got):\n%s", n.Name, diff)
		}
	}
}

func TestNumbersThatDoNotAddUpLead(t *testing.T) {
	breaks := map[string]func(*audit.Run){
		"a verdict lost":     func(r *audit.Run) { r.Numbers.Verdicts[audit.Revoked]-- },
		"a provider short":   func(r *audit.Run) { r.Numbers.Providers["google"].Accounts-- },
		"verified off":       func(r *audit.Run) { r.Numbers.Verified++ },
		"planned off":        func(r *audit.Run) { r.Accounts++ },
		"all off together":   func(r *audit.Run) { shift(r.Numbers) },
		"changes off":        func(r *audit.Run) { r.Numbers.Changes.Recovered++ },
		"a verdict swapped":  func(r *audit.Run) { swap(r.Numbers) },
		"provider's verdict": func(r *audit.Run) { r.Numbers.Providers["google"].Verdicts[audit.Revoked]++ },
	}
	for name, broken := range breaks {
		n := reporttest.Typical()
		if s := build(t, n); len(s.Mismatch) > 0 {
			t.Fatalf("the typical night does not add up: %v", s.Mismatch)
		}
		broken(&n.Store.Runs[len(n.Store.Runs)-1])
		s := build(t, n)
		if len(s.Mismatch) == 0 || s.Level != report.LevelAlarm || !strings.Contains(s.Headline(), "do not add up") {
			t.Errorf("%s: mismatch %q, level %s, headline %q", name, s.Mismatch, s.Level, s.Headline())
		}
		if name == "all off together" && !strings.HasPrefix(s.Mismatch[0], "accounts reported: 12,007") {
			t.Errorf("%s: the first mismatch is %q", name, s.Mismatch[0])
		}
	}
}

// shift loses one account everywhere, so that only the walk tells.
func shift(n *audit.Numbers) {
	n.Accounts--
	n.Verified--
	n.Verdicts[audit.Compliant]--
	n.Providers["google"].Accounts--
	n.Providers["google"].Verdicts[audit.Compliant]--
}

func swap(n *audit.Numbers) {
	for _, v := range []map[audit.Verdict]int{n.Verdicts, n.Providers["google"].Verdicts} {
		v[audit.Compliant]--
		v[audit.Revoked]++
	}
}

func TestBuildErrors(t *testing.T) {
	n := reporttest.Quiet()
	if _, err := report.Build(t.Context(), n.Store, "1999-01-01", n.Options); !errors.Is(err, audit.ErrNoRun) {
		t.Errorf("unknown key: %v", err)
	}
	if _, err := report.Build(t.Context(), &reporttest.Store{}, "", n.Options); !errors.Is(err, audit.ErrNoRun) {
		t.Errorf("no run at all: %v", err)
	}
}

func TestPercentIsNeverRoundedUp(t *testing.T) {
	for _, c := range []struct {
		part, whole int
		want        string
	}{
		{0, 0, "0 %"}, {0, 5, "0 %"}, {1, 3, "33.33 %"}, {1, 2, "50 %"}, {999_999, 1_000_000, "99.99 %"},
		{1_000_000, 1_000_000, "100 %"}, {11_981, 12_000, "99.84 %"},
	} {
		if got := report.Percent(c.part, c.whole); got != c.want {
			t.Errorf("Percent(%d, %d) = %s, want %s", c.part, c.whole, got, c.want)
		}
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[int]string{0: "0", 7: "7", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", -12: "-12"} {
		if got := report.Count(n); got != want {
			t.Errorf("Count(%d) = %s, want %s", n, got, want)
		}
	}
}

func TestRunURL(t *testing.T) {
	for base, want := range map[string]string{
		"https://r.example/audit/":     "https://r.example/audit/2026-11-23/report.html",
		"https://r.example":            "https://r.example/2026-11-23/report.html",
		"https://r.example/?token=abc": "https://r.example/2026-11-23/report.html?token=abc",
		"":                             "",
		"javascript:alert(1)":          "",
		"/srv/reports":                 "",
	} {
		if got := report.RunURL(base, "2026-11-23"); got != want {
			t.Errorf("RunURL(%q) = %q, want %q", base, got, want)
		}
	}
}
