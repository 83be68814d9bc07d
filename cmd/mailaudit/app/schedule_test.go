package app

import (
	"archive/zip"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// allZones are the zones of the IANA database, as the Go distribution carries it; of zones with the same
// rules the first.
func allZones(t *testing.T) []*time.Location {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	archive, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	var zones []*time.Location
	seen := map[uint32]bool{}
	names := 0
	for _, f := range archive.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		names++
		if seen[f.CRC32] {
			continue
		}
		seen[f.CRC32] = true
		zone, err := time.LoadLocation(f.Name)
		if err != nil {
			t.Fatal(err)
		}
		zones = append(zones, zone)
	}
	if names < 500 || len(zones) < 300 {
		t.Fatalf("%d names, %d zones", names, len(zones))
	}
	return zones
}

func slotsOf(t *testing.T, spec string, zone *time.Location) Slots {
	t.Helper()
	var s Slots
	if err := s.Schedule.UnmarshalText([]byte(spec)); err != nil {
		t.Fatalf("%s %v", spec, err)
	}
	s.Zone = zone
	return s
}

// days lists the local days that begin in [from, until), each as midnight in UTC.
func daysOf(zone *time.Location, from, until time.Time) []time.Time {
	var days []time.Time
	for t := from; t.Before(until); t = t.Add(6 * time.Hour) {
		y, m, d := t.In(zone).Date()
		day := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
		if len(days) == 0 || day.After(days[len(days)-1]) {
			days = append(days, day)
		}
	}
	return days[1:] // the first may have begun before
}

const testWindow = 4 * time.Hour

// twoYears walks a simulated clock from slot to slot, as a serve that is never down, and fails unless each
// local day that the schedule names has one run.
func twoYears(t *testing.T, s Slots, names func(day time.Time) bool) {
	t.Helper()
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	until := from.AddDate(2, 0, 0)
	runs := map[time.Time]int{}
	keys := map[string]bool{}
	var started time.Time
	for now := from.AddDate(0, 0, -2); ; {
		next, ok := s.Next(now)
		if !ok || !next.At.Before(until.AddDate(0, 0, 2)) {
			break
		}
		if got, due := s.due(next.At, started); !due || got != next {
			t.Fatalf("%s, %s: the slot of %v is not due", s.Zone, s.Schedule.Spec, next.At)
		}
		if s.changes(next.At) {
			if _, due := s.due(next.At.Add(-time.Second), started); due {
				t.Fatalf("%s, %s: the slot of %v is due before", s.Zone, s.Schedule.Spec, next.At)
			}
			for later := next.At.Add(time.Second); later.Before(next.At.Add(makeUpWithin)); later = later.Add(10 * time.Minute) {
				if _, due := s.due(later, next.At); due {
					t.Fatalf("%s, %s: the slot of %v comes twice", s.Zone, s.Schedule.Spec, next.At)
				}
			}
		}
		s.isPlaced(t, next)
		if key := next.key(testWindow); keys[key] {
			t.Fatalf("%s, %s: two runs are named %s", s.Zone, s.Schedule.Spec, key)
		} else {
			keys[key] = true
		}
		y, m, d := next.At.In(s.Zone).Date()
		runs[time.Date(y, m, d, 0, 0, 0, 0, time.UTC)]++
		now, started = next.At, next.At
	}
	for _, day := range daysOf(s.Zone, from, until) {
		want := 0
		if names(day) {
			want = 1
		}
		if runs[day] != want {
			t.Errorf("%s, %s: %d runs on %s, want %d", s.Zone, s.Schedule.Spec, runs[day], day.Format(time.DateOnly), want)
		}
	}
}

// isPlaced fails unless the slot lies at the first moment that shows its time, or its day has no such time.
func (s Slots) isPlaced(t *testing.T, got slot) {
	t.Helper()
	shows := func(at time.Time) bool { return asUTC(at.In(s.Zone)).Equal(got.civil) }
	if !shows(got.At) {
		y, m, d := got.civil.Date()
		for at := time.Date(y, m, d-1, 20, 0, 0, 0, s.Zone); at.Before(got.At.Add(28 * time.Hour)); at = at.Add(time.Minute) {
			if shows(at) {
				t.Fatalf("%s: the slot of %v is at %v", s.Zone, got.civil, got.At)
			}
		}
		return
	}
	if !s.changes(got.At) {
		return
	}
	for _, before := range []time.Duration{20 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 3 * time.Hour} {
		if shows(got.At.Add(-before)) {
			t.Fatalf("%s: the time of %v comes before %v", s.Zone, got.civil, got.At)
		}
	}
}

