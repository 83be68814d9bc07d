package decide

import (
	"time"

	"mailaudit/audit"
)

// Settle folds tonight's result into an account's state. It is pure: the same state and run give the same
// settlement, however often a conclusion is begun again.
func Settle(run audit.Run, st audit.State) audit.Settlement {
	reversal := ReversalOf(st)
	st, r := betweenRuns(st)
	out := audit.Settlement{State: st, Reversal: reversal}
	s := &out.State
	s.SettledSeq = run.Seq
	if r.Verdict == audit.Unverified {
		if s.UnverifiedSince.IsZero() {
			s.UnverifiedSince = run.StartedAt
		}
		note := FindingOf(st, r)
		note.Since = s.UnverifiedSince
		out.Note = &note
		return out
	}
	s.UnverifiedSince = time.Time{}
	s.DefiniteAt = run.StartedAt
	s.Fingerprint = r.Fingerprint
	if r.AcceptedFingerprint != "" {
		s.AcceptedFingerprint, s.Binding = r.AcceptedFingerprint, "" // the released version that wrote it knew no binding
	}
	if r.Verdict.Fine() || r.Verdict == audit.SingleFactor {
		s.AcceptedFingerprint, s.Binding = r.Fingerprint, r.Binding
	}
	if s.Binding == "" && s.AcceptedFingerprint == r.Fingerprint {
		s.Binding = r.Binding
	}
	s.SeenAt = seenAt(st, r)
	SettleVerdict(run, r, &s.Settled)
	s.TenantID, s.TenantName, s.Address, s.Provider, s.Brand = r.TenantID, r.TenantName, r.Address, r.Provider, r.Brand
	if changed(st, *s) {
		out.Change = &audit.Change{
			AccountID: st.AccountID, RunKey: run.Key, Seq: run.Seq,
			TenantID: r.TenantID, TenantName: r.TenantName, Address: r.Address, Provider: r.Provider,
			Settled: s.Settled, Previous: st.Settled.Verdict,
		}
	}
	if r.Carried || !run.Scope.Whole() || reversal != nil {
		note := FindingOf(st, r)
		note.Since, note.Reversal = s.Since, reversal
		out.Note = &note
	}
	return out
}

// SettleVerdict folds one run's verdict into what holds of the account, counting nights at least [audit.NightsApart] apart.
func SettleVerdict(run audit.Run, r audit.Result, s *audit.Settled) {
	if s.Verdict != r.Verdict {
		*s = audit.Settled{Verdict: r.Verdict, Since: run.StartedAt}
	}
	if s.Nights == 0 || !r.Carried && run.StartedAt.Sub(s.NightAt) >= audit.NightsApart {
		s.Nights++
		s.NightAt = run.StartedAt
	}
	s.TwoFactor, s.Certainty, s.Actor, s.Attested = r.TwoFactor, r.Certainty, r.Actor, r.Attested
	if s.Rule != r.Rule || s.Reply == "" {
		s.Rule, s.Reply, s.Reason = r.Rule, r.Reply, r.Reason
	}
}

// changed compares what a report shows. The reply's varying parts do not count: the first of its kind stays.
func changed(a, b audit.State) bool {
	return a.Settled.Verdict != b.Settled.Verdict || a.Settled.TwoFactor != b.Settled.TwoFactor ||
		!a.Settled.Attested.Same(b.Settled.Attested) || a.Settled.Rule != b.Settled.Rule || a.Settled.Certainty != b.Settled.Certainty || a.Settled.Actor != b.Settled.Actor ||
		a.TenantID != b.TenantID || a.TenantName != b.TenantName || a.Address != b.Address || a.Provider != b.Provider
}

// Left settles an account that is no longer in the source. What its customer was told is kept: should it come back with
// the same finding, its notices continue.
func Left(run audit.Run, st audit.State) audit.Settlement {
	out := audit.Settlement{State: st}
	s := &out.State
	s.SettledSeq = run.Seq
	s.Settled = audit.Settled{Verdict: audit.Gone, Since: run.StartedAt}
	s.SeenAt = time.Time{}
	s.UnverifiedSince = time.Time{}
	s.Remedied, s.RemediedAt, s.Tried = "", time.Time{}, ""
	out.Change = &audit.Change{
		AccountID: st.AccountID, RunKey: run.Key, Seq: run.Seq,
		TenantID: st.TenantID, TenantName: st.TenantName, Address: st.Address, Provider: st.Provider,
		Settled: s.Settled, Previous: st.Settled.Verdict,
	}
	return out
}

// FindingOf is a result as a report shows it, beside what was known before. Since is left to the caller.
func FindingOf(st audit.State, r audit.Result) audit.Finding {
	previous := st.Settled.Verdict
	if previous == audit.Gone {
		previous = ""
	}
	return audit.Finding{
		AccountID: r.AccountID, TenantID: r.TenantID, TenantName: r.TenantName,
		Provider: r.Provider, Address: r.Address,
		Verdict: r.Verdict, TwoFactor: r.TwoFactor, Certainty: r.Certainty, Actor: r.Actor,
		Previous: previous, Reply: r.Reply, Rule: r.Rule, Reason: r.Reason, Wording: r.Wording, Carried: r.Carried,
		Host: r.Host, NoAnswer: r.Mute(), Attested: r.Attested, ByTraffic: r.Traffic && r.Verdict.Fine(),
		Notice: audit.NoticeNone,
	}
}
