package decide

import (
	"testing"
	"time"

	"mailaudit/audit"
	"mailaudit/providers"
)

func TestWhatAnAnnouncedChangeExplains(t *testing.T) {
	day := time.Date(2026, time.December, 31, 0, 0, 0, 0, time.UTC)
	c := providers.Change{ID: "off", Provider: "microsoft", Brands: []string{"m365"}, Day: day}
	state := func(alter func(*audit.State)) audit.State {
		st := audit.State{Provider: "microsoft", Brand: "m365", Tonight: &audit.Result{Mechanism: "LOGIN"},
			Settled: audit.Settled{Verdict: audit.AuthDisabled, Since: day.Add(26 * time.Hour)}}
		alter(&st)
		return st
	}
	for name, tc := range map[string]struct {
		alter func(*audit.State)
		want  bool
	}{
		"switched off on the day":       {func(*audit.State) {}, true},
		"ended for good":                {func(st *audit.State) { st.Settled.Verdict = audit.MethodRetired }, true},
		"reached four weeks later":      {func(st *audit.State) { st.Settled.Since = day.Add(28 * Day) }, true},
		"a changed password":            {func(st *audit.State) { st.Settled.Verdict = audit.Revoked }, false},
		"off since the summer":          {func(st *audit.State) { st.Settled.Since = day.Add(-180 * Day) }, false},
		"off long after":                {func(st *audit.State) { st.Settled.Since = day.Add(90 * Day) }, false},
		"a brand that is not concerned": {func(st *audit.State) { st.Brand = "outlook" }, false},
		"another provider":              {func(st *audit.State) { st.Provider = "google" }, false},
		"connected by OAuth":            {func(st *audit.State) { st.Tonight.Mechanism = "XOAUTH2" }, false},
	} {
		if got := IsAnnounced(c, state(tc.alter)); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestTheNearestAnnouncedChange(t *testing.T) {
	at := func(month time.Month, day int) time.Time { return time.Date(2027, month, day, 2, 15, 0, 0, time.UTC) }
	changes := []providers.Change{
		{ID: "first", Provider: "microsoft", Day: at(time.January, 1)},
		{ID: "second", Provider: "microsoft", Day: at(time.February, 10)},
		{ID: "theirs", Provider: "google", Day: at(time.January, 2)},
	}
	for _, tc := range []struct {
		when time.Time
		want string
	}{
		{at(time.January, 1).Add(-8 * Day), ""}, {at(time.January, 1).Add(-7 * Day), "first"}, {at(time.January, 12), "first"},
		{at(time.February, 5), "second"}, {at(time.April, 1), "second"}, {at(time.May, 1), ""},
	} {
		c, ok := Announced(changes, "microsoft", tc.when)
		if c.ID != tc.want || ok != (tc.want != "") {
			t.Errorf("%s: %q, %v; want %q", tc.when.Format(time.DateOnly), c.ID, ok, tc.want)
		}
	}
}
