package storetest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"mailaudit/audit"
)

func testChain(t *testing.T, s audit.Store) {
	must(t, s.AddLink(t.Context(), audit.Link{N: 1, Text: "first\n"}))
	must(t, s.AddLink(t.Context(), audit.Link{N: 2, Text: "second\n", Signature: []byte{0, 255}}))
	if err := s.AddLink(t.Context(), audit.Link{N: 2, Text: "another\n"}); !errors.Is(err, audit.ErrMoved) {
		t.Errorf("a second link of the same number: %v", err)
	}
	all, err := s.Links(t.Context(), 0, 10)
	must(t, err)
	same(t, "links", all, []audit.Link{{N: 1, Text: "first\n"}, {N: 2, Text: "second\n", Signature: []byte{0, 255}}})
	one, err := s.Links(t.Context(), 1, 1)
	must(t, err)
	same(t, "links behind the first", one, all[1:])
}

// rowsOf is what the run has left, one row a line.
func rowsOf(t *testing.T, s audit.Store, run audit.Run) string {
	t.Helper()
	run, err := s.LoadRun(t.Context(), run.Key)
	must(t, err)
	var out strings.Builder
	must(t, s.EvidenceRows(t.Context(), run, []string{"ruled"}, func(table string, columns ...string) error {
		out.WriteString(table + "|" + strings.Join(columns, "|") + "\n")
		return nil
	}))
	return out.String()
}

// What a run has left stays as it is through later runs and retention; a purge changes what it is about.
func testEvidenceRows(t *testing.T, s audit.Store) {
	runs := nights(t, s, map[string]string{"a": "crcrrr", "b": "cccccc", "c": "ccc   ", "d": "uuuucc"})
	_, err := s.KeepFact(t.Context(), runs[3].Key, "ruled", "held")
	must(t, err)
	_, err = s.KeepFact(t.Context(), runs[3].Key, "other", "x")
	must(t, err)
	before := map[string]string{}
	for _, run := range runs {
		before[run.Key] = rowsOf(t, s, run)
	}
	fourth := before["night-4"]
	for _, part := range []string{"run_facts|ruled|held\n", "runs|night-4|4|concluded|", "run_notes|d|", "verdict_changes|a|4|night-4|t-a|Clinic a|a@example.com|google|revoked|compliant|", "verdict_changes|b|1|night-1|", "verdict_changes|c|4|night-4|t-c|Clinic c|c@example.com|google|gone|"} {
		if strings.Count(fourth, part) != 1 {
			t.Errorf("the rows of the fourth run have %q %d times:\n%s", part, strings.Count(fourth, part), fourth)
		}
	}
	if strings.Contains(fourth, "other") || strings.Contains(before["night-5"], "gone") {
		t.Errorf("the rows hold what they should not:\n%s\n%s", fourth, before["night-5"])
	}
	same(t, "runs that went", expireAll(t, s, runs[3].StartedAt), []string{"night-1", "night-2", "night-3"})
	for _, run := range runs[3:] {
		same(t, "rows of "+run.Key+" after retention", rowsOf(t, s, run), before[run.Key])
	}
	_, err = s.Purge(t.Context(), audit.Purge{Tenant: "t-a", Tombstone: "purged-20260101T000000Z"})
	must(t, err)
	if after := rowsOf(t, s, runs[3]); strings.Contains(after, "Clinic a") || !strings.Contains(after, "verdict_changes|b|1|night-1|") {
		t.Errorf("rows after a purge:\n%s", after)
	}
}

// An action's digest must not betray whom it names: chance is part of it, and new chance once a purge has taken the name out.
func testActionNonce(t *testing.T, s audit.Store) {
	for range 2 {
		must(t, s.Act(t.Context(), audit.Action{At: night, Who: "w", What: "x"}))
	}
	all, err := s.Actions(t.Context(), night.Add(-time.Hour), night.Add(time.Hour))
	must(t, err)
	if len(all) != 2 || all[0].Nonce == "" || all[0].Nonce == all[1].Nonce || all[0].ID == all[1].ID {
		t.Errorf("actions %+v", all)
	}
}
