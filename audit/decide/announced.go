package decide

import (
	"slices"
	"time"

	"mailaudit/audit"
	"mailaudit/providers"
)

// A provider that carries out an announced change makes many mailboxes fail at once, as an outage does. Around its day
// the two are told apart.

const (
	announcedBefore = 7 * Day  // providers begin early with some tenants
	announcedAfter  = 60 * Day // and reach the last ones weeks later
)

// Announced returns the provider's change whose day lies around a moment, the nearest if there are several; false if
// none does.
func Announced(changes []providers.Change, provider string, at time.Time) (near providers.Change, ok bool) {
	for _, c := range changes {
		since := at.Sub(c.Day)
		if c.Provider != provider || since < -announcedBefore || since > announcedAfter {
			continue
		}
		if !ok || since.Abs() < at.Sub(near.Day).Abs() {
			near, ok = c, true
		}
	}
	return near, ok
}

// IsAnnounced reports whether an account fails as the change said it would: a mailbox of the brands that it concerns,
// signed in by password, whose password login is off since a day around the announced one.
func IsAnnounced(c providers.Change, st audit.State) bool {
	s := st.Settled
	if s.Verdict != audit.AuthDisabled && s.Verdict != audit.MethodRetired {
		return false
	}
	if st.Provider != c.Provider || len(c.Brands) > 0 && !slices.Contains(c.Brands, st.Brand) {
		return false
	}
	if r := st.Tonight; r != nil && (r.Mechanism == string(providers.XOAuth2) || r.Mechanism == string(providers.OAuthBearer)) {
		return false
	}
	since := s.Since.Sub(c.Day)
	return since >= -announcedBefore && since <= announcedAfter
}
