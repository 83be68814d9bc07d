package config

import (
	"errors"
	"math/bits"
	"strings"
	"time"

	// Containers without a zone database know the zones too.
	_ "time/tzdata"

	"github.com/robfig/cron/v3"
)

// Schedule is when serve starts a run: five fields of cron, at most one time a local day. The zero value
// starts none.
type Schedule struct {
	Spec  string
	Times *cron.SpecSchedule // nil where Spec is empty; in UTC unless its Location is set
}

func (s *Schedule) UnmarshalText(text []byte) error {
	spec := strings.TrimSpace(string(text))
	if spec == "" {
		*s = Schedule{}
		return nil
	}
	if len(strings.Fields(spec)) != 5 || strings.Contains(spec, "=") {
		return errors.New(`is not a schedule of five fields (minute hour day month weekday) such as 15 2 * * *`)
	}
	parsed, err := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow).Parse(spec)
	if err != nil {
		return errors.New("is not a schedule that cron understands (minute hour day month weekday, such as 15 2 * * *)")
	}
	times, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return errors.New("is not a schedule of five fields")
	}
	// The library marks a star in the highest bit.
	const marks = 1<<63 - 1
	if bits.OnesCount64(times.Minute&marks) != 1 || bits.OnesCount64(times.Hour&marks) != 1 {
		return errors.New("names more than one time a day; a night has one run")
	}
	times.Location = time.UTC
	if times.Next(time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return errors.New("names a day that never comes")
	}
	*s = Schedule{Spec: spec, Times: times}
	return nil
}

// SendWindow is when notices may leave, in the tenant's time zone. The zero value is "at once".
type SendWindow struct {
	Days [7]bool // by time.Weekday
	// From and To are counted from local midnight; From is in the window, To is not.
	From, To time.Duration
}

func (w *SendWindow) UnmarshalText(text []byte) error {
	fields := strings.Fields(string(text))
	if len(fields) == 0 {
		*w = SendWindow{}
		return nil
	}
	errForm := errors.New("is not days and hours such as Mon-Fri 09:00-16:00")
	var parsed SendWindow
	switch len(fields) {
	case 1:
		parsed.Days = [7]bool{true, true, true, true, true, true, true}
	case 2:
		if !parseDays(fields[0], &parsed.Days) {
			return errForm
		}
	default:
		return errForm
	}
	from, to, found := strings.Cut(fields[len(fields)-1], "-")
	var okFrom, okTo bool
	parsed.From, okFrom = parseClock(from)
	parsed.To, okTo = parseClock(to)
	if !found || !okFrom || !okTo {
		return errForm
	}
	if parsed.To <= parsed.From {
		return errors.New("ends before it begins; a window lies within one day")
	}
	*w = parsed
	return nil
}

// parseDays reads "Mon-Fri", "Sat", or several, separated by commas; "Fri-Mon" goes over Sunday.
func parseDays(text string, days *[7]bool) bool {
	for part := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(part, "-")
		from, ok := parseDay(first)
		if !ok {
			return false
		}
		to := from
		if isRange {
			if to, ok = parseDay(last); !ok {
				return false
			}
		}
		for d := from; ; d = (d + 1) % 7 {
			days[d] = true
			if d == to {
				break
			}
		}
	}
	return true
}

func parseDay(text string) (time.Weekday, bool) {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if strings.EqualFold(text, d.String()[:3]) || strings.EqualFold(text, d.String()) {
			return d, true
		}
	}
	return 0, false
}

func parseClock(text string) (time.Duration, bool) {
	if text == "24:00" {
		return day, true
	}
	t, err := time.Parse("15:04", text)
	if err != nil {
		return 0, false
	}
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute, true
}

// loadZone knows IANA names alone: "Local" would make a night's date depend on the machine.
func loadZone(name string) (*time.Location, error) {
	errForm := errors.New("is not a time zone of the IANA database such as America/Chicago or UTC")
	if name == "" || name == "Local" {
		return nil, errForm
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, errForm
	}
	return zone, nil
}
