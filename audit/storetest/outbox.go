package storetest

import (
	"errors"
	"testing"
	"time"

	"mailaudit/audit"
)

func draft(id string, kind audit.NoticeKind, step int, since time.Time) audit.Draft {
	return audit.Draft{
		Kind: kind, TenantID: "t", ContactEmail: "c@example.com", Provider: "google",
		Item: audit.NoticeItem{AccountID: id, Verdict: audit.Revoked, Since: since, Step: step},
	}
}

// outbox runs a night in which the drafts' accounts are revoked, and returns its mails, released with state.
func outbox(t *testing.T, s audit.Store, key string, at time.Time, st audit.NoticeState, drafts ...audit.Draft) (audit.Run, []audit.Notice) {
	t.Helper()
	run := startRun(t, s, key, at)
	for _, d := range drafts {
		record(t, s, run, result(run, d.Item.AccountID, audit.Revoked))
	}
	settle(t, s, run, drafts...)
	forming, err := s.Forming(t.Context(), key)
	must(t, err)
	for i := range forming {
		forming[i].State = st
	}
	must(t, s.Release(t.Context(), forming))
	finish(t, s, run)
	all, err := s.ListNotices(t.Context(), key, "", 100)
	must(t, err)
	return run, all
}

func testDrafts(t *testing.T, s audit.Store) {
	other := draft("d", audit.KindFinding, 1, night)
	other.TenantID = "u"
	back := draft("e", audit.KindRecovered, 0, night)
	reminder := draft("a", audit.KindReminder, 2, night)
	reminder.Thread = 7
	run, all := outbox(t, s, "k", night, audit.NoticeQueued, reminder, draft("b", audit.KindFinding, 1, night), other, back)
	type mail struct {
		Tenant string
		Kind   audit.NoticeKind
		Thread int64
		Items  int
	}
	var got []mail
	for _, n := range all {
		got = append(got, mail{n.TenantID, n.Kind, n.Thread, len(n.Items)})
	}
	same(t, "mails, newest first", got, []mail{{"t", audit.KindRecovered, 0, 1}, {"u", audit.KindFinding, 0, 1}, {"t", audit.KindFinding, 7, 2}})
	must(t, s.Settle(t.Context(), run, nil, []audit.Draft{reminder, other}))
	again, err := s.ListNotices(t.Context(), "k", "", 100)
	must(t, err)
	same(t, "mails after settling again", again, all)
	late := draft("a", audit.KindFinding, 1, night)
	late.ContactEmail = "late@example.com"
	must(t, s.Settle(t.Context(), run, []audit.Settlement{{State: state(t, s, "a")}}, []audit.Draft{late}))
	again, err = s.ListNotices(t.Context(), "k", "", 100)
	must(t, err)
	same(t, "mails after a late settlement", again, all)
	mailing, err := s.Mailing(t.Context(), []string{"a", "z"}, night.Add(-time.Hour))
	must(t, err)
	same(t, "mailing", mailing, map[string]audit.Mailing{"a": {Lately: 1, Pending: true}})
}

