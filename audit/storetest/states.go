package storetest

import (
	"fmt"
	"testing"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/decide"
)

func testRecord(t *testing.T, s audit.Store) {
	run := startRun(t, s, "k", night)
	first := result(run, "a", audit.Revoked)
	record(t, s, run, first)
	record(t, s, run, result(run, "a", audit.Compliant), result(run, "b", audit.Compliant))
	same(t, "the first word stands", *state(t, s, "a").Tonight, first.Result)
	same(t, "nothing is settled yet", state(t, s, "a").Settled.Verdict, audit.Verdict(""))
}

func testRecordLate(t *testing.T, s audit.Store) {
	run := startRun(t, s, "k", night)
	record(t, s, run, result(run, "a", audit.Compliant))
	must(t, s.Conclude(t.Context(), "k"))
	record(t, s, run, result(run, "b", audit.Compliant))
	if st := state(t, s, "b"); st.Tonight != nil {
		t.Errorf("recorded after the conclusion: %v", st.Tonight.Verdict)
	}
	stopped := startRun(t, s, "l", night)
	must(t, s.Stop(t.Context(), "l", "source is empty", night))
	record(t, s, stopped, result(stopped, "c", audit.Compliant))
	if st := state(t, s, "c"); st.Tonight != nil {
		t.Errorf("recorded after the stop: %v", st.Tonight.Verdict)
	}
}

func testSecondTry(t *testing.T, s audit.Store) {
	run := startRun(t, s, "k", night)
	second := result(run, "a", audit.Compliant)
	second.Try = 2
	record(t, s, run, result(run, "a", audit.Unverified))
	record(t, s, run, second)
	record(t, s, run, result(run, "a", audit.Unverified))
	same(t, "verdict", state(t, s, "a").Tonight.Verdict, audit.Compliant)
}

func testStatesIn(t *testing.T, s audit.Store) {
	first := startRun(t, s, "k", night)
	record(t, s, first, result(first, "a", audit.Compliant), result(first, "b", audit.Compliant))
	settle(t, s, first)
	finish(t, s, first)
	second := startRun(t, s, "l", night.Add(24*time.Hour))
	record(t, s, second, result(second, "b", audit.Compliant))
	want, err := s.LoadStates(t.Context(), []string{"a", "b", "nobody"})
	must(t, err)
	if want["a"].Tonight == nil || want["b"].Tonight == nil {
		t.Fatal("a state has no result")
	}
	old := want["a"]
	old.Tonight = nil
	want["a"] = old
	got, err := s.LoadStatesIn(t.Context(), "l", []string{"a", "b", "nobody"})
	must(t, err)
	same(t, "states", got, want)
}

// Every verdict, with and without a night that brought none after it.
func testDoubtful(t *testing.T, s audit.Store) {
	var ids []string
	first := startRun(t, s, "k", night)
	var told, silent []audit.Recorded
	for i, v := range audit.Verdicts {
		id, late := fmt.Sprintf("a-%02d", i), fmt.Sprintf("b-%02d", i)
		ids = append(ids, id, late)
		told = append(told, result(first, id, v), result(first, late, v))
		silent = append(silent, result(first, late, audit.Unverified))
	}
	record(t, s, first, told...)
	settle(t, s, first)
	finish(t, s, first)
	second := startRun(t, s, "l", night.Add(24*time.Hour))
	for i := range silent {
		again := told[2*i]
		again.RunKey, silent[i].RunKey = second.Key, second.Key
		record(t, s, second, again, silent[i])
	}
	settle(t, s, second)
	got, err := s.Doubtful(t.Context(), append(ids, "nobody"))
	must(t, err)
	states, err := s.LoadStates(t.Context(), ids)
	must(t, err)
	want := map[string]bool{}
	for id, st := range states {
		if st.Doubtful() {
			want[id] = true
		}
	}
	same(t, "doubtful", got, want)
	if len(want) == 0 || len(want) == len(ids) {
		t.Errorf("%d of %d accounts are doubtful", len(want), len(ids))
	}
}

