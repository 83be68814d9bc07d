package decide

import (
	"time"

	"mailaudit/audit"
)

// NextHour returns t if it lies within the hours of zone, else the next moment that does.
func NextHour(h audit.Hours, t time.Time, zone *time.Location) time.Time {
	if h == (audit.Hours{}) {
		return t
	}
	local := t.In(zone)
	for day := range 8 {
		y, m, d := local.AddDate(0, 0, day).Date()
		if !h.Days[time.Date(y, m, d, 12, 0, 0, 0, zone).Weekday()] {
			continue
		}
		// Built from the clock, not by adding: a day of a DST change has 23 or 25 hours.
		if from := atClock(y, m, d, h.From, zone); t.Before(from) {
			return from
		}
		if t.Before(atClock(y, m, d, h.To, zone)) {
			return t
		}
	}
	return t
}

func atClock(y int, m time.Month, d int, clock time.Duration, zone *time.Location) time.Time {
	minutes := int(clock / time.Minute)
	return time.Date(y, m, d, minutes/60, minutes%60, 0, 0, zone)
}