func testNotice(t *testing.T, s audit.Store) {
	_, all := outbox(t, s, "k", night, audit.NoticeQueued, draft("a", audit.KindFinding, 1, night), draft("b", audit.KindFinding, 1, night))
	id, at := all[0].ID, night.Add(9*time.Hour)
	claim, err := s.Claim(t.Context(), id, at, plenty)
	must(t, err)
	second, err := s.Claim(t.Context(), id, at, plenty)
	must(t, err)
	same(t, "claims", []audit.Claim{claim, second}, []audit.Claim{1, audit.NoClaim})
	must(t, s.Narrow(t.Context(), id, claim, []string{"a"}))
	must(t, s.HandOver(t.Context(), id, claim, "<m@x>", at))
	must(t, s.Sent(t.Context(), id, claim, at, "250 ok"))
	n, err := s.LoadNotice(t.Context(), id)
	must(t, err)
	same(t, "notice", []any{n.State, n.SentAt, n.Tries, n.MessageID, len(n.Items)}, []any{audit.NoticeSent, at, 1, "<m@x>", 1})
	same(t, "told", state(t, s, "a").Told, audit.Told{Step: 1, Verdict: audit.Revoked, FirstAt: at, At: at, NoticeID: id})
	same(t, "who was left out is not told", state(t, s, "b").Told, audit.Told{})
	counts, err := s.CountNotices(t.Context(), "k")
	must(t, err)
	same(t, "counts", counts, map[audit.NoticeState]int{audit.NoticeSent: 1})
	for _, c := range []struct {
		contact, tenant string
		since           time.Time
		want            int
	}{{"", "", at, 1}, {"c@example.com", "t", at, 1}, {"d@example.com", "", at, 0}, {"", "u", at, 0}, {"", "", at.Add(1e6), 0}} {
		got, err := s.SentSince(t.Context(), c.since, audit.SentTo{Recipient: c.contact, Tenant: c.tenant})
		must(t, err)
		same(t, "sent to "+c.contact+c.tenant, got, c.want)
	}

	reminder := draft("a", audit.KindReminder, 2, night)
	_, all = outbox(t, s, "l", night.AddDate(0, 0, 3), audit.NoticeQueued, reminder)
	send(t, s, all[0].ID, at.AddDate(0, 0, 3))
	same(t, "reminded", state(t, s, "a").Told, audit.Told{
		Step: 2, Verdict: audit.Revoked, FirstAt: at, At: at.AddDate(0, 0, 3), NoticeID: id,
	})
	_, all = outbox(t, s, "m", night.AddDate(0, 0, 4), audit.NoticeQueued, draft("a", audit.KindRecovered, 0, night))
	send(t, s, all[0].ID, at.AddDate(0, 0, 4))
	same(t, "the story has ended", state(t, s, "a").Told, audit.Told{At: at.AddDate(0, 0, 4)})
}

func send(t *testing.T, s audit.Store, id int64, at time.Time) {
	t.Helper()
	claim, err := s.Claim(t.Context(), id, at, plenty)
	must(t, err)
	must(t, s.HandOver(t.Context(), id, claim, "<m@x>", at))
	must(t, s.Sent(t.Context(), id, claim, at, ""))
}

func moved(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, audit.ErrMoved) {
		t.Errorf("%s: %v, want ErrMoved", what, err)
	}
}

// A held or queued notice is narrowed without a claim, one that is being sent with its claim, and no other at all.
func testNarrow(t *testing.T, s audit.Store) {
	at := night
	reach := map[string]func(id int64) audit.Claim{ // the claim that the notice was last sent with
		"sending": func(id int64) audit.Claim {
			claim, err := s.Claim(t.Context(), id, at, plenty)
			must(t, err)
			return claim
		},
	}
	reach["ambiguous"] = func(id int64) audit.Claim {
		claim := reach["sending"](id)
		must(t, s.HandOver(t.Context(), id, claim, "<m@x>", at))
		return claim
	}
	reach["sent"] = func(id int64) audit.Claim {
		claim := reach["ambiguous"](id)
		must(t, s.Sent(t.Context(), id, claim, at, ""))
		return claim
	}
	reach["queued again"] = func(id int64) audit.Claim {
		claim := reach["sending"](id)
		must(t, s.Unsent(t.Context(), id, claim, audit.NoticeQueued, "451 later", at, at))
		return claim
	}
	for _, c := range []struct {
		state audit.NoticeState // as released
		then  string
		free  bool // narrowed with NoClaim
		ours  bool // narrowed with its claim
	}{
		{state: audit.NoticeHeld, free: true},
		{state: audit.NoticeQueued, then: "sending", ours: true},
		{state: audit.NoticeForming},
		{state: audit.NoticeQueued, free: true},
		{state: audit.NoticeQueued, then: "queued again", free: true},
		{state: audit.NoticeQueued, then: "ambiguous"},
		{state: audit.NoticeQueued, then: "sent"},
		{state: audit.NoticeShadowed},
		{state: audit.NoticeSuppressed},
		{state: audit.NoticeFailed},
	} {
		name := string(c.state) + " " + c.then
		at = at.AddDate(0, 0, 1)
		_, all := outbox(t, s, name, at, c.state, draft("a", audit.KindFinding, 1, at), draft("b", audit.KindFinding, 1, at))
		id, claim := all[0].ID, audit.Claim(1)
		if c.then != "" {
			claim = reach[c.then](id)
		}
		for _, try := range []struct {
			what  string
			claim audit.Claim
			may   bool
		}{{"another claim", claim + 1, false}, {"no claim", audit.NoClaim, c.free}, {"its claim", claim, c.ours}} {
			err := s.Narrow(t.Context(), id, try.claim, []string{"b"})
			left := 2
			if try.may {
				must(t, err)
				left = 1
			} else {
				moved(t, name+" narrowed with "+try.what, err)
			}
			n, err := s.LoadNotice(t.Context(), id)
			must(t, err)
			same(t, name+": accounts after narrowing with "+try.what, len(n.Items), left)
			if try.may {
				same(t, name+": what is left", n.Items, []audit.NoticeItem{{AccountID: "b", Verdict: audit.Revoked, Since: at, Step: 1}})
				break
			}
		}
	}
}

