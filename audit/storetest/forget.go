package storetest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"mailaudit/audit"
)

// nights runs one night a day; verdicts has, by account, a letter for each night: r(evoked), c(ompliant),
// u(nverified), or a blank where the source does not have it.
func nights(t *testing.T, s audit.Store, verdicts map[string]string) []audit.Run {
	t.Helper()
	var runs []audit.Run
	letters := map[byte]audit.Verdict{'r': audit.Revoked, 'c': audit.Compliant, 'u': audit.Unverified}
	for n := range len(verdicts["a"]) {
		run := startRun(t, s, fmt.Sprintf("night-%d", n+1), night.AddDate(0, 0, n))
		var drafts []audit.Draft
		for id, row := range verdicts {
			if row[n] == ' ' {
				continue
			}
			record(t, s, run, result(run, id, letters[row[n]]))
			if row[n] == 'r' && (n == 0 || row[n-1] != 'r') {
				d := draft(id, audit.KindFinding, 1, run.StartedAt)
				d.TenantID, d.ContactEmail = "t-"+id, id+"@contact.example"
				drafts = append(drafts, d)
			}
		}
		settle(t, s, run, drafts...)
		forming, err := s.Forming(t.Context(), run.Key)
		must(t, err)
		for i := range forming {
			forming[i].State = audit.NoticeShadowed
		}
		must(t, s.Release(t.Context(), forming))
		finish(t, s, run)
		runs = append(runs, run)
	}
	return runs
}

// expireAll expires row by row, as a store with much to take away does, and returns the runs that went.
func expireAll(t *testing.T, s audit.Store, before time.Time) (gone []string) {
	t.Helper()
	for range 200 {
		e, err := s.DiscardOld(t.Context(), before, 1)
		must(t, err)
		if e.Run != "" {
			gone = append(gone, e.Run)
		}
		if !e.More {
			return gone
		}
	}
	t.Fatal("expiring does not end")
	return nil
}

func testExpire(t *testing.T, s audit.Store) {
	runs := nights(t, s, map[string]string{"a": "crcrrr", "b": "cccccc", "c": "cc    ", "d": "uuuucc", "e": "r rrrr", "f": "rrrrrr"})
	before := map[string]map[string]string{}
	for _, r := range runs[3:] {
		before[r.Key] = findings(t, s, r)
	}
	must(t, s.Act(t.Context(), audit.Action{At: night, Who: "old"}))
	must(t, s.Act(t.Context(), audit.Action{At: night.AddDate(0, 0, 4), Who: "new"}))
	must(t, s.Bounced(t.Context(), "old@x.example", "550", night))
	same(t, "runs that went", expireAll(t, s, runs[3].StartedAt), []string{"night-1", "night-2", "night-3"})
	for _, r := range runs[3:] {
		same(t, "findings of "+r.Key, findings(t, s, r), before[r.Key])
	}
	for id, want := range map[string][]int64{"a": {4}, "b": {1}, "c": nil, "d": {5}, "e": {3}, "f": {1}} {
		h, err := s.History(t.Context(), id)
		must(t, err)
		var seqs []int64
		for _, c := range h.Changes {
			seqs = append(seqs, c.Seq)
		}
		same(t, "history of "+id, seqs, want)
	}
	states, err := s.LoadStates(t.Context(), []string{"b", "c"})
	must(t, err)
	if _, known := states["c"]; known || len(states) != 1 {
		t.Errorf("states %v, want that of b alone", states)
	}
	actions, err := s.Actions(t.Context(), night.AddDate(-1, 0, 0), night.AddDate(1, 0, 0))
	must(t, err)
	if len(actions) != 1 || actions[0].Who != "new" {
		t.Errorf("actions %v", actions)
	}
	bounces, err := s.Bounces(t.Context(), []string{"old@x.example"})
	must(t, err)
	same(t, "bounces", bounces, map[string]string{})
	mails, err := s.ListNotices(t.Context(), "", "", 100)
	must(t, err)
	// f's first mail is old, and its customer was told nothing since.
	var left []string
	for _, m := range mails {
		left = append(left, m.RunKey+" "+m.ContactEmail)
	}
	same(t, "mails", left, []string{"night-4 a@contact.example", "night-3 e@contact.example", "night-1 f@contact.example"})

	same(t, "runs that went at last", expireAll(t, s, night.AddDate(10, 0, 0)), []string{"night-4", "night-5"})
	same(t, "the last night", findings(t, s, runs[5]), before["night-6"])
}

