package reporttest

import (
	"context"
	"maps"
	"slices"

	"pgregory.net/rapid"

	"mailaudit/audit"
	"mailaudit/report"
)

// Context is for reports built where no test's context is at hand.
func (Night) Context() context.Context { return context.Background() }

// Drawn is any night: any numbers, any verdicts, any providers, hostile texts everywhere.
func Drawn(t *rapid.T) Night {
	s := store(rapid.IntRange(-1, 100).Draw(t, "open before"))
	text := rapid.OneOf(rapid.SampledFrom(Names), rapid.String())
	verdict := rapid.SampledFrom(audit.Verdicts[:])
	names := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z]{1,12}`), 1, 30, rapid.ID).Draw(t, "providers")
	for range rapid.IntRange(0, 40).Draw(t, "groups") {
		tenant, account, reply := text.Draw(t, "tenant"), text.Draw(t, "account"), text.Draw(t, "reply")
		provider := rapid.SampledFrom(names).Draw(t, "provider")
		unheard := rapid.Bool().Draw(t, "unknown reply")
		s.some(rapid.IntRange(1, 60).Draw(t, "accounts"), provider, verdict.Draw(t, "verdict"), verdict.Draw(t, "previous"), func(f *audit.Finding) {
			f.TenantID, f.TenantName, f.AccountID = tenant, tenant, account+f.AccountID
			if f.Verdict == audit.Unverified && unheard {
				f.Rule, f.Reply, f.Wording = "", reply+Canary, reply
			}
		})
	}
	states := append([]audit.NoticeState{audit.NoticeForming, audit.NoticeSending}, audit.NoticeStates[:]...)
	s.mail(rapid.IntRange(0, 5).Draw(t, "mails"), audit.KindReminder, rapid.SampledFrom(states).Draw(t, "state"), start)
	r := &s.Runs[len(s.Runs)-1]
	switch rapid.SampledFrom([]string{"concluded", "running", "incomplete", "stopped"}).Draw(t, "status") {
	case "concluded":
		s.Conclude()
		for _, name := range slices.Sorted(maps.Keys(r.Numbers.Providers)) {
			p := r.Numbers.Providers[name]
			if p.Held = rapid.Bool().Draw(t, "held "+name); p.Held {
				p.HoldReason = text.Draw(t, "hold reason")
				s.hold(name, p.HoldReason, start)
			}
		}
	case "incomplete":
		r.Status, r.Accounts = audit.RunIncomplete, rapid.IntRange(0, 5000).Draw(t, "planned")
	case "stopped":
		r.Status, r.StopReason = audit.RunStopped, text.Draw(t, "stop reason")
	}
	n := night("drawn", s)
	if rapid.Bool().Draw(t, "faults") {
		for range rapid.IntRange(1, 20).Draw(t, "how many") {
			n.Faults = append(n.Faults, report.Fault{What: text.Draw(t, "fault"), Fix: text.Draw(t, "mend")})
		}
	}
	return n
}