// A process that slept for minutes wakes up while another sends its notice: it must let go.
func testReclaim(t *testing.T, s audit.Store) {
	_, all := outbox(t, s, "k", night, audit.NoticeQueued, draft("a", audit.KindFinding, 1, night))
	id, at := all[0].ID, night.Add(time.Hour)
	old, err := s.Claim(t.Context(), id, at, plenty)
	must(t, err)
	reclaim := func(before time.Time) int {
		t.Helper()
		n, err := s.ReclaimNotices(t.Context(), before)
		must(t, err)
		return n
	}
	same(t, "reclaimed while it is worked on", reclaim(at), 0)
	must(t, s.KeepClaims(t.Context(), []int64{id}, at.Add(30*time.Second)))
	must(t, s.KeepClaims(t.Context(), []int64{id + 1}, at.Add(time.Hour)))
	must(t, s.KeepClaims(t.Context(), nil, at.Add(time.Hour)))
	same(t, "reclaimed while its claim is renewed", reclaim(at.Add(20*time.Second)), 0)
	same(t, "reclaimed", reclaim(at.Add(time.Minute)), 1)
	moved(t, "hand over what was queued again", s.HandOver(t.Context(), id, old, "<m@x>", at))
	fresh, err := s.Claim(t.Context(), id, at.Add(2*time.Minute), plenty)
	must(t, err)
	moved(t, "hand over what another has", s.HandOver(t.Context(), id, old, "<m@x>", at))
	must(t, s.Sent(t.Context(), id, old, at, "by the sleeper"))
	must(t, s.Unsent(t.Context(), id, old, audit.NoticeFailed, "by the sleeper", time.Time{}, at))
	n, err := s.LoadNotice(t.Context(), id)
	must(t, err)
	same(t, "state", n.State, audit.NoticeSending)
	same(t, "told", state(t, s, "a").Told, audit.Told{})
	must(t, s.HandOver(t.Context(), id, fresh, "<m@x>", at))
	same(t, "reclaimed after it was handed over", reclaim(at.Add(time.Hour)), 0)
}

// A mail that a passing refusal has put off is not one whose hour has not come yet.
func testPutOff(t *testing.T, s audit.Store) {
	_, all := outbox(t, s, "k", night, audit.NoticeQueued, draft("a", audit.KindFinding, 1, night))
	id, at := all[0].ID, night.Add(time.Hour)
	putOff := func(now time.Time) (ids []int64) {
		t.Helper()
		all, err := s.Deferred(t.Context(), now, 10)
		must(t, err)
		for _, n := range all {
			ids = append(ids, n.ID)
		}
		return ids
	}
	same(t, "put off before it was tried", len(putOff(night.AddDate(0, 0, -1))), 0)
	claim, err := s.Claim(t.Context(), id, at, plenty)
	must(t, err)
	same(t, "put off while it is in hand", len(putOff(night.AddDate(0, 0, -1))), 0)
	must(t, s.Unsent(t.Context(), id, claim, audit.NoticeQueued, "450 later", at.Add(time.Hour), at))
	same(t, "put off", putOff(at), []int64{id})
	same(t, "put off, when the hour has come", len(putOff(at.Add(time.Hour))), 0)
	must(t, s.RetryNow(t.Context(), at))
	same(t, "put off and hastened", len(putOff(at)), 0)
	due, err := s.DueNotices(t.Context(), at, 10)
	must(t, err)
	same(t, "due", len(due), 1)
}

