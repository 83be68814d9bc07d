package storetest

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"mailaudit/audit"
)

// crowd is a night in which so many mails are queued, to one contact of one tenant.
func crowd(t *testing.T, s audit.Store, n int) []audit.Notice {
	t.Helper()
	var drafts []audit.Draft
	for i := range n {
		d := draft(fmt.Sprintf("a%02d", i), audit.KindFinding, 1, night)
		d.Provider = fmt.Sprintf("p%02d", i)
		drafts = append(drafts, d)
	}
	_, all := outbox(t, s, "k", night, audit.NoticeQueued, drafts...)
	return all
}

func testAllowance(t *testing.T, s audit.Store) {
	all := crowd(t, s, 4)
	at := night.Add(time.Hour)
	claim := func(what string, n audit.Notice, within audit.Allowance, granted bool) audit.Claim {
		t.Helper()
		c, err := s.Claim(t.Context(), n.ID, at, within)
		must(t, err)
		same(t, what, c != audit.NoClaim, granted)
		return c
	}
	none := audit.Allowance{}
	claim("nothing is allowed", all[0], none, false)
	send(t, s, all[0].ID, at)
	claim("one was sent", all[1], audit.Allowance{Night: 1, Recipient: 9, Tenant: 9, NightFrom: night, DayFrom: night}, false)
	claim("one was sent to the contact", all[1], audit.Allowance{Night: 9, Recipient: 1, Tenant: 9, NightFrom: night, DayFrom: night}, false)
	claim("one was sent of the tenant", all[1], audit.Allowance{Night: 9, Recipient: 9, Tenant: 1, NightFrom: night, DayFrom: night}, false)
	later := at.Add(time.Minute)
	claim("one was sent before", all[1], audit.Allowance{Night: 1, Recipient: 1, Tenant: 1, NightFrom: later, DayFrom: later}, true)
	c := claim("one is under way, whenever it was claimed", all[2], audit.Allowance{Night: 1, Recipient: 1, Tenant: 1, NightFrom: later, DayFrom: later}, false)
	same(t, "claim", c, audit.NoClaim)
	n, err := s.SentSince(t.Context(), night, audit.SentTo{Recipient: "c@example.com", Tenant: "t"})
	must(t, err)
	same(t, "sent and under way", n, 2)
	must(t, s.Unsent(t.Context(), all[1].ID, 1, audit.NoticeFailed, "550", time.Time{}, at))
	claim("one has failed", all[2], audit.Allowance{Night: 2, Recipient: 2, Tenant: 2, NightFrom: night, DayFrom: night}, true)
}

func testClaimsAtOnce(t *testing.T, s audit.Store) {
	all := crowd(t, s, 12)
	for name, within := range map[string]audit.Allowance{
		"night":     {Night: 3, Recipient: 99, Tenant: 99, NightFrom: night, DayFrom: night},
		"recipient": {Night: 99, Recipient: 3, Tenant: 99, NightFrom: night, DayFrom: night},
		"tenant":    {Night: 99, Recipient: 99, Tenant: 3, NightFrom: night, DayFrom: night},
	} {
		for range 5 {
			var claimed atomic.Int64
			var group errgroup.Group
			begin := make(chan struct{})
			for _, n := range all {
				group.Go(func() error {
					<-begin
					c, err := s.Claim(t.Context(), n.ID, night, within)
					if c != audit.NoClaim {
						claimed.Add(1)
					}
					return err
				})
			}
			close(begin)
			must(t, group.Wait())
			same(t, "claimed within the allowance of the "+name, claimed.Load(), int64(3))
			_, err := s.ReclaimNotices(t.Context(), night.Add(time.Hour))
			must(t, err)
		}
	}
}

