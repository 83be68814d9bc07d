package decide

import "mailaudit/audit"

// Shown reports whether an account's failing verdict may stand on the product's own screens: only where a notice of it could
// be queued, so that no screen accuses whom no mail would. held tells that a guard holds the provider, discarded when the
// finding began whose notice a person discarded. In shadow mode, where nothing is mailed, it is marked as such; see [audit.Reading].
func Shown(p audit.Policy, s audit.State, held bool, m audit.Mailing) bool {
	switch {
	case !s.Settled.Verdict.Failing() || p.Mode == audit.ModeOff:
		return false
	case s.Told.Step > 0 && !s.Told.Shadow:
		return true // its customer reads of it already
	case held, !m.Discarded.IsZero() && m.Discarded.Equal(s.Since), unconfirmed(p.Cadence, s.Settled):
		return false
	}
	return p.Only.Covers(audit.Notice{TenantID: s.TenantID, Provider: s.Provider, Items: []audit.NoticeItem{{AccountID: s.AccountID, Verdict: s.Verdict}}})
}