// A notice whose accounts are to be re-checked is not due, and not put off by the relay, until its wait is over or a
// run has concluded.
func testWait(t *testing.T, s audit.Store) {
	_, all := outbox(t, s, "k", night, audit.NoticeQueued, draft("a", audit.KindFinding, 1, night))
	id, at := all[0].ID, night.Add(31*time.Hour)
	until := at.Add(15 * time.Hour)
	wait := func(now, until time.Time) audit.Notice {
		t.Helper()
		must(t, s.Wait(t.Context(), id, "no answer", now, until))
		n, err := s.LoadNotice(t.Context(), id)
		must(t, err)
		return n
	}
	due := func(now time.Time) int {
		t.Helper()
		all, err := s.DueNotices(t.Context(), now, 10)
		must(t, err)
		return len(all)
	}
	n := wait(at, until)
	same(t, "a waiting notice", []any{n.State, n.Detail, n.WaitsSince, n.WaitsUntil, n.DueAt}, []any{audit.NoticeQueued, "no answer", at, until, time.Time{}})
	same(t, "due while it waits, and then", []int{due(until.Add(-time.Microsecond)), due(until)}, []int{0, 1})
	n = wait(at.Add(time.Hour), until.Add(time.Hour))
	same(t, "waiting on", []time.Time{n.WaitsSince, n.WaitsUntil}, []time.Time{at, until.Add(time.Hour)})
	must(t, s.EndWaits(t.Context(), at.Add(2*time.Hour)))
	must(t, s.EndWaits(t.Context(), at.Add(3*time.Hour)))
	same(t, "due before the run's end, and after it", []int{due(at.Add(time.Hour)), due(at.Add(2 * time.Hour))}, []int{0, 1})

	claim, err := s.Claim(t.Context(), id, at.Add(2*time.Hour), plenty)
	must(t, err)
	n = wait(at.Add(2*time.Hour), until)
	same(t, "a claimed notice waits for nothing", []any{n.State, n.WaitsSince, n.WaitsUntil}, []any{audit.NoticeSending, time.Time{}, time.Time{}})
	must(t, s.Unsent(t.Context(), id, claim, audit.NoticeQueued, "450 later", at.Add(3*time.Hour), at))
	n = wait(at.Add(4*time.Hour), until)
	same(t, "waiting anew", n.WaitsSince, at.Add(4*time.Hour))
	putOff, err := s.Deferred(t.Context(), at.Add(4*time.Hour), 10)
	must(t, err)
	same(t, "put off by the relay", len(putOff), 0)
}

func testHandOver(t *testing.T, s audit.Store) {
	_, all := outbox(t, s, "k", night, audit.NoticeQueued, draft("a", audit.KindFinding, 1, night))
	id, at := all[0].ID, night.Add(time.Hour)
	moved(t, "hand over what nobody claimed", s.HandOver(t.Context(), id, audit.NoClaim, "<m@x>", at))
	claim, err := s.Claim(t.Context(), id, at, plenty)
	must(t, err)
	must(t, s.HandOver(t.Context(), id, claim, "<m@x>", at))
	due, err := s.DueNotices(t.Context(), at.AddDate(1, 0, 0), 10)
	must(t, err)
	same(t, "due", len(due), 0)
	same(t, "told", state(t, s, "a").Told.Step, 1)
	must(t, s.Unsent(t.Context(), id, claim, audit.NoticeQueued, "451 later", at.Add(time.Hour), at))
	due, err = s.DueNotices(t.Context(), at, 10)
	must(t, err)
	same(t, "due too early", len(due), 0)
	due, err = s.DueNotices(t.Context(), at.Add(time.Hour), 10)
	must(t, err)
	same(t, "due at its hour", len(due), 1)
	claim, err = s.Claim(t.Context(), id, at.Add(time.Hour), plenty)
	must(t, err)
	must(t, s.Unsent(t.Context(), id, claim, audit.NoticeFailed, "550 no", time.Time{}, at))
	must(t, s.Unsent(t.Context(), id, claim, audit.NoticeQueued, "again", at, at))
	n, err := s.LoadNotice(t.Context(), id)
	must(t, err)
	same(t, "failed is settled", []any{n.State, n.Detail}, []any{audit.NoticeFailed, "550 no"})
}

func testShadowed(t *testing.T, s audit.Store) {
	_, all := outbox(t, s, "k", night, audit.NoticeShadowed, draft("a", audit.KindFinding, 1, night))
	told := state(t, s, "a").Told
	same(t, "told", []any{told.Step, told.Shadow, told.NoticeID}, []any{1, true, all[0].ID})
	n, err := s.SentSince(t.Context(), night, audit.SentTo{})
	must(t, err)
	same(t, "sent", n, 0)
}

