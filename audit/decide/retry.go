package decide

import "time"

// eventPauses lie between the tries of an event; the last goes on until the three days are over.
var eventPauses = []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour}

// EventTriedFor is how long an event is tried before it is dead.
const EventTriedFor = 72 * time.Hour

// NextTry is when an event is tried again that was not taken so often, tried since a moment; false if it is dead.
func NextTry(tries int, from, now time.Time) (time.Time, bool) {
	if now.Sub(from) >= EventTriedFor {
		return time.Time{}, false
	}
	next := now.Add(eventPauses[min(max(tries, 1), len(eventPauses))-1])
	if last := from.Add(EventTriedFor); next.After(last) {
		next = last // one more at the end
	}
	return next, true
}