// Mails are counted by the mailbox that they end in, however its contact is spelled, and by its domain where it has one of
// its own.
func testAllowanceOfRecipients(t *testing.T, s audit.Store) {
	var drafts []audit.Draft
	for i, contact := range []string{"maria@clinic.example", "m.aria+x@clinic.example", "jose@clinic.example", "maria@gmail.com"} {
		d := draft(fmt.Sprint("a", i), audit.KindFinding, 1, night)
		d.TenantID, d.ContactEmail = fmt.Sprint("t", i), contact
		drafts = append(drafts, d)
	}
	run := startRun(t, s, "k", night)
	for _, d := range drafts {
		record(t, s, run, result(run, d.Item.AccountID, audit.Revoked))
	}
	settle(t, s, run, drafts...)
	forming, err := s.Forming(t.Context(), "k")
	must(t, err)
	ids := map[string]int64{}
	for i := range forming {
		n := &forming[i]
		n.State, n.Recipient = audit.NoticeQueued, audit.Recipient(n.ContactEmail)
		if n.ContactEmail != "maria@gmail.com" {
			n.Domain = "clinic.example"
		}
		ids[n.ContactEmail] = n.ID
	}
	must(t, s.Release(t.Context(), forming))
	finish(t, s, run)
	claim := func(what, contact string, recipient, domain int, granted bool) {
		t.Helper()
		within := plenty
		within.Recipient, within.Domain = recipient, domain
		c, err := s.Claim(t.Context(), ids[contact], night, within)
		must(t, err)
		same(t, what, c != audit.NoClaim, granted)
	}
	claim("the first", "maria@clinic.example", 1, 1, true)
	claim("the same mailbox", "m.aria+x@clinic.example", 1, 9, false)
	claim("the same domain", "jose@clinic.example", 1, 1, false)
	claim("another mailbox of the domain", "jose@clinic.example", 1, 2, true)
	claim("where strangers are", "maria@gmail.com", 1, 0, true)
	for to, want := range map[audit.SentTo]int{
		{Recipient: audit.Recipient("Maria@clinic.example")}: 1, {Domain: "clinic.example"}: 2, {Tenant: "t3"}: 1, {Domain: "gmail.com"}: 0,
	} {
		n, err := s.SentSince(t.Context(), night, to)
		must(t, err)
		same(t, fmt.Sprintf("sent to %+v", to), n, want)
	}
	first, added, err := s.Enqueue(t.Context(), "x", audit.Notice{Kind: audit.KindRecovered, TenantID: "u", ContactEmail: "ma.ria@clinic.example", Provider: "google",
		State: audit.NoticeQueued, CreatedAt: night, Recipient: audit.Recipient("ma.ria@clinic.example"), Domain: "clinic.example"})
	must(t, err)
	same(t, "added", added, true)
	ids["ma.ria@clinic.example"] = first
	claim("one that no run wrote", "ma.ria@clinic.example", 1, 9, false)
	claim("one that no run wrote, within", "ma.ria@clinic.example", 2, 3, true)
}

// testAheadLine: warnings and findings have a cap and a line each, and neither is kept back by the other's. Warnings of
// who answers for the most mailboxes come first, second warnings after all first ones.
func testAheadLine(t *testing.T, s audit.Store) {
	warning := func(id, tenant, contact string, thread int64) audit.Draft {
		d := draft(id, audit.KindAhead, 30, night)
		d.Occasion, d.TenantID, d.ContactEmail, d.Thread = fmt.Sprintf("ahead/x/%d", 30-thread), tenant, contact, thread
		return d
	}
	finding := func(id string) audit.Draft {
		d := draft(id, audit.KindFinding, 1, night)
		d.TenantID, d.ContactEmail = "t-"+id, id+"@example.com"
		return d
	}
	_, all := outbox(t, s, "k", night, audit.NoticeQueued,
		warning("a-again", "ta", "again@example.com", 7), warning("b-solo", "tb", "solo@example.com", 0),
		warning("c-clinic1", "tc", "it@example.com", 0), warning("d-clinic2", "td", "it@example.com", 0), warning("e-clinic3", "te", "it@example.com", 0),
		warning("f-desk", "tf", "desk@example.com", 0), warning("g-desk", "tf", "desk@example.com", 0),
		finding("x"), finding("y"), finding("z"))
	ids := map[string]int64{}
	for _, n := range all {
		ids[n.Items[0].AccountID] = n.ID
	}
	due := func(limit int) (names []string) {
		t.Helper()
		due, err := s.DueNotices(t.Context(), night, limit)
		must(t, err)
		for _, n := range due {
			names = append(names, n.Items[0].AccountID)
		}
		return names
	}
	same(t, "due", due(20), []string{"x", "c-clinic1", "y", "d-clinic2", "z", "e-clinic3", "f-desk", "b-solo", "a-again"})
	same(t, "the first of them", due(4), []string{"x", "c-clinic1", "y", "d-clinic2"})

	within := audit.Allowance{Night: 1, Ahead: 2, Recipient: 9, Tenant: 9, Domain: 9, NightFrom: night, DayFrom: night}
	for _, c := range []struct {
		id      string
		granted bool
	}{{"c-clinic1", true}, {"x", true}, {"y", false}, {"d-clinic2", true}, {"e-clinic3", false}} {
		claim, err := s.Claim(t.Context(), ids[c.id], night, within)
		must(t, err)
		same(t, "claim of "+c.id, claim != audit.NoClaim, c.granted)
	}
	for line, want := range map[audit.Line]int{"": 3, audit.LineFindings: 1, audit.LineAhead: 2} {
		n, err := s.SentSince(t.Context(), night, audit.SentTo{Line: line})
		must(t, err)
		same(t, "sent of line "+string(line), n, want)
	}
}
