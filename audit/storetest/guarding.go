package storetest

import (
	"fmt"
	"testing"
	"time"

	"mailaudit/audit"
)

// atHost is a result of an account that no provider of the catalog owns.
func atHost(run audit.Run, id, host string, v audit.Verdict) audit.Recorded {
	r := result(run, id, v)
	r.Provider, r.Host = audit.ProviderOther, host
	return r
}

func testTallies(t *testing.T, s audit.Store) {
	one := startRun(t, s, "one", night)
	record(t, s, one, result(one, "a", audit.Compliant), result(one, "b", audit.Revoked), atHost(one, "c", "h1", audit.Unproven))
	settle(t, s, one)
	finish(t, s, one)

	two := startRun(t, s, "two", night.Add(24*time.Hour))
	silent := func(run audit.Run, id, host string) audit.Recorded {
		r := atHost(run, id, host, audit.Unverified)
		r.Class = "temporary"
		return r
	}
	record(t, s, two, result(two, "a", audit.Revoked), result(two, "b", audit.Revoked),
		atHost(two, "c", "h1", audit.Invalid), atHost(two, "d", "h1", audit.Invalid), atHost(two, "e", "h1", audit.Unproven), silent(two, "f", "h2"))
	got, err := s.Tallies(t.Context(), two)
	must(t, err)
	c, d, e, f := audit.Count{Accounts: 1, NewlyFailing: 1, Answering: 1}, audit.Count{Accounts: 1, NewlyFailing: 1}, audit.Count{Accounts: 1}, audit.Count{Accounts: 1}
	same(t, "tallies", got, map[string]audit.Tally{
		"google": {Count: audit.Count{Accounts: 2, NewlyFailing: 1, Answering: 2}, Tenants: map[string]audit.Count{
			"t-a": {Accounts: 1, NewlyFailing: 1, Answering: 1}, "t-b": {Accounts: 1, Answering: 1},
		}},
		"other": {
			Count:   audit.Count{Accounts: 4, NewlyFailing: 2, Answering: 1},
			Tenants: map[string]audit.Count{"t-c": c, "t-d": d, "t-e": e, "t-f": f},
			Hosts: map[string]audit.HostTally{
				"h1": {Count: audit.Count{Accounts: 3, NewlyFailing: 2, Answering: 1}, Tenants: map[string]audit.Count{"t-c": c, "t-d": d, "t-e": e}},
				"h2": {Count: audit.Count{Accounts: 1}, First: true, Tenants: map[string]audit.Count{"t-f": f}},
			},
		},
	})
	settle(t, s, two)
	finish(t, s, two)

	// A narrowed run of the same night sees what the others of its provider came to.
	three, _, err := s.StartRun(t.Context(), audit.Run{
		Key: "three", StartedAt: two.StartedAt.Add(time.Hour), Deadline: two.Deadline, Scope: audit.Scope{Limit: 1},
	})
	must(t, err)
	must(t, s.Plan(t.Context(), "three", "", "", nil, 0, true))
	record(t, s, three, result(three, "b", audit.Revoked))
	got, err = s.Tallies(t.Context(), three)
	must(t, err)
	same(t, "tally of a narrowed run", got["google"], audit.Tally{
		Count: audit.Count{Accounts: 1, Answering: 1}, Beside: audit.Beside{Accounts: 1, NewlyFailing: 1},
		Tenants: map[string]audit.Count{"t-a": {Accounts: 1, NewlyFailing: 1}, "t-b": {Accounts: 1, Answering: 1}},
	})
	settle(t, s, three)
	finish(t, s, three)

	// Who loses his answer counts for three nights; from the fourth on he is on the standing list.
	for n := 2; n <= 5; n++ {
		run := startRun(t, s, fmt.Sprintf("night %d", n), night.Add(time.Duration(n)*24*time.Hour))
		record(t, s, run, silent(run, "c", "h1"), atHost(run, "d", "h1", audit.Unproven), silent(run, "f", "h2"))
		got, err := s.Tallies(t.Context(), run)
		must(t, err)
		want := audit.Count{Accounts: 3, Answering: 2, Lost: 1}
		if n == 5 {
			want.Answering, want.Lost = 1, 0
		}
		same(t, run.Key, got["other"].Count, want)
		settle(t, s, run)
		finish(t, s, run)
	}
}

