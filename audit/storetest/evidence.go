package storetest

import (
	"strings"
	"testing"
	"time"

	"mailaudit/audit"
	"mailaudit/providers"
)

// What an attestation adds, and who was spared by traffic, stand in the history as of each run; and when the provider
// itself was asked last is kept whatever a run settles.
func testEvidenceBeside(t *testing.T, s audit.Store) {
	ctx := t.Context()
	seen := night.Add(-5 * 24 * time.Hour).Truncate(time.Second)
	attested := audit.Attested{Kind: audit.CustomerStatement, SeenAt: seen, From: providers.TwoFactorUnknown, Against: "google_2sv_enrolled"}
	first := startRun(t, s, "k", night)
	a := result(first, "a", audit.Compliant)
	a.TwoFactor, a.Attested = providers.TwoFactorLikely, attested
	record(t, s, first, a, result(first, "b", audit.Compliant), result(first, "c", audit.Revoked))
	must(t, s.Conclude(ctx, "k"))
	settle(t, s, first)
	finish(t, s, first)
	same(t, "attested, by the state", state(t, s, "a").Attested, attested)
	same(t, "asked at", state(t, s, "b").AskedAt, night.Truncate(time.Microsecond))

	second := startRun(t, s, "l", night.Add(24*time.Hour))
	a, b := result(second, "a", audit.Compliant), result(second, "b", audit.Compliant)
	a.Traffic, b.Traffic, b.Quiet = true, true, true
	silent := result(second, "c", audit.Unverified)
	record(t, s, second, a, b, silent)
	must(t, s.Conclude(ctx, "l"))
	tallies, err := s.Tallies(ctx, second)
	must(t, err)
	same(t, "who was spared is no account that answered", tallies["google"].Answering, 1)
	must(t, s.Conclude(ctx, "l"))
	settle(t, s, second)
	finish(t, s, second)

	for _, run := range []struct {
		audit.Run
		attested  map[string]audit.Attested
		byTraffic map[string]bool
	}{
		{first, map[string]audit.Attested{"a": attested, "b": {}, "c": {}}, map[string]bool{"a": false, "b": false, "c": false}},
		{second, map[string]audit.Attested{"a": {}, "b": {}, "c": {}}, map[string]bool{"a": true, "b": true, "c": false}},
	} {
		gotAttested, gotTraffic := map[string]audit.Attested{}, map[string]bool{}
		must(t, s.Findings(ctx, concluding(run.Run), func(f audit.Finding) error {
			gotAttested[f.AccountID], gotTraffic[f.AccountID] = f.Attested, f.ByTraffic
			return nil
		}))
		same(t, "attested in run "+run.Key, gotAttested, run.attested)
		same(t, "by traffic in run "+run.Key, gotTraffic, run.byTraffic)
	}
	for _, id := range []string{"a", "b", "c"} {
		same(t, id+" was asked by the first run", state(t, s, id).AskedAt, night.Truncate(time.Microsecond))
	}
	h, err := s.History(ctx, "b")
	must(t, err)
	same(t, "runs that did not ask b", h.ByTraffic, map[string]bool{"l": true})
	rows := map[string]int{}
	must(t, s.EvidenceRows(ctx, second, nil, func(table string, columns ...string) error { rows[table]++; return nil }))
	same(t, "rows of evidence", []int{rows["attested"], rows["by_traffic"]}, []int{0, 1})
	must(t, s.EvidenceRows(ctx, first, nil, func(table string, columns ...string) error { rows[table]++; return nil }))
	same(t, "with the first run's", []int{rows["attested"], rows["by_traffic"]}, []int{1, 1})

	_, err = s.Purge(ctx, audit.Purge{Tenant: "t-b", Tombstone: audit.NewTombstone(night.Add(48 * time.Hour))})
	must(t, err)
	spared, named := 0, false
	must(t, s.Findings(ctx, concluding(second), func(f audit.Finding) error {
		if f.ByTraffic {
			spared++
		}
		named = named || f.AccountID == "b"
		return nil
	}))
	must(t, s.EvidenceRows(ctx, second, nil, func(table string, columns ...string) error {
		if table == "by_traffic" && columns[1] != "" {
			named = named || strings.Contains(columns[1], `"b"`)
		}
		return nil
	}))
	same(t, "spared after the purge", spared, 2)
	same(t, "the purged account is named", named, false)
}
