package app

import (
	"time"

	"mailaudit/cmd/mailaudit/config"
)

const day = 24 * time.Hour

// slot is one time of the schedule: the local day's one moment to start a run.
type slot struct {
	At time.Time
	// civil is the day and clock as the schedule names them, written as if in UTC. On a day whose time a DST
	// change moved, at reads otherwise.
	civil time.Time
}

// key names the slot's run, whenever it starts: two slots never share a name, whatever a DST change does
// to the hours between them.
func (s slot) key(window time.Duration) string { return NightKey(s.civil, window, time.UTC) }

const (
	// makeUpWithin is how late a run may start. Later, it would end in working hours.
	makeUpWithin = 6 * time.Hour
	// betweenNights is the least time between the starts of two runs of the whole source. Slots are a local
	// day apart (23 hours on the day that loses one) and made up less than 6 hours late, so a made-up run
	// lies more than 17 hours before the next slot and no slot is ever lost to another. The bound is for
	// runs that came about otherwise: started by hand under a key of their own, or by a schedule or zone
	// that was changed since. Half a day is also what parts the nights that run names by itself.
	betweenNights = 12 * time.Hour
)

// Slots is a schedule in a zone. The library's own walk through a zone skips a time that a change of the
// clocks removes and meets twice one that it repeats; in UTC, which has no changes, it makes no mistake. So
// it names the days and clocks here, and each is then placed in the zone.
type Slots struct {
	Schedule config.Schedule
	Zone     *time.Location
}

// Next gives the first slot after t; false where the schedule is empty or its days have run out.
func (s Slots) Next(t time.Time) (slot, bool) {
	if s.Schedule.Times == nil {
		return slot{}, false
	}
	// A change may move a slot by some hours, so the walk begins a day before.
	for after := asUTC(t.In(s.Zone)).Truncate(day).Add(-day - time.Second); ; {
		civil := s.Schedule.Times.Next(after)
		if civil.IsZero() {
			return slot{}, false
		}
		if at, ok := place(civil, s.Zone); ok && at.After(t) {
			return slot{At: at, civil: civil}, true
		}
		after = civil.Truncate(day).Add(day - time.Second) // a day has one
	}
}

// due gives the slot for which a run is to be started now, if there is one: the latest, if it is less than
// makeUpWithin old. started is when the last run of the whole source began, zero if there was none.
func (s Slots) due(now, started time.Time) (slot, bool) {
	found, ok := s.Next(now.Add(-makeUpWithin))
	if !ok || found.At.After(now) {
		return slot{}, false
	}
	if !started.IsZero() && now.Sub(started).Abs() < betweenNights {
		return slot{}, false
	}
	return found, true
}

// asUTC writes the local day and clock of t as if in UTC.
func asUTC(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// fromUTC is more than any zone differs from UTC.
const fromUTC = 28 * time.Hour

// place finds the moment at which the clocks of zone show a day and time. Of a time that comes twice it is
// the first. A time that a change leaves out is the moment of the change or, where that is the next day
// already, the minute before it: the run stays on its day. A day that is left out whole has none.
func place(civil time.Time, zone *time.Location) (time.Time, bool) {
	year, month, date := civil.Date()
	isThatDay := func(t time.Time) bool {
		y, m, d := t.Date()
		return y == year && m == month && d == date
	}
	from, until := civil.Add(-fromUTC).In(zone), civil.Add(fromUTC)
	for period := from; !period.After(until); {
		_, offset := period.Zone()
		_, end := period.ZoneBounds()
		at := civil.Add(-time.Duration(offset) * time.Second).In(zone)
		if end.IsZero() || at.Before(end) {
			// In the period, or left out by the change at its beginning.
			if !at.Before(period) {
				return at, true
			}
			if isThatDay(period) {
				return period, true
			}
			before := period.Add(-time.Minute)
			return before, isThatDay(before)
		}
		period = end
	}
	return time.Time{}, false
}
