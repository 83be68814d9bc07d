package storetest

import (
	"context"
	"testing"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/decide"
	"mailaudit/providers"
)

// What a store cannot write for the sake of one row is blamed on the row; an error that is not its own, on nothing.
func testBlame(t *testing.T, s audit.Store) {
	run := startRun(t, s, "k", night)
	record(t, s, run, result(run, "a", audit.Revoked))
	settle(t, s, run)
	finish(t, s, run)
	next := startRun(t, s, "l", night.Add(24*time.Hour))
	record(t, s, next, result(next, "a", audit.Compliant), result(next, "b", audit.Compliant))
	must(t, s.Conclude(t.Context(), "l"))
	twice := decide.Settle(next, state(t, s, "a"))
	twice.Change.Seq = run.Seq // as if the step were there already
	err := s.Settle(t.Context(), next, []audit.Settlement{decide.Settle(next, state(t, s, "b")), twice}, nil)
	b, code := s.Blame(err)
	if b != audit.BlameRow || code == "" {
		t.Errorf("%v is blamed on %v, code %q", err, b, code)
	}
	same(t, "settled with it", state(t, s, "b").SettledSeq, int64(0))
	for what, err := range map[string]error{"nothing": nil, "another's": errStop, "moved": audit.ErrMoved} {
		if b, code := s.Blame(err); b != audit.BlameUnknown || code != "" {
			t.Errorf("%s: blamed on %v, code %q", what, b, code)
		}
	}
	if b, _ := s.Blame(&audit.RowError{Err: errStop}); b != audit.BlameRow {
		t.Errorf("an unreadable row: blamed on %v", b)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = s.LoadStates(ctx, []string{"a"})
	if b, _ := s.Blame(err); err == nil || b == audit.BlameRow {
		t.Errorf("interrupted: %v is blamed on the row", err)
	}
}

func testAccountIDs(t *testing.T, s audit.Store) {
	for _, id := range []string{"a-1", "a-2", "a-3", "a-4"} {
		a := account(id)
		a.TenantID = "t-" + string('a'+id[2]%2)
		put(t, s, a)
	}
	got, err := s.AccountIDsAfter(t.Context(), "", 3, "")
	must(t, err)
	same(t, "first page", got, []string{"a-1", "a-2", "a-3"})
	got, err = s.AccountIDsAfter(t.Context(), "a-3", 3, "")
	must(t, err)
	same(t, "second page", got, []string{"a-4"})
	got, err = s.AccountIDsAfter(t.Context(), "a-1", 3, "t-b")
	must(t, err)
	same(t, "of one tenant", got, []string{"a-3"})
}

// Whom a run has planned and has no result of is found, until it is noted; a later run takes results away.
func testUnrecorded(t *testing.T, s audit.Store) {
	run, _, err := s.StartRun(t.Context(), audit.Run{Key: "k", StartedAt: night, Deadline: night})
	must(t, err)
	must(t, s.Plan(t.Context(), "k", "", "d", []audit.Batch{
		{Provider: "google", Try: 1, IDs: []string{"b", "a"}}, {Provider: "yahoo", Try: 1, IDs: []string{"c", "d"}}, {Provider: "google", Try: 2, IDs: []string{"a"}},
	}, 4, true))
	unrecorded := func(what string, want ...string) {
		t.Helper()
		var got []string
		for after := ""; ; after = got[len(got)-1] {
			page, err := s.Unrecorded(t.Context(), run, after, 2)
			must(t, err)
			if len(page) == 0 {
				break
			}
			got = append(got, page...)
		}
		same(t, what, got, want)
	}
	unrecorded("before anybody was asked", "a", "b", "c", "d")
	record(t, s, run, result(run, "c", audit.Revoked), result(run, "d", audit.Revoked))
	unrecorded("once two were", "a", "b")
	later := startRun(t, s, "l", night.Add(24*time.Hour))
	record(t, s, later, result(later, "d", audit.Compliant), result(later, "e", audit.Compliant))
	unrecorded("once a later run has asked one of them", "a", "b", "d")
	settle(t, s, later)
	record(t, s, run, result(run, "d", audit.Revoked))
	unrecorded("what a later run has settled is not this one's to say", "a", "b", "c", "d")

	note := decide.FindingOf(audit.State{}, audit.Result{AccountID: "a", Provider: "google", Judgement: audit.Judgement{Verdict: audit.Unverified, TwoFactor: providers.TwoFactorUnknown}})
	must(t, s.Note(t.Context(), run, []audit.Finding{note}))
	unrecorded("a note before the conclusion is none", "a", "b", "c", "d")
	must(t, s.Conclude(t.Context(), "k"))
	for range 2 {
		must(t, s.Note(t.Context(), run, []audit.Finding{note}))
	}
	unrecorded("whoever is noted is accounted for", "b", "c", "d")
	got := findings(t, s, run)
	same(t, "finding", got["a"], "unverified< since 0001-01-01")
}

// A run leaves alone what a later one has recorded, and does not take for departed whom it has a note of.
func testEarlierRunSettlesLate(t *testing.T, s audit.Store) {
	first := startRun(t, s, "k", night)
	record(t, s, first, result(first, "a", audit.Compliant), result(first, "b", audit.Compliant), result(first, "c", audit.Compliant), result(first, "d", audit.Compliant))
	settle(t, s, first)
	finish(t, s, first)
	stuck := startRun(t, s, "l", night.Add(24*time.Hour))
	record(t, s, stuck, result(stuck, "a", audit.Revoked), result(stuck, "b", audit.Revoked))
	read := state(t, s, "a")
	later := startRun(t, s, "m", night.Add(48*time.Hour))
	record(t, s, later, result(later, "a", audit.Compliant), result(later, "d", audit.Compliant))

	must(t, s.Conclude(t.Context(), "l"))
	must(t, s.Note(t.Context(), stuck, []audit.Finding{{AccountID: "c", Provider: "google", Verdict: audit.Unverified}}))
	unsettled, err := s.Unsettled(t.Context(), stuck, "", 10)
	must(t, err)
	same(t, "unsettled", unsettled, []string{"b"})
	departed, err := s.Departed(t.Context(), stuck, "", 10)
	must(t, err)
	same(t, "departed", len(departed), 0)
	before := state(t, s, "a")
	must(t, s.Settle(t.Context(), stuck, []audit.Settlement{decide.Settle(stuck, read), decide.Settle(stuck, state(t, s, "b"))},
		[]audit.Draft{draft("a", audit.KindFinding, 1, night), draft("b", audit.KindFinding, 1, night)}))
	same(t, "whom the later run has asked", state(t, s, "a"), before)
	same(t, "whom it has not", state(t, s, "b").Settled.Verdict, audit.Revoked)
	forming, err := s.Forming(t.Context(), "l")
	must(t, err)
	same(t, "mails", len(forming), 1)
	same(t, "whom they name", forming[0].Items[0].AccountID, "b")
}

// A mail that its run could not queue waits for nothing any more.
func testLeftForming(t *testing.T, s audit.Store) {
	run := startRun(t, s, "k", night)
	record(t, s, run, result(run, "a", audit.Revoked))
	settle(t, s, run, draft("a", audit.KindFinding, 1, night))
	pending := func(what string, want bool) {
		t.Helper()
		mailing, err := s.Mailing(t.Context(), []string{"a"}, night)
		must(t, err)
		same(t, what, mailing["a"].Pending, want)
	}
	left, err := s.Forming(t.Context(), "")
	must(t, err)
	same(t, "while the run is concluded", len(left), 0)
	pending("a mail is on its way", true)
	finish(t, s, run)
	left, err = s.Forming(t.Context(), "")
	must(t, err)
	same(t, "left behind", len(left), 1)
	pending("none is", false)
	left[0].State, left[0].Detail = audit.NoticeSuppressed, "left behind"
	must(t, s.Release(t.Context(), left))
	left, err = s.Forming(t.Context(), "")
	must(t, err)
	same(t, "left behind after that", len(left), 0)
}
