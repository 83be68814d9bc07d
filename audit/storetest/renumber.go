package storetest

import (
	"testing"
	"time"

	"mailaudit/audit"
)

// testRenumber: an account goes on under its new id, with what its customer was told; old reports stay as they were.
func testRenumber(t *testing.T, s audit.Store) {
	first := startRun(t, s, "k", night)
	record(t, s, first, result(first, "a", audit.Revoked), result(first, "b", audit.Compliant), result(first, "c", audit.Unverified))
	settle(t, s, first, audit.Draft{Kind: audit.KindFinding, TenantID: "t-a", ContactEmail: "x@a.example", Provider: "google",
		Item: audit.NoticeItem{AccountID: "a", Verdict: audit.Revoked, Since: night, Step: 1}})
	finish(t, s, first)
	forming, err := s.Forming(t.Context(), "k")
	must(t, err)
	forming[0].State = audit.NoticeShadowed
	must(t, s.Release(t.Context(), forming))
	before, told := findings(t, s, first), state(t, s, "a").Told
	if told.Step != 1 {
		t.Fatalf("told: %+v", told)
	}

	second := startRun(t, s, "l", night.Add(24*time.Hour))
	known := func() []string {
		ids, err := s.Known(t.Context(), "", 10)
		must(t, err)
		return ids
	}
	same(t, "known", known(), []string{"a", "b", "c"})
	record(t, s, second, result(second, "taken", audit.Compliant))
	moves := []audit.Renumbering{{New: "new-a", Former: "a"}, {New: "taken", Former: "b"}, {New: "new-c", Former: "c"}, {New: "x", Former: "nobody"}}
	for range 2 {
		must(t, s.Renumber(t.Context(), second, moves))
	}
	same(t, "known by their new ids", known(), []string{"b", "new-a", "new-c", "taken"})
	got, err := s.Renumbered(t.Context(), "l", "", 10)
	must(t, err)
	same(t, "renumbered", got, []audit.Renumbering{{New: "new-a", Former: "a"}, {New: "new-c", Former: "c"}})
	moved := state(t, s, "new-a")
	same(t, "the state goes on", []any{moved.FormerID, moved.Settled.Verdict, moved.Told}, []any{"a", audit.Revoked, told})

	record(t, s, second, result(second, "new-a", audit.AppPasswordRequired), result(second, "new-c", audit.Compliant))
	settle(t, s, second)
	finish(t, s, second)
	same(t, "the run knows the new ids", findings(t, s, second), map[string]string{
		"new-a": "app_password_required<revoked since 2026-11-24", "new-c": "compliant< since 2026-11-24", "taken": "compliant< since 2026-11-24",
	})
	same(t, "the report of the night before", findings(t, s, first), before)
	h, err := s.History(t.Context(), "new-a")
	must(t, err)
	var verdicts []audit.Verdict
	for _, c := range h.Changes {
		verdicts = append(verdicts, c.Verdict)
	}
	same(t, "its past", verdicts, []audit.Verdict{audit.Revoked, audit.AppPasswordRequired})
	same(t, "its mails", len(h.Notices), 1)
	if h, err = s.History(t.Context(), "new-c"); err != nil || h.Notes["k"].Verdict != audit.Unverified {
		t.Errorf("its notes: %+v, %v", h.Notes, err)
	}
	if n, err := s.KnownStates(t.Context(), first); err != nil || n < 3 {
		t.Errorf("%d known states, %v", n, err)
	}
	_, err = s.Purge(t.Context(), audit.Purge{Tenant: "t-a", Tombstone: "purged-1"})
	must(t, err)
	if left, err := s.Renumbered(t.Context(), "l", "", 10); err != nil || len(left) != 1 {
		t.Errorf("left of a purged tenant: %v, %v", left, err)
	}
}

// testPlanMore: batches join a plan until the run concludes.
func testPlanMore(t *testing.T, s audit.Store) {
	run := startRun(t, s, "k", night)
	more := []audit.Batch{{Provider: "google", Try: 1, IDs: []string{"a", "b"}}, {Provider: "yahoo", Try: 1, IDs: []string{"c"}}}
	if added, err := s.PlanMore(t.Context(), "k", more, 3); err != nil || !added {
		t.Fatalf("%v, %v", added, err)
	}
	must(t, s.CloseBatch(t.Context(), "k", 1, &audit.Batch{Provider: "google", Try: 2, IDs: []string{"b"}}))
	ids := func(after int) (all []string) {
		page, err := s.PlannedBatches(t.Context(), "k", after, 10)
		must(t, err)
		for _, b := range page {
			all = append(all, b.IDs...)
		}
		return all
	}
	same(t, "planned", ids(0), []string{"a", "b", "c"})
	same(t, "planned behind the first", ids(1), []string{"c"})
	got, err := s.LoadRun(t.Context(), "k")
	must(t, err)
	same(t, "accounts", got.Accounts, 3)
	must(t, s.Conclude(t.Context(), run.Key))
	if added, err := s.PlanMore(t.Context(), "k", more, 3); err != nil || added {
		t.Errorf("after the conclusion: %v, %v", added, err)
	}
}
