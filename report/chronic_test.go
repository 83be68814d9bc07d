package report_test

import (
	"strings"
	"testing"
	"time"

	"mailaudit/audit"
	"mailaudit/report"
	"mailaudit/report/reporttest"
)

func action(s *report.Summary, kind report.ActionKind) *report.Action {
	for i := range s.Actions {
		if s.Actions[i].Kind == kind {
			return &s.Actions[i]
		}
	}
	return nil
}

// muted is a night in which a quarter of the mailboxes had no answer, for so long.
func muted(since time.Duration, mute bool) reporttest.Night {
	n := reporttest.Outage()
	last := &n.Store.Runs[len(n.Store.Runs)-1]
	for i := range n.Store.Accounts {
		f := &n.Store.Accounts[i]
		if f.Verdict == audit.Unverified {
			f.Since, f.NoAnswer, f.Rule, f.Host = last.StartedAt.Add(-since), mute, "fault/timeout", ""
			if f.Provider == audit.ProviderOther {
				f.Rule, f.Host = "fault/tls-untrusted", "mail.c4n4ry.example"
			}
		}
	}
	n.MinCoverage = 0.95
	return n
}

// Who has not answered for three nights stands on a list by host and cause, owes the run no coverage, and is told once.
func TestChronicMailboxesAreAListOfTheirOwn(t *testing.T) {
	s := build(t, muted(72*time.Hour, true))
	if len(s.Chronic) != 2 || s.ChronicTotal() != 3791 || s.Chronic[1].Host != "mail.c4n4ry.example" || s.Chronic[1].Cause != "fault/tls-untrusted" || s.Chronic[1].Accounts != 11 {
		t.Fatalf("%+v", s.Chronic)
	}
	if a := action(s, report.ActionChronic); a == nil || a.Count != 3791 || strings.Contains(a.Text+a.Fix, "c4n4ry") {
		t.Errorf("action %+v", a)
	}
	if action(s, report.ActionCoverage) != nil || action(s, report.ActionDebt) != nil {
		t.Errorf("told twice, or held against the run: %+v", s.Actions)
	}
	var text strings.Builder
	if err := s.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text.String(), "mail.c4n4ry.example fault/tls-untrusted") {
		t.Errorf("the text does not list the host:\n%s", text.String())
	}
}

// A run that verified too few of those that do answer is red, whatever else.
func TestTooFewVerifiedIsRed(t *testing.T) {
	for what, n := range map[string]reporttest.Night{"for two nights": muted(48*time.Hour, true), "for reasons of our own": muted(72*time.Hour, false)} {
		s := build(t, n)
		if a := action(s, report.ActionCoverage); a == nil || s.Level != report.LevelAlarm || a.Count == 0 {
			t.Errorf("%s: level %s, %+v", what, s.Level, s.Actions)
		}
		n.MinCoverage = 0.5
		if s := build(t, n); action(s, report.ActionCoverage) != nil {
			t.Errorf("%s: red above the limit", what)
		}
	}
	few := reporttest.Quiet()
	few.MinCoverage = 1
	if s := build(t, few); s.Numbers.Accounts-s.Numbers.Verified > 5 || action(s, report.ActionCoverage) != nil {
		t.Errorf("%d of %d: %+v", s.Numbers.Verified, s.Numbers.Accounts, s.Actions)
	}
}
