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
	n, err := s.SentSince(t.Context(), night, "c@example.com", "t")
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