// A spell in shadow mode takes nothing away from what a customer was told before it.
func testShadowedAfterTold(t *testing.T, s audit.Store) {
	_, all := outbox(t, s, "k", night, audit.NoticeQueued, draft("a", audit.KindFinding, 1, night))
	at := night.Add(time.Hour)
	claim, err := s.Claim(t.Context(), all[0].ID, at, plenty)
	must(t, err)
	must(t, s.HandOver(t.Context(), all[0].ID, claim, "<m@x>", at))
	must(t, s.Sent(t.Context(), all[0].ID, claim, at, "250"))
	later := night.AddDate(0, 0, 4)
	outbox(t, s, "shadow", later, audit.NoticeShadowed, draft("a", audit.KindReminder, 2, later))
	told := state(t, s, "a").Told
	same(t, "told", []any{told.Step, told.Shadow, told.NoticeID, told.At.Equal(at), told.FirstAt.Equal(at)}, []any{2, false, all[0].ID, true, true})
}

// A mail speaks of an account as it stands when it leaves, and so does the record of it.
func testToldAsItStands(t *testing.T, s audit.Store) {
	_, all := outbox(t, s, "k", night, audit.NoticeQueued, draft("a", audit.KindFinding, 1, night))
	other := startRun(t, s, "l", night.AddDate(0, 0, 1))
	record(t, s, other, result(other, "a", audit.SignInBlocked))
	settle(t, s, other)
	finish(t, s, other)
	at := night.AddDate(0, 0, 1).Add(time.Hour)
	claim, err := s.Claim(t.Context(), all[0].ID, at, plenty)
	must(t, err)
	must(t, s.HandOver(t.Context(), all[0].ID, claim, "<m@x>", at))
	n, err := s.LoadNotice(t.Context(), all[0].ID)
	must(t, err)
	same(t, "verdicts", []audit.Verdict{n.Items[0].Verdict, state(t, s, "a").Told.Verdict}, []audit.Verdict{audit.SignInBlocked, audit.SignInBlocked})
}

func testDueOrder(t *testing.T, s audit.Store) {
	other := draft("b", audit.KindFinding, 1, night.Add(time.Minute))
	other.TenantID = "u"
	_, all := outbox(t, s, "k", night, audit.NoticeQueued, draft("a", audit.KindFinding, 1, night), other)
	due, err := s.DueNotices(t.Context(), night, 10)
	must(t, err)
	same(t, "order", []int64{due[0].ID, due[1].ID}, []int64{all[0].ID, all[1].ID})
	same(t, "newest finding", due[0].TenantID, "u")
}

// Every tenant has one mail before any has a second, the newest finding first; whoever has had mails in this night comes
// behind those who had none.
func testDueIsDealt(t *testing.T, s audit.Store) {
	since := func(id, tenant string, hours int) audit.Draft {
		d := draft(id, audit.KindFinding, 1, night.Add(time.Duration(hours)*time.Hour))
		d.TenantID, d.ContactEmail = tenant, id+"@example.com"
		return d
	}
	_, all := outbox(t, s, "k", night, audit.NoticeQueued, since("a1", "a", 9), since("a2", "a", 8), since("a3", "a", 7),
		since("b1", "b", 1), since("b2", "b", 2), since("c1", "c", 3))
	ids := map[string]int64{}
	for _, n := range all {
		ids[n.Items[0].AccountID] = n.ID
	}
	due := func(now time.Time, limit int) (names []string) {
		t.Helper()
		due, err := s.DueNotices(t.Context(), now, limit)
		must(t, err)
		for _, n := range due {
			names = append(names, n.Items[0].AccountID)
		}
		return names
	}
	same(t, "due", due(night, 10), []string{"a1", "c1", "b2", "a2", "b1", "a3"})
	same(t, "the first of them", due(night, 3), []string{"a1", "c1", "b2"})
	claim, err := s.Claim(t.Context(), ids["a1"], night, plenty)
	must(t, err)
	same(t, "once one is under way", due(night, 10), []string{"c1", "b2", "a2", "b1", "a3"})
	must(t, s.Sent(t.Context(), ids["a1"], claim, night, "250"))
	claim, err = s.Claim(t.Context(), ids["a2"], night, plenty)
	must(t, err)
	must(t, s.Sent(t.Context(), ids["a2"], claim, night, "250"))
	same(t, "once two of one tenant are sent", due(night, 10), []string{"c1", "b2", "b1", "a3"})
	same(t, "in the next night", due(night.Add(24*time.Hour), 10), []string{"a3", "c1", "b2", "b1"})
}