func testSettleTwice(t *testing.T, s audit.Store) {
	run := startRun(t, s, "k", night)
	quiet := result(run, "q", audit.Compliant)
	quiet.Quiet = true
	record(t, s, run, result(run, "a", audit.Revoked), result(run, "b", audit.Unverified), quiet)
	settle(t, s, run)
	before := state(t, s, "a")
	left, err := s.Unsettled(t.Context(), run, "", 10)
	must(t, err)
	same(t, "unsettled accounts", len(left), 0)
	again := decide.Settle(run, before)
	again.State.Nights = 99
	must(t, s.Settle(t.Context(), run, []audit.Settlement{again}, []audit.Draft{draft("a", audit.KindFinding, 1, night)}))
	same(t, "state", state(t, s, "a"), before)
	forming, err := s.Forming(t.Context(), "k")
	must(t, err)
	same(t, "mails for who was settled before", len(forming), 0)
	same(t, "findings", findings(t, s, run), map[string]string{
		"a": "revoked< since 2026-11-23", "b": "unverified< since 2026-11-23",
	})
}

// A process that slept through the conclusion settles what it had read before: nothing changes.
func testSettleLate(t *testing.T, s audit.Store) {
	run := startRun(t, s, "k", night)
	record(t, s, run, result(run, "a", audit.Revoked))
	before := state(t, s, "a")
	must(t, s.Settle(t.Context(), run, []audit.Settlement{decide.Settle(run, before)}, nil))
	same(t, "settled before the conclusion", state(t, s, "a"), before)
	must(t, s.Conclude(t.Context(), "k"))
	finish(t, s, run)
	must(t, s.Settle(t.Context(), run, []audit.Settlement{decide.Settle(run, before)}, []audit.Draft{draft("a", audit.KindFinding, 1, night)}))
	same(t, "settled after the end", state(t, s, "a"), before)
	all, err := s.ListNotices(t.Context(), "k", "", 10)
	must(t, err)
	same(t, "mails", len(all), 0)
}

// A mail of the night before leaves while this night is concluded.
func testSettleKeepsTold(t *testing.T, s audit.Store) {
	_, all := outbox(t, s, "k", night, audit.NoticeQueued, draft("a", audit.KindFinding, 1, night), draft("b", audit.KindFinding, 1, night))
	run := startRun(t, s, "l", night.Add(24*time.Hour))
	record(t, s, run, result(run, "a", audit.Revoked))
	must(t, s.Conclude(t.Context(), "l"))
	left := decide.Left(run, state(t, s, "b"))
	stays := decide.Settle(run, state(t, s, "a"))
	send(t, s, all[0].ID, night.Add(25*time.Hour))
	must(t, s.Settle(t.Context(), run, []audit.Settlement{stays, left}, nil))
	same(t, "who was told meanwhile stays so", state(t, s, "a").Told.Step, 1)
	same(t, "what was told of who left is kept", state(t, s, "b").Told.Step, 1)
}

// Replies are written by strangers. What a column cannot hold must not keep a batch from being recorded.
func testHostileText(t *testing.T, s audit.Store) {
	run := startRun(t, s, "k", night)
	r := result(run, "a", audit.Revoked)
	r.Reply, r.TenantName, r.Address, r.Rule = "535 \x00 \xff\xfe ' \\u0000 \u202e", "O'Neil \x00\xff", "a\x00@\xff", "{}\"\\"
	record(t, s, run, r, result(run, "b", audit.Compliant), result(run, "b", audit.Revoked))
	settle(t, s, run)
	finish(t, s, run)
	same(t, "findings", findings(t, s, run), map[string]string{
		"a": "revoked< since 2026-11-23", "b": "compliant< since 2026-11-23",
	})
}