func testExpireHeld(t *testing.T, s audit.Store) {
	runs := nights(t, s, map[string]string{"a": "rrr"})
	_, err := s.PutHold(t.Context(), audit.Hold{RunKey: "night-1", Provider: "google", Why: "why", OpenedAt: night})
	must(t, err)
	same(t, "runs that went", expireAll(t, s, night.AddDate(1, 0, 0)), []string{"night-2"})
	must(t, s.DecideHold(t.Context(), audit.Hold{RunKey: "night-1", Provider: "google"}, nil, "no", runs[2].StartedAt))
	same(t, "runs that went then", expireAll(t, s, night.AddDate(1, 0, 0)), []string{"night-1"})
}

func testExpireWaiting(t *testing.T, s audit.Store) {
	_, all := outbox(t, s, "waits", night, audit.NoticeHeld, draft("a", audit.KindFinding, 1, night))
	next := startRun(t, s, "next", night.AddDate(0, 0, 1))
	settle(t, s, next)
	finish(t, s, next)
	same(t, "runs that went", expireAll(t, s, night.AddDate(1, 0, 0)), []string(nil))
	must(t, s.Withdraw(t.Context(), all[0].ID, "no"))
	same(t, "runs that went then", expireAll(t, s, night.AddDate(1, 0, 0)), []string{"waits"})
}

func testPurge(t *testing.T, s audit.Store) {
	put(t, s, account("a"), account("b"))
	runs := nights(t, s, map[string]string{"a": "crcrr", "b": "crrrr", "c": "uuucc", "d": "uuuuu", "e": "r    "})
	must(t, s.PutSnooze(t.Context(), audit.Snooze{TenantID: "t-a", Until: night.AddDate(1, 0, 0), By: "x"}))
	must(t, s.Bounced(t.Context(), "a@contact.example", "550", night))
	must(t, s.Bounced(t.Context(), "b@contact.example", "550", night))
	must(t, s.Act(t.Context(), audit.Action{At: night, Who: "w", What: "notices bounced", Target: "a@contact.example", Why: "550 a@contact.example"}))
	before := make([]map[string]int, len(runs))
	for i, r := range runs {
		before[i] = countFindings(t, s, r)
	}
	for tenant, want := range map[string]int64{"t-a": 1, "t-d": 1, "t-e": 1, "nobody": 0} {
		from, err := s.TenantFrom(t.Context(), tenant)
		must(t, err)
		same(t, "first run of "+tenant, from, want)
	}
	for i, tenant := range []string{"t-a", "t-c", "t-d", "t-e", "nobody"} {
		done, err := s.Purge(t.Context(), audit.Purge{Tenant: tenant, Tombstone: audit.NewTombstone(night.Add(time.Duration(i) * time.Second))})
		must(t, err)
		same(t, "purged of "+tenant, done, []audit.Purged{{Accounts: 1, Notices: 2}, {Accounts: 1}, {Accounts: 1}, {Accounts: 1, Notices: 1}, {}}[i])
	}
	for i, r := range runs {
		same(t, "numbers of "+r.Key, countFindings(t, s, r), before[i])
		must(t, s.Findings(t.Context(), concluding(r), func(f audit.Finding) error {
			text := fmt.Sprintf("%+v", f)
			for _, id := range []string{"a", "c", "d", "e"} {
				for _, trace := range []string{"t-" + id, "Clinic " + id, id + "@example.com"} {
					if strings.Contains(text, trace) {
						t.Errorf("%s still tells %q: %s", r.Key, trace, text)
					}
				}
			}
			return nil
		}))
	}
	for _, id := range []string{"a", "c", "d", "e"} {
		h, err := s.History(t.Context(), id)
		must(t, err)
		if len(h.Changes)+len(h.Notes)+len(h.Notices) > 0 || state(t, s, id).AccountID != "" {
			t.Errorf("%s is still there: %+v", id, h)
		}
	}
	left, err := s.AccountsByID(t.Context(), []string{"a", "b"})
	must(t, err)
	if len(left) != 1 || left[0].ID != "b" {
		t.Errorf("accounts left: %v", left)
	}
	bounces, err := s.Bounces(t.Context(), []string{"a@contact.example", "b@contact.example"})
	must(t, err)
	same(t, "bounces", bounces, map[string]string{"b@contact.example": "550"})
	snoozes, err := s.Snoozes(t.Context())
	must(t, err)
	same(t, "snoozes", len(snoozes), 0)
	actions, err := s.Actions(t.Context(), night.AddDate(-1, 0, 0), night.AddDate(1, 0, 0))
	must(t, err)
	if strings.Contains(fmt.Sprint(actions), "@contact") {
		t.Errorf("an action still names the contact: %v", actions)
	}

	// The next night does not meet the tombstones, so they leave.
	next := startRun(t, s, "next", night.AddDate(0, 0, 9))
	record(t, s, next, result(next, "b", audit.Revoked))
	settle(t, s, next)
	same(t, "the next night", findings(t, s, next), map[string]string{"b": "revoked<revoked since 2026-11-24"})
	finish(t, s, next)
}

