package storetest

import (
	"testing"
	"time"

	"mailaudit/audit"
)

func eventOf(kind audit.EventType, id, account string, at time.Time) audit.Event {
	return audit.Event{ID: id, Type: kind, Subject: "account/" + account, AccountID: account, TenantID: "T", Verdict: audit.Revoked, Since: night, Data: `{"a":1}`, At: at}
}

func due(t *testing.T, s audit.Store, at time.Time) (ids []string) {
	t.Helper()
	events, err := s.DueEvents(t.Context(), at, 10)
	must(t, err)
	for _, e := range events {
		ids = append(ids, e.ID)
	}
	return ids
}

// Events of an account leave one after the other, each is written once, and one try at a time holds.
func testEvents(t *testing.T, s audit.Store) {
	at := night
	must(t, s.WriteEvents(t.Context(), []audit.Event{eventOf(audit.EventFailing, "1", "a", at), eventOf(audit.EventFailing, "2", "b", at)}))
	must(t, s.WriteEvents(t.Context(), []audit.Event{eventOf(audit.EventRecovered, "3", "a", at), eventOf(audit.EventFailing, "1", "a", at)}))
	known, err := s.KnownFailing(t.Context(), "", 10)
	must(t, err)
	same(t, "what the product knows", known, []audit.KnownFailing{{AccountID: "b", TenantID: "T", Verdict: audit.Revoked, Since: night}})
	same(t, "due", due(t, s, at), []string{"1", "2"})
	same(t, "due before", due(t, s, at.Add(-time.Second)), []string(nil))

	claim := func(id string, tries int, want bool) {
		t.Helper()
		if got, err := s.ClaimEvent(t.Context(), id, tries, at, at.Add(time.Minute)); err != nil || got != want {
			t.Errorf("claim of %s: %v, %v", id, got, err)
		}
	}
	claim("1", 0, true)
	claim("1", 0, false)
	same(t, "due beside a try", due(t, s, at), []string{"2"})
	same(t, "due after a process that is gone", due(t, s, at.Add(time.Minute)), []string{"1", "2"})
	late := audit.Event{ID: "1", Tries: 0, State: audit.EventDead, DueAt: at}
	must(t, s.EndTry(t.Context(), late))
	must(t, s.EndTry(t.Context(), audit.Event{ID: "1", Tries: 1, State: audit.EventSent, Detail: "204", DueAt: at, SettledAt: at}))
	same(t, "due after the first", due(t, s, at), []string{"2", "3"})
	claim("3", 0, true)
	must(t, s.EndTry(t.Context(), audit.Event{ID: "3", Tries: 1, State: audit.EventDead, Detail: "500", DueAt: at, SettledAt: at}))

	dead, err := s.ListEvents(t.Context(), audit.EventDead, 10)
	must(t, err)
	if len(dead) != 1 || dead[0].ID != "3" || dead[0].Detail != "500" || dead[0].Tries != 1 || !dead[0].SettledAt.Equal(at) || dead[0].Data != `{"a":1}` {
		t.Errorf("dead: %+v", dead)
	}
	later := at.Add(time.Hour)
	if n, err := s.ReplayEvents(t.Context(), nil, later); err != nil || n != 1 {
		t.Errorf("replayed %d, %v", n, err)
	}
	if n, err := s.ReplayEvents(t.Context(), []string{"1", "2"}, later); err != nil || n != 1 {
		t.Errorf("replayed %d by id, %v", n, err)
	}
	same(t, "due after a replay", due(t, s, later), []string{"1", "2"})
	all, err := s.ListEvents(t.Context(), "", 2)
	must(t, err)
	if len(all) != 2 || all[0].ID != "3" || !all[0].TriedFrom.Equal(later) || all[0].State != audit.EventQueued {
		t.Errorf("newest first: %+v", all)
	}
	must(t, s.ForgetKnown(t.Context(), []string{"b"}))
	if known, err := s.KnownFailing(t.Context(), "", 10); err != nil || len(known) != 0 {
		t.Errorf("known after: %v, %v", known, err)
	}
	if _, err := s.Purge(t.Context(), audit.Purge{Tenant: "T", Tombstone: "purged-1"}); err != nil {
		t.Fatal(err)
	}
	same(t, "events of a purged tenant", due(t, s, later), []string(nil))
}

// Holds are found by when they were opened or decided.
func testHoldsSince(t *testing.T, s audit.Store) {
	run := startRun(t, s, "k", night)
	h, err := s.PutHold(t.Context(), audit.Hold{RunKey: run.Key, Provider: "google", Why: "many", OpenedAt: night})
	must(t, err)
	holds, err := s.HoldsSince(t.Context(), night)
	must(t, err)
	if len(holds) != 1 || holds[0].State != audit.HoldOpen || holds[0].Provider != "google" {
		t.Errorf("opened: %+v", holds)
	}
	if none, err := s.HoldsSince(t.Context(), night.Add(time.Second)); err != nil || len(none) != 0 {
		t.Errorf("opened later: %+v, %v", none, err)
	}
	h.State, h.DecidedAt, h.DecidedBy = audit.HoldDiscarded, night.Add(time.Hour), "ann"
	must(t, s.DecideHold(t.Context(), h, nil, "discarded", night))
	if holds, err = s.HoldsSince(t.Context(), night.Add(time.Second)); err != nil || len(holds) != 1 || holds[0].State != audit.HoldDiscarded {
		t.Errorf("decided later: %+v, %v", holds, err)
	}
	if warned, err := s.Warned(t.Context(), night, 10); err != nil || len(warned) != 0 {
		t.Errorf("warned: %+v, %v", warned, err)
	}
}
