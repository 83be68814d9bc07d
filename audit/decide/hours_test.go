package decide

import (
	"testing"
	"time"

	"mailaudit/audit"
)

func TestHoursNext(t *testing.T) {
	office := audit.Hours{Days: [7]bool{false, true, true, true, true, true, false}, From: 9 * time.Hour, To: 16 * time.Hour}
	for name, c := range map[string]struct {
		hours          audit.Hours
		zone, at, want string
	}{
		"no hours":             {audit.Hours{}, "America/Chicago", "2026-11-22T03:00:00Z", "2026-11-22T03:00:00Z"},
		"within":               {office, "America/Chicago", "2026-11-23T15:30:00Z", "2026-11-23T15:30:00Z"},
		"too early":            {office, "America/Chicago", "2026-11-23T09:00:00Z", "2026-11-23T15:00:00Z"},
		"the last moment":      {office, "America/Chicago", "2026-11-23T21:59:59Z", "2026-11-23T21:59:59Z"},
		"the end is outside":   {office, "America/Chicago", "2026-11-23T22:00:00Z", "2026-11-24T15:00:00Z"},
		"Friday evening":       {office, "America/Chicago", "2026-11-27T23:00:00Z", "2026-11-30T15:00:00Z"},
		"Sunday there already": {office, "Pacific/Auckland", "2026-11-22T19:00:00Z", "2026-11-22T20:00:00Z"},
		"after a DST change":   {office, "America/New_York", "2026-10-31T12:00:00Z", "2026-11-02T14:00:00Z"},
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		at, _ := time.Parse(time.RFC3339, c.at)
		if got := NextHour(c.hours, at, zone).UTC().Format(time.RFC3339); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