// countFindings counts a run's findings by what a report counts.
func countFindings(t *testing.T, s audit.Store, run audit.Run) map[string]int {
	t.Helper()
	counts := map[string]int{}
	must(t, s.Findings(t.Context(), concluding(run), func(f audit.Finding) error {
		counts[fmt.Sprintf("%s %s<%s %s %s %v %s", f.Provider, f.Verdict, f.Previous, f.TwoFactor, f.Rule, f.Since.Format(time.DateOnly), f.Notice)]++
		return nil
	}))
	return counts
}

func testPurgeHalfway(t *testing.T, s audit.Store) {
	nights(t, s, map[string]string{"a": "cr"})
	run := startRun(t, s, "open", night.AddDate(0, 0, 3))
	p := audit.Purge{Tenant: "t-a", Tombstone: audit.NewTombstone(night)}
	if _, err := s.Purge(t.Context(), p); !errors.Is(err, audit.ErrRunOpen) {
		t.Errorf("purge while a run is open: %v, want ErrRunOpen", err)
	}
	settle(t, s, run)
	finish(t, s, run)
	_, err := s.Purge(t.Context(), p)
	must(t, err)
}

// testPurgeQueued: what waits for a purged tenant never leaves, not even with a process that has claimed it.
func testPurgeQueued(t *testing.T, s audit.Store) {
	_, all := outbox(t, s, "k", night, audit.NoticeQueued, draft("a", audit.KindFinding, 1, night))
	claim, err := s.Claim(t.Context(), all[0].ID, night, plenty)
	must(t, err)
	_, err = s.Purge(t.Context(), audit.Purge{Tenant: "t", Tombstone: audit.NewTombstone(night)})
	must(t, err)
	if err := s.HandOver(t.Context(), all[0].ID, claim, "<m@x>", night); !errors.Is(err, audit.ErrMoved) {
		t.Errorf("hand over after the purge: %v, want ErrMoved", err)
	}
	n, err := s.LoadNotice(t.Context(), all[0].ID)
	must(t, err)
	if n.State != audit.NoticeSuppressed || n.Detail != audit.PurgedDetail || n.ContactEmail == "c@example.com" {
		t.Errorf("after the purge: %+v", n)
	}
}

// testPurgeMoved: an account that moved to another tenant stays that one's.
func testPurgeMoved(t *testing.T, s audit.Store) {
	runs := nights(t, s, map[string]string{"a": "cr"})
	third := startRun(t, s, "third", night.AddDate(0, 0, 2))
	moved := result(third, "a", audit.Compliant)
	moved.TenantID, moved.TenantName = "u", "Clinic U"
	record(t, s, third, moved)
	settle(t, s, third)
	finish(t, s, third)
	_, err := s.Purge(t.Context(), audit.Purge{Tenant: "t-a", Tombstone: audit.NewTombstone(night)})
	must(t, err)
	same(t, "the second night", findings(t, s, runs[1]), map[string]string{"a": "revoked<compliant since 2026-11-24"})
	same(t, "the third night", findings(t, s, third), map[string]string{"a": "compliant<revoked since 2026-11-25"})
	same(t, "tenant now", state(t, s, "a").TenantID, "u")
}
