package storetest

import (
	"testing"
	"time"

	"mailaudit/audit"
	"mailaudit/providers"
)

// testAhead: whom a change concerns is told once on each occasion, and not while a warning is on its way.
func testAhead(t *testing.T, s audit.Store) {
	change := providers.Change{ID: "the-end", Provider: "google", Brands: []string{"gmail"}, Day: night.AddDate(0, 0, 30)}
	run := startRun(t, s, "n1", night)
	var results []audit.Recorded
	for id, is := range map[string]struct {
		verdict   audit.Verdict
		mechanism string
		brand     string
	}{
		"a": {audit.Compliant, "PLAIN", "gmail"}, "b": {audit.SingleFactor, "LOGIN", "gmail"},
		"c": {audit.Revoked, "PLAIN", "gmail"}, "d": {audit.Compliant, "XOAUTH2", "gmail"},
		"e": {audit.Unverified, "", "gmail"}, "f": {audit.Compliant, "PLAIN", "workspace"},
	} {
		r := result(run, id, is.verdict)
		r.Mechanism, r.Brand = is.mechanism, is.brand
		results = append(results, r)
	}
	record(t, s, run, results...)
	settle(t, s, run)
	n, err := s.CountConcerned(t.Context(), run, change)
	must(t, err)
	same(t, "concerned", n, 2)

	warn := func(run audit.Run, days int, shadow bool) map[string]int64 {
		t.Helper()
		got := map[string]int64{}
		after := ""
		for {
			page, err := s.Unwarned(t.Context(), run, audit.Warning{Change: change, Days: days}, shadow, after, 1)
			must(t, err)
			if len(page) == 0 {
				return got
			}
			after = page[0].AccountID
			got[after] = page[0].Thread
		}
	}
	draft := func(id string, days int) audit.Draft {
		return audit.Draft{Kind: audit.KindAhead, Occasion: audit.Warning{Change: change, Days: days}.Occasion(), TenantID: "t-" + id,
			ContactEmail: id + "@owner.example", Provider: "google", Item: audit.NoticeItem{AccountID: id, Verdict: audit.Compliant, Since: night, Step: days}}
	}
	same(t, "to be warned", warn(run, 30, false), map[string]int64{"a": 0, "b": 0})
	must(t, s.Draft(t.Context(), run, []audit.Draft{draft("a", 30), draft("b", 30)}))
	must(t, s.Draft(t.Context(), run, []audit.Draft{draft("a", 30), draft("b", 30)}))
	same(t, "to be warned again while the warning is on its way", warn(run, 7, false), map[string]int64{})

	forming, err := s.Forming(t.Context(), "n1")
	must(t, err)
	same(t, "mails", len(forming), 2)
	for i := range forming {
		same(t, "kind", forming[i].Kind, audit.KindAhead)
		forming[i].State = audit.NoticeQueued
		if forming[i].Items[0].AccountID == "b" {
			forming[i].State = audit.NoticeShadowed
		}
	}
	must(t, s.Release(t.Context(), forming))
	for _, f := range forming {
		if f.State != audit.NoticeQueued {
			continue
		}
		claim, err := s.Claim(t.Context(), f.ID, night, plenty)
		must(t, err)
		must(t, s.HandOver(t.Context(), f.ID, claim, "<x@y>", night))
		must(t, s.Sent(t.Context(), f.ID, claim, night, ""))
		same(t, "who is to be warned a second time", warn(run, 7, true), map[string]int64{"a": f.ID, "b": 0})
	}
	same(t, "who was warned in shadow alone", warn(run, 30, false), map[string]int64{"b": 0})
	same(t, "and in shadow mode", warn(run, 30, true), map[string]int64{})

	// A warning is no finding: nobody is told that it works again, and none holds up a finding.
	if st := state(t, s, "a"); st.Told.Step != 0 {
		t.Errorf("told: %+v", st.Told)
	}
	mailing, err := s.Mailing(t.Context(), []string{"a"}, night.Add(-time.Hour))
	must(t, err)
	same(t, "mailing", mailing["a"], audit.Mailing{Lately: 1})

	finish(t, s, run)
	must(t, s.Draft(t.Context(), run, []audit.Draft{draft("f", 30)}))
	if late, err := s.ListNotices(t.Context(), "n1", "", 10); err != nil || len(late) != 2 {
		t.Errorf("%d notices after the end, %v", len(late), err)
	}
}
