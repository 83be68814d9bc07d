package storetest

import (
	"fmt"
	"testing"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/decide"
)

// revokedState is the state of account id after a night in which it was revoked.
func revokedState(t *testing.T, s audit.Store, key, id string) audit.State {
	t.Helper()
	run := startRun(t, s, key, night)
	record(t, s, run, result(run, id, audit.Revoked), result(run, id+"-fine", audit.Compliant))
	settle(t, s, run)
	finish(t, s, run)
	return state(t, s, id)
}

func testRemedy(t *testing.T, s audit.Store) {
	st := revokedState(t, s, "k", "a")
	failing, err := s.Failing(t.Context(), "", 10)
	must(t, err)
	same(t, "failing accounts", failing, []audit.State{st})
	if rest, err := s.Failing(t.Context(), "a", 10); err != nil || len(rest) != 0 {
		t.Errorf("failing accounts after the last: %v, %v", rest, err)
	}
	must(t, s.Tried(t.Context(), map[string]string{"a": "print"}))
	st.Tried = "print"
	same(t, "a tried account", state(t, s, "a"), st)
	run, err := s.LoadRun(t.Context(), "k")
	must(t, err)
	before := findings(t, s, run)

	at := night.Add(9 * time.Hour)
	r := result(run, "a", audit.Compliant).Result
	r.Fingerprint, r.At = "new", at
	remedied := decide.Remedy(st, r, at)
	for range 2 {
		ids, err := s.Remedy(t.Context(), []audit.State{remedied})
		must(t, err)
		if len(ids) > 1 || len(ids) == 1 && ids[0] != "a" {
			t.Errorf("mended %v", ids)
		}
	}
	same(t, "the mended account", state(t, s, "a"), remedied)
	if again, err := s.Remedy(t.Context(), []audit.State{remedied}); err != nil || len(again) != 0 {
		t.Errorf("mended again: %v, %v", again, err)
	}
	same(t, "the findings of the night before", findings(t, s, run), before)

	next := startRun(t, s, "next", night.AddDate(0, 0, 1))
	quiet := result(next, "a", audit.Compliant)
	quiet.Quiet = remedied.Quiet(quiet.Result)
	record(t, s, next, quiet)
	if late, err := s.Remedy(t.Context(), []audit.State{remedied}); err != nil || len(late) != 0 {
		t.Errorf("mended late: %v, %v", late, err)
	}
	settle(t, s, next)
	same(t, "the night after", findings(t, s, next)["a"], "compliant<revoked since 2026-11-24")
	same(t, "the findings of the night before, later", findings(t, s, run), before)
	if st := state(t, s, "a"); st.Remedied != "" || !st.RemediedAt.IsZero() || st.Tried != "" {
		t.Errorf("the settled account: %+v", st)
	}
}

// A refusal between two runs renews the evidence, unless the account has another verdict by then.
func testSeenAgain(t *testing.T, s audit.Store) {
	st := revokedState(t, s, "k", "a")
	same(t, "seen by the run", st.SeenAt, night)
	again := st
	again.SeenAt = night.Add(31 * time.Hour)
	must(t, s.SeenAgain(t.Context(), []audit.State{again}))
	same(t, "seen again", state(t, s, "a"), again)
	other := again
	other.SeenAt, other.Settled.Verdict = night.Add(32*time.Hour), audit.SignInBlocked
	older := again
	older.SeenAt, older.SettledSeq = night.Add(33*time.Hour), again.SettledSeq-1
	must(t, s.SeenAgain(t.Context(), []audit.State{other, older}))
	same(t, "seen with another verdict, or before the run that settled it", state(t, s, "a"), again)

	next := startRun(t, s, "next", night.AddDate(0, 0, 2))
	carried := result(next, "a", audit.Revoked)
	carried.Carried = true
	record(t, s, next, carried, result(next, "a-fine", audit.Compliant))
	settle(t, s, next)
	same(t, "after a run that carried it", state(t, s, "a").SeenAt, again.SeenAt)
	last := startRun(t, s, "last", night.AddDate(0, 0, 3))
	record(t, s, last, result(last, "a", audit.Compliant), result(last, "a-fine", audit.Compliant))
	settle(t, s, last)
	same(t, "after it was accepted", state(t, s, "a").SeenAt, time.Time{})
}

