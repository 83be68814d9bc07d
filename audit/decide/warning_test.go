package decide

import (
	"testing"
	"time"

	"mailaudit/audit"
	"mailaudit/providers"
)

func TestWarningDue(t *testing.T) {
	c := providers.Change{ID: "x", Day: time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC)}
	for _, tt := range []struct {
		now  string
		days int // 0: none
	}{
		{"2026-11-30", 0}, {"2026-12-01", 30}, {"2026-12-02", 30}, {"2026-12-23", 30}, {"2026-12-24", 7}, {"2026-12-25", 7},
		{"2026-12-31", 7}, {"2027-01-01", 0},
	} {
		now, err := time.Parse(time.DateOnly, tt.now)
		if err != nil {
			t.Fatal(err)
		}
		w, due := WarningDue(c, now.Add(2*time.Hour))
		if due != (tt.days != 0) || w.Days != tt.days {
			t.Errorf("%s: %d %v, want %d", tt.now, w.Days, due, tt.days)
		}
	}
}

func TestClientExpiryIsToldOnEachOfItsDays(t *testing.T) {
	e := audit.ClientExpiry{Owner: "Google", Key: "providers.google.oauth", At: time.Date(2027, 3, 31, 0, 0, 0, 0, time.UTC)}
	night := func(daysBefore int) time.Time { return e.At.AddDate(0, 0, -daysBefore).Add(2 * time.Hour) }
	told := map[int]bool{}
	for left := 40; left >= -1; left-- {
		if left == 14 {
			continue // no run on that night: the next one tells
		}
		before := night(left + 1)
		if left == 13 {
			before = night(15)
		}
		_, due := ExpiryWarning(e, before, night(left))
		told[left] = due
	}
	for left, due := range told {
		want := left == 30 || left == 13 || left == 7 || left == 1 || left <= 0
		if due != want {
			t.Errorf("%d days before: told %v, want %v", left, due, want)
		}
	}
	if _, due := ExpiryWarning(e, time.Time{}, night(20)); !due {
		t.Error("the first run of all says nothing of 20 days")
	}
	if _, due := ExpiryWarning(e, time.Time{}, night(31)); due {
		t.Error("the first run of all warns 31 days before")
	}
}