func testHistory(t *testing.T, s audit.Store) {
	verdicts := [][2]audit.Verdict{
		{audit.Compliant, audit.Unverified}, {audit.Revoked, audit.Compliant}, {audit.Revoked, audit.Unverified}, {audit.Compliant, audit.Unverified},
	}
	var runs []audit.Run
	for i, v := range verdicts {
		run := startRun(t, s, string(rune('k'+i)), night.AddDate(0, 0, i))
		record(t, s, run, result(run, "a", v[0]), result(run, "b", v[1]))
		settle(t, s, run)
		finish(t, s, run)
		runs = append(runs, run)
	}
	for i, want := range []map[string]string{
		{"a": "compliant< since 2026-11-23", "b": "unverified< since 2026-11-23"},
		{"a": "revoked<compliant since 2026-11-24", "b": "compliant< since 2026-11-24"},
		{"a": "revoked<revoked since 2026-11-24", "b": "unverified<compliant since 2026-11-25"},
		{"a": "compliant<revoked since 2026-11-26", "b": "unverified<compliant since 2026-11-25"},
	} {
		same(t, "findings of night "+runs[i].Key, findings(t, s, runs[i]), want)
	}
	before, err := s.ConcludedBefore(t.Context(), runs[2].Seq)
	must(t, err)
	same(t, "night before", before.Key, runs[1].Key)
	same(t, "nights in a row", state(t, s, "b").Nights, 1)
}

func testFindingsTonight(t *testing.T, s audit.Store) {
	first := startRun(t, s, "k", night)
	record(t, s, first, result(first, "a", audit.Compliant), result(first, "b", audit.Compliant))
	settle(t, s, first)
	finish(t, s, first)
	second := startRun(t, s, "l", night.Add(24*time.Hour))
	record(t, s, second, result(second, "b", audit.Revoked))
	second, err := s.LoadRun(t.Context(), "l")
	must(t, err)
	var got []string
	must(t, s.Findings(t.Context(), second, func(f audit.Finding) error {
		got = append(got, f.AccountID+" "+string(f.Verdict)+"<"+string(f.Previous))
		return nil
	}))
	same(t, "findings so far", got, []string{"b revoked<compliant"})
}

func testDeparted(t *testing.T, s audit.Store) {
	first := startRun(t, s, "k", night)
	record(t, s, first, result(first, "a", audit.Compliant), result(first, "b", audit.Revoked))
	settle(t, s, first, audit.Draft{Kind: audit.KindFinding, TenantID: "t", ContactEmail: "x@b.example", Provider: "google",
		Item: audit.NoticeItem{AccountID: "b", Verdict: audit.Revoked, Since: night, Step: 1}})
	finish(t, s, first)
	forming, err := s.Forming(t.Context(), "k")
	must(t, err)
	forming[0].State = audit.NoticeShadowed
	must(t, s.Release(t.Context(), forming))
	second := startRun(t, s, "l", night.Add(24*time.Hour))
	record(t, s, second, result(second, "a", audit.Compliant))
	settle(t, s, second)
	finish(t, s, second)
	same(t, "second night", findings(t, s, second), map[string]string{"a": "compliant<compliant since 2026-11-23"})
	same(t, "first night", findings(t, s, first), map[string]string{
		"a": "compliant< since 2026-11-23", "b": "revoked< since 2026-11-23",
	})
	third := startRun(t, s, "m", night.Add(48*time.Hour))
	record(t, s, third, result(third, "a", audit.Compliant), result(third, "b", audit.Revoked))
	settle(t, s, third)
	same(t, "who comes back begins anew", findings(t, s, third)["b"], "revoked< since 2026-11-25")
	same(t, "what was told of it is known", state(t, s, "b").Told.Step, 1)
}

func testNarrowedRun(t *testing.T, s audit.Store) {
	whole := startRun(t, s, "k", night)
	record(t, s, whole, result(whole, "a", audit.Compliant), result(whole, "b", audit.Compliant))
	settle(t, s, whole)
	finish(t, s, whole)
	at := night.Add(24 * time.Hour)
	narrow, _, err := s.StartRun(t.Context(), audit.Run{Key: "l", Scope: audit.Scope{Limit: 1}, StartedAt: at, Deadline: at})
	must(t, err)
	must(t, s.Plan(t.Context(), "l", "", "", nil, 0, true))
	record(t, s, narrow, result(narrow, "b", audit.Revoked))
	settle(t, s, narrow)
	finish(t, s, narrow)
	same(t, "narrowed run", findings(t, s, narrow), map[string]string{"b": "revoked<compliant since 2026-11-24"})
	same(t, "whole run", findings(t, s, whole), map[string]string{
		"a": "compliant< since 2026-11-23", "b": "compliant< since 2026-11-23",
	})
}