func testEnqueue(t *testing.T, s audit.Store) {
	revokedState(t, s, "k", "a")
	at := night.Add(9 * time.Hour)
	n := audit.Notice{
		Kind: audit.KindCorrection, TenantID: "t", ContactEmail: "c@example.com", Provider: "google", State: audit.NoticeQueued,
		DueAt: at, CreatedAt: at, Thread: 7, Items: []audit.NoticeItem{{AccountID: "a", Verdict: audit.Revoked, Since: night}},
	}
	id, added, err := s.Enqueue(t.Context(), "correction of k", n)
	must(t, err)
	twice, addedAgain, err := s.Enqueue(t.Context(), "correction of k", n)
	must(t, err)
	if !added || addedAgain || twice != id {
		t.Errorf("written %v and %v, as %d and %d", added, addedAgain, id, twice)
	}
	other, added, err := s.Enqueue(t.Context(), "another occasion", n)
	must(t, err)
	if !added || other == id {
		t.Errorf("another occasion: written %v as %d", added, other)
	}
	n.ID = id
	got, err := s.LoadNotice(t.Context(), id)
	must(t, err)
	same(t, "the notice", got, n)
	counts, err := s.CountNotices(t.Context(), "k")
	must(t, err)
	same(t, "the run's notices", counts, map[audit.NoticeState]int{})
	mailing, err := s.Mailing(t.Context(), []string{"a"}, night)
	must(t, err)
	same(t, "mailing", mailing["a"], audit.Mailing{Lately: 2, Pending: true, Closing: true})

	later := at.Add(24 * time.Hour)
	must(t, s.Reschedule(t.Context(), id, later))
	if due, err := s.DueNotices(t.Context(), at, 10); err != nil || len(due) != 1 || due[0].ID != other {
		t.Errorf("due: %v, %v", due, err)
	}
	claim, err := s.Claim(t.Context(), other, at, plenty)
	must(t, err)
	must(t, s.Reschedule(t.Context(), other, later))
	must(t, s.Sent(t.Context(), other, claim, at, "250"))
	if got, err := s.LoadNotice(t.Context(), other); err != nil || !got.DueAt.Equal(at) {
		t.Errorf("what is under way was rescheduled: %+v, %v", got, err)
	}
	n.State, n.Items[0].Step = audit.NoticeShadowed, 1
	if _, _, err := s.Enqueue(t.Context(), "in shadow", n); err != nil {
		t.Fatal(err)
	}
	if told := state(t, s, "a").Told; told.Step != 1 || !told.Shadow {
		t.Errorf("told in shadow: %+v", told)
	}
}

func testAccountHistory(t *testing.T, s audit.Store) {
	revokedState(t, s, "k", "a")
	next := startRun(t, s, "next", night.AddDate(0, 0, 1))
	record(t, s, next, result(next, "a", audit.Unverified), result(next, "a-fine", audit.Compliant))
	settle(t, s, next)
	id, _, err := s.Enqueue(t.Context(), "x", audit.Notice{
		Kind: audit.KindRecovered, TenantID: "t", Provider: "google", State: audit.NoticeQueued, CreatedAt: night,
		Items: []audit.NoticeItem{{AccountID: "a", Verdict: audit.Revoked}},
	})
	must(t, err)
	h, err := s.History(t.Context(), "a")
	must(t, err)
	if len(h.Changes) != 1 || h.Changes[0].Verdict != audit.Revoked || h.Changes[0].RunKey != "k" || h.Changes[0].Since != night {
		t.Errorf("changes %+v", h.Changes)
	}
	if len(h.Notes) != 1 || h.Notes["next"].Verdict != audit.Unverified {
		t.Errorf("notes %+v", h.Notes)
	}
	if len(h.Notices) != 1 || h.Notices[0].ID != id {
		t.Errorf("notices %+v", h.Notices)
	}
	if h, err := s.History(t.Context(), "nobody"); err != nil || len(h.Changes)+len(h.Notes)+len(h.Notices) > 0 {
		t.Errorf("the history of nobody: %+v, %v", h, err)
	}
}

func testPastPages(t *testing.T, s audit.Store) {
	first := startRun(t, s, "k", night)
	record(t, s, first, result(first, "a", audit.Revoked), result(first, "b", audit.Compliant))
	settle(t, s, first)
	finish(t, s, first)
	second := startRun(t, s, "l", night.AddDate(0, 0, 1))
	record(t, s, second, result(second, "a", audit.Compliant), result(second, "b", audit.Unverified), result(second, "c", audit.Unverified))
	settle(t, s, second)
	finish(t, s, second)

	var steps []string
	for id, seq := "", int64(0); ; {
		page, err := s.ChangesAfter(t.Context(), id, seq, 1)
		must(t, err)
		if len(page) == 0 {
			break
		}
		id, seq = page[0].AccountID, page[0].Seq
		steps = append(steps, id+" "+page[0].RunKey+" "+string(page[0].Verdict))
	}
	same(t, "steps", fmt.Sprint(steps), "[a k revoked a l compliant b k compliant]")
	var notes []string
	for after := ""; ; {
		page, err := s.NotesAfter(t.Context(), "l", after, 1)
		must(t, err)
		if len(page) == 0 {
			break
		}
		after = page[0].AccountID
		notes = append(notes, after+" "+string(page[0].Verdict))
	}
	same(t, "notes", fmt.Sprint(notes), "[b unverified c unverified]")
}

func testProlong(t *testing.T, s audit.Store) {
	run := startRun(t, s, "k", night)
	must(t, s.Prolong(t.Context(), "k", run.Deadline.Add(time.Hour)))
	must(t, s.Prolong(t.Context(), "k", run.Deadline))
	if got, err := s.LoadRun(t.Context(), "k"); err != nil || !got.Deadline.Equal(run.Deadline.Add(time.Hour)) {
		t.Errorf("deadline %v, %v", got.Deadline, err)
	}
}
