package notice

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// datesAtMost is how many dates are worth naming one by one.
const datesAtMost = 4

// when puts the nights of a finding into words, in the customer's zone: "on November 22 and 23". The
// frame's front matter holds the words: months, and, day, day-year, on, often.
func (t texts) when(nights []time.Time, zone *time.Location, today time.Time) string {
	if zone == nil {
		zone = time.UTC
	}
	days := calendarDays(nights, zone)
	if len(days) == 0 {
		return ""
	}
	year := today.In(zone).Year()
	if len(days) > datesAtMost {
		return replace(t.front("often", ""), "first", t.days(days[:1], year), "last", t.days(days[len(days)-1:], year))
	}
	return replace(t.front("on", ""), "dates", t.days(days, year))
}

// times is when we tried to sign in for a group, to the minute and with the zone, latest last: "November 23 at 3:10 AM
// CST". A provider that asks "was it you?" shows a time too.
func (d *draft) times(g group) string {
	zone := d.letter.Zone
	if zone == nil {
		zone = time.UTC
	}
	var at []time.Time
	for _, item := range g.items {
		for _, n := range item.nights() {
			if !n.IsZero() {
				at = append(at, n.In(zone).Truncate(time.Minute))
			}
		}
	}
	slices.SortFunc(at, time.Time.Compare)
	at = slices.CompactFunc(at, time.Time.Equal)
	at = at[max(0, len(at)-datesAtMost):]
	said := make([]string, len(at))
	for i, t := range at {
		said[i] = replace(d.texts.front("at", ""), "day", d.texts.days([]time.Time{t}, d.letter.Date.In(zone).Year()), "time", d.texts.clock(t))
	}
	return enumerate(said, d.texts.front("and", ""))
}

// clock is a time of the day as people write it, with its zone.
func (t texts) clock(at time.Time) string {
	said := at.Format("3:04 PM")
	if halves := splitList(t.front("halves", "")); len(halves) == 2 {
		said = at.Format("3:04 ") + halves[at.Hour()/12]
	}
	zone := at.Format("MST")
	if strings.ContainsAny(zone, "+-") {
		zone = "UTC" + at.Format("-07:00") // a zone whose letters nobody uses
	}
	return strings.ReplaceAll(said+" "+zone, " ", "\u00a0")
}

func calendarDays(nights []time.Time, zone *time.Location) []time.Time {
	var days []time.Time
	for _, n := range nights {
		if !n.IsZero() {
			y, m, d := n.In(zone).Date()
			days = append(days, time.Date(y, m, d, 0, 0, 0, 0, time.UTC))
		}
	}
	slices.SortFunc(days, time.Time.Compare)
	return slices.CompactFunc(days, time.Time.Equal)
}

// days names dates, those of one month together: "November 29 and 30 and December 1". Years other than
// this one are named.
func (t texts) days(days []time.Time, thisYear int) string {
	and := t.front("and", "")
	months := splitList(t.front("months", ""))
	var groups []string
	for len(days) > 0 {
		y, m, _ := days[0].Date()
		var numbers []string
		for len(days) > 0 && days[0].Year() == y && days[0].Month() == m {
			numbers = append(numbers, strconv.Itoa(days[0].Day()))
			days = days[1:]
		}
		pattern := t.front("day", "")
		if y != thisYear {
			pattern = t.front("day-year", "")
		}
		month := m.String()
		if len(months) == 12 {
			month = months[m-1]
		}
		groups = append(groups, replace(pattern, "month", month, "days", enumerate(numbers, and), "year", strconv.Itoa(y)))
	}
	return enumerate(groups, and)
}

// updated says when the guide was last compared with the provider's pages: the day of its oldest fact; "" if it has none.
func (t texts) updated() string {
	oldest, known := t.guide.oldest()
	if !known {
		return ""
	}
	return replace(t.front("updated", ""), "date", t.days([]time.Time{oldest}, 0))
}

// enumerate writes "a", "a and b", "a, b and c".
func enumerate(list []string, and string) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	last := len(list) - 1
	return strings.Join(list[:last], ", ") + " " + and + " " + list[last]
}

// replace fills a pattern's {{name}}, given as pairs of name and text.
func replace(pattern string, pairs ...string) string {
	for i := 0; i < len(pairs); i += 2 {
		pattern = strings.ReplaceAll(pattern, "{{"+pairs[i]+"}}", pairs[i+1])
	}
	return pattern
}