func testKnownStates(t *testing.T, s audit.Store) {
	old := startRun(t, s, "old", night)
	record(t, s, old, result(old, "a", audit.Compliant), result(old, "b", audit.Unverified))
	settle(t, s, old)
	quiet := result(old, "a", audit.Compliant)
	run := startRun(t, s, "run", night.Add(24*time.Hour))
	quiet.RunKey, quiet.Quiet = run.Key, true
	record(t, s, run, quiet)
	settle(t, s, run)
	known := func(what string, r audit.Run, want int) {
		t.Helper()
		n, err := s.KnownStates(t.Context(), r)
		must(t, err)
		same(t, what, n, want)
	}
	known("states of the last run and who left in it", run, 2)
	must(t, s.Note(t.Context(), run, []audit.Finding{{AccountID: "nobody", Verdict: audit.Unverified}}))
	known("who has no state is not known by a note", run, 2)
	finish(t, s, run)
	next := startRun(t, s, "next", night.Add(48*time.Hour))
	record(t, s, next, result(next, "b", audit.Compliant))
	must(t, s.Conclude(t.Context(), next.Key))
	must(t, s.Note(t.Context(), next, []audit.Finding{{AccountID: "a", Verdict: audit.Unverified}}))
	known("whose result could not be stored is known by the note", next, 2)
	known("of a later run", run, 2)
	later := run
	later.Key, later.Seq = "later", next.Seq+1
	known("states of a run that they know nothing of", later, 0)
}

func testBouncedSince(t *testing.T, s audit.Store) {
	for i, address := range []string{"Old@example.com", "a@example.com", "b@example.com"} {
		must(t, s.Bounced(t.Context(), address, "550", night.Add(time.Duration(i)*time.Hour)))
	}
	got, err := s.BouncedSince(t.Context(), night.Add(time.Hour), 10)
	must(t, err)
	b := audit.Bounce{Address: "b@example.com", At: night.Add(2 * time.Hour)}
	same(t, "bounces, newest first", got, []audit.Bounce{b, {Address: "a@example.com", At: night.Add(time.Hour)}})
	got, err = s.BouncedSince(t.Context(), night, 1)
	must(t, err)
	same(t, "the newest alone", got, []audit.Bounce{b})
}

// What a person discarded is remembered with the finding that it was about.
func testDiscarded(t *testing.T, s audit.Store) {
	run, all := outbox(t, s, "k", night, audit.NoticeHeld, draft("a", audit.KindFinding, 1, night))
	must(t, s.Withdraw(t.Context(), all[0].ID, "discarded by maria"))
	mailing, err := s.Mailing(t.Context(), []string{"a"}, night.Add(-time.Hour))
	must(t, err)
	same(t, "mailing", mailing["a"], audit.Mailing{Discarded: run.StartedAt})
	for _, h := range []audit.Hold{{Provider: "google", State: audit.HoldDiscarded}, {Provider: "yahoo", State: audit.HoldReleased}, {Provider: "gmx"}} {
		h.RunKey, h.OpenedAt = run.Key, run.StartedAt
		_, err := s.PutHold(t.Context(), h)
		must(t, err)
		if h.State != "" {
			h.DecidedAt = night.Add(time.Hour)
			must(t, s.DecideHold(t.Context(), h, nil, "no", night))
		}
	}
	holds, err := s.DiscardedHolds(t.Context())
	must(t, err)
	same(t, "discarded holds", holds, []audit.Hold{{RunKey: run.Key, Provider: "google", State: audit.HoldDiscarded,
		OpenedAt: run.StartedAt, DecidedAt: night.Add(time.Hour)}})
}

// One notice of a hold may leave; the others stay, and one that is not held any more is left alone.
func testQueueHeld(t *testing.T, s audit.Store) {
	var drafts []audit.Draft
	for _, id := range []string{"a", "b", "c"} {
		d := draft(id, audit.KindFinding, 1, night)
		d.ContactEmail = id + "@example.com"
		drafts = append(drafts, d)
	}
	_, all := outbox(t, s, "k", night, audit.NoticeHeld, drafts...)
	due := night.Add(7 * time.Hour)
	must(t, s.Withdraw(t.Context(), all[1].ID, "no"))
	must(t, s.QueueHeld(t.Context(), all[0].ID, due))
	must(t, s.QueueHeld(t.Context(), all[1].ID, due))
	for i, want := range []audit.NoticeState{audit.NoticeQueued, audit.NoticeSuppressed, audit.NoticeHeld} {
		n, err := s.LoadNotice(t.Context(), all[i].ID)
		must(t, err)
		same(t, "state", n.State, want)
		if want == audit.NoticeQueued {
			same(t, "due", n.DueAt.Equal(due), true)
		}
	}
}