// changes reports whether the clocks change within a day of t.
func (s Slots) changes(t time.Time) bool {
	_, before := t.Add(-24 * time.Hour).In(s.Zone).Zone()
	_, after := t.Add(24 * time.Hour).In(s.Zone).Zone()
	return before != after
}

func everyDay(time.Time) bool { return true }

// In every zone, whatever its clocks do, a schedule of each day has one run a local day.
func TestOneRunALocalDay(t *testing.T) {
	t.Parallel()
	zones := allZones(t)
	for _, clock := range []string{"15 2", "0 0", "30 2", "30 1", "59 23", "0 3"} {
		t.Run(clock, func(t *testing.T) {
			t.Parallel()
			for _, zone := range zones {
				twoYears(t, slotsOf(t, clock+" * * *", zone), everyDay)
			}
		})
	}
}

func TestScheduledDays(t *testing.T) {
	t.Parallel()
	for spec, names := range map[string]func(time.Time) bool{
		"15 2 * * 1-5": func(d time.Time) bool { return d.Weekday() >= time.Monday && d.Weekday() <= time.Friday },
		"30 2 * * SUN": func(d time.Time) bool { return d.Weekday() == time.Sunday },
		"0 0 1,15 * *": func(d time.Time) bool { return d.Day() == 1 || d.Day() == 15 },
		"0 3 31 * *":   func(d time.Time) bool { return d.Day() == 31 },
		"30 2 * 3,11 *": func(d time.Time) bool {
			return d.Month() == time.March || d.Month() == time.November
		},
		// As in every cron: two days that are both named are either.
		"0 2 13 * FRI": func(d time.Time) bool { return d.Day() == 13 || d.Weekday() == time.Friday },
		"59 23 */2 * *": func(d time.Time) bool {
			return d.Day()%2 == 1
		},
	} {
		t.Run(spec, func(t *testing.T) {
			t.Parallel()
			for _, name := range []string{"UTC", "America/Chicago", "Europe/Berlin", "Australia/Lord_Howe", "America/Nuuk", "Africa/Cairo", "Africa/Casablanca", "Pacific/Apia"} {
				zone, err := time.LoadLocation(name)
				if err != nil {
					t.Fatal(err)
				}
				twoYears(t, slotsOf(t, spec, zone), names)
			}
		})
	}
	if _, ok := (Slots{Zone: time.UTC}).Next(time.Now()); ok {
		t.Error("an empty schedule has a slot")
	}
}

// Some changes of the clocks by name, so that a reader sees what is decided.
func TestSlotsAtChangesOfTheClocks(t *testing.T) {
	for _, test := range []struct{ zone, spec, after, want, why string }{
		{"America/Chicago", "30 2 * * *", "2026-03-07T12:00:00-06:00", "2026-03-08T03:00:00-05:00", "02:30 is left out: the moment of the change"},
		{"America/Chicago", "30 1 * * *", "2026-10-31T12:00:00-05:00", "2026-11-01T01:30:00-05:00", "01:30 comes twice: the first"},
		{"America/Chicago", "30 1 * * *", "2026-11-01T01:30:00-05:00", "2026-11-02T01:30:00-06:00", "and not the second"},
		{"Africa/Cairo", "15 0 * * *", "2026-04-23T12:00:00+02:00", "2026-04-24T01:00:00+03:00", "the day begins at 01:00"},
		{"America/Nuuk", "59 23 * * *", "2026-03-28T12:00:00-02:00", "2026-03-28T22:59:00-02:00", "the day ends at 23:00: the minute before"},
		{"Australia/Lord_Howe", "15 2 * * *", "2026-10-03T12:00:00+10:30", "2026-10-04T02:30:00+11:00", "half an hour is left out"},
		{"Pacific/Apia", "15 2 * * *", "2011-12-29T12:00:00-10:00", "2011-12-31T02:15:00+14:00", "a whole day was left out"},
		{"Pacific/Apia", "0 0 30 12 *", "2011-12-29T12:00:00-10:00", "2012-12-30T00:00:00+14:00", "the day that was left out has no run"},
	} {
		zone, err := time.LoadLocation(test.zone)
		if err != nil {
			t.Fatal(err)
		}
		after, err := time.Parse(time.RFC3339, test.after)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := slotsOf(t, test.spec, zone).Next(after)
		if !ok || got.At.In(zone).Format(time.RFC3339) != test.want {
			t.Errorf("%s, %s (%s): %s, want %s", test.zone, test.spec, test.why, got.At.In(zone).Format(time.RFC3339), test.want)
		}
	}
}

