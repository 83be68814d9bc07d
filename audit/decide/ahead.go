package decide

import (
	"time"

	"mailaudit/audit"
)

// Waiting is a warning in its line.
type Waiting struct{ Recipient, Tenant string } // whom the day's caps count

// SendDays is on how many days mails leave, from a moment until another.
func SendDays(h audit.Hours, from, until time.Time, zone *time.Location) (days int) {
	for t := NextHour(h, from, zone); t.Before(until); days++ {
		y, m, d := t.In(zone).Date()
		t = NextHour(h, time.Date(y, m, d+1, 0, 0, 0, 0, zone), zone)
	}
	return days
}

// LeftBehind returns, by their places in the line, the warnings that do not leave within so many days under the caps, where
// the first day has seen some leave already.
func LeftBehind(line []Waiting, caps audit.Caps, already, days int) (left []int) {
	for i := range line {
		left = append(left, i)
	}
	for range days {
		left = nextDay(line, left, caps, already)
		already = 0
	}
	return left
}

// DaysNeeded is in how many days the whole line leaves.
func DaysNeeded(line []Waiting, caps audit.Caps, already int) (days int) {
	for left := LeftBehind(line, caps, already, 0); len(left) > 0; days++ {
		left = nextDay(line, left, caps, already)
		already = 0
	}
	return days
}

// nextDay is what is left after one more day, on which so many were sent already.
func nextDay(line []Waiting, left []int, caps audit.Caps, sent int) (stay []int) {
	had := map[Waiting]int{}
	for _, i := range left {
		w := line[i]
		to, of := Waiting{Recipient: w.Recipient}, Waiting{Tenant: w.Tenant}
		if sent >= caps.Ahead || had[to] == caps.Recipient || had[of] == caps.Tenant {
			stay = append(stay, i)
			continue
		}
		sent++
		had[to]++
		had[of]++
	}
	return stay
}

// AheadNeeded is the least notices.max_ahead_per_night under which the whole line leaves in so many days; false where
// other caps keep some of it back whatever it is.
func AheadNeeded(line []Waiting, caps audit.Caps, already, days int) (most int, ok bool) {
	caps.Ahead = already + len(line)
	if len(LeftBehind(line, caps, already, days)) > 0 {
		return 0, false
	}
	low, high := 0, caps.Ahead
	for low+1 < high {
		caps.Ahead = (low + high) / 2
		if len(LeftBehind(line, caps, already, days)) == 0 {
			high = caps.Ahead
		} else {
			low = caps.Ahead
		}
	}
	return high, true
}