// A serve that is down now and then makes up what it missed, if it is not too late, and never starts two
// nights back to back. Runs that others start count as nights too.
func TestMissedSlotsAreMadeUp(t *testing.T) {
	t.Parallel()
	zones := allZones(t)
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 1))
		zone := zones[random.IntN(len(zones))]
		s := slotsOf(t, fmt.Sprintf("%d %d * * *", random.IntN(60), random.IntN(24)), zone)
		now := time.Date(2026, time.Month(1+random.IntN(12)), 1+random.IntN(28), random.IntN(24), 0, 0, 0, time.UTC)
		var starts []time.Time
		var started time.Time
		start := func() { starts = append(starts, now); started = now }
		slotsSeen := map[time.Time]bool{}
		for range 60 {
			// Up for some hours, looking every few minutes; then down for some.
			for up := now.Add(time.Duration(random.IntN(60*60)) * time.Minute); now.Before(up); now = now.Add(time.Duration(1+random.IntN(10)) * time.Minute) {
				got, due := s.due(now, started)
				switch {
				case due && now.Sub(got.At) >= makeUpWithin, due && now.Before(got.At):
					t.Fatalf("seed %d: at %v a run of the slot %v", seed, now, got.At)
				case due && slotsSeen[got.At]:
					t.Fatalf("seed %d: the slot %v comes twice", seed, got.At)
				case due:
					slotsSeen[got.At] = true
					start()
				default:
					if missed, ok := s.Next(now.Add(-makeUpWithin)); ok && !missed.At.After(now) && !slotsSeen[missed.At] && now.Sub(started) >= betweenNights {
						t.Fatalf("seed %d: at %v the slot %v is not made up", seed, now, missed.At)
					}
				}
			}
			now = now.Add(time.Duration(random.IntN(20*60)) * time.Minute)
			if random.IntN(10) == 0 && now.Sub(started) > betweenNights {
				start() // by hand
			}
		}
		for i := 1; i < len(starts); i++ {
			if starts[i].Sub(starts[i-1]) < betweenNights {
				t.Fatalf("seed %d: runs at %v and %v", seed, starts[i-1], starts[i])
			}
		}
	}
}

func TestDue(t *testing.T) {
	chicago, err := time.LoadLocation("America/Chicago")
	if err != nil {
		t.Fatal(err)
	}
	s := slotsOf(t, "15 2 * * *", chicago)
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 11, day, hour, minute, 0, 0, chicago) }
	for _, test := range []struct {
		name         string
		now, started time.Time
		want         time.Time // zero: none
	}{
		{"before the first", at(23, 2, 14), time.Time{}, time.Time{}},
		{"on time", at(23, 2, 15), at(22, 2, 15), at(23, 2, 15)},
		{"begun", at(23, 2, 16), at(23, 2, 15), time.Time{}},
		{"made up", at(23, 8, 14), at(22, 2, 15), at(23, 2, 15)},
		{"too late", at(23, 8, 15), at(22, 2, 15), time.Time{}},
		{"after one that was made up", at(24, 2, 15), at(23, 8, 14), at(24, 2, 15)},
		{"shortly after a run by hand", at(23, 2, 15), at(22, 14, 16), time.Time{}},
		{"long after a run by hand", at(23, 2, 15), at(22, 14, 15), at(23, 2, 15)},
		{"a clock that was set back an hour", at(23, 2, 15), at(23, 3, 15), time.Time{}},
		{"a clock that was a year ahead", at(23, 2, 15), at(23, 2, 15).AddDate(1, 0, 0), at(23, 2, 15)},
	} {
		got, ok := s.due(test.now, test.started)
		if ok != !test.want.IsZero() || !got.At.Equal(test.want) {
			t.Errorf("%s: %v, %v", test.name, ok, got.At)
		}
	}
}

// Nights that begin at eight, twelve hours before the window's end at noon, are where a DST change could
// give two nights one name.
func TestNightsKeepTheirNames(t *testing.T) {
	chicago, err := time.LoadLocation("America/Chicago")
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range []string{"0 8 * * *", "59 7 * * *", "15 2 * * *", "0 20 * * *"} {
		s := slotsOf(t, spec, chicago)
		seen := map[string]bool{}
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		for range 730 {
			next, ok := s.Next(now)
			if !ok {
				t.Fatal("no slot")
			}
			now = next.At
			key := next.key(testWindow)
			if seen[key] || key != NightKey(now, testWindow, chicago) {
				t.Errorf("%s: the run at %v is named %s, and %s where it is started by hand", spec, now, key, NightKey(now, testWindow, chicago))
			}
			seen[key] = true
		}
	}
}
