package decide

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"mailaudit/audit"
)

func TestWarningsThatTheCapsLeaveBehind(t *testing.T) {
	caps := audit.Caps{Ahead: 3, Recipient: 2, Tenant: 20}
	var line []Waiting
	for i := range 4 { // an administrator of four clinics, first in the line
		line = append(line, Waiting{Recipient: "it@msp.example", Tenant: fmt.Sprint("clinic", i)})
	}
	for i := range 3 {
		line = append(line, Waiting{Recipient: fmt.Sprint("desk", i), Tenant: fmt.Sprint("solo", i)})
	}
	for days, want := range [][]int{{0, 1, 2, 3, 4, 5, 6}, {2, 3, 5, 6}, {6}, nil} {
		if got := LeftBehind(line, caps, 0, days); !slices.Equal(got, want) {
			t.Errorf("after %d days: left %v, want %v", days, got, want)
		}
	}
	if most, ok := AheadNeeded(line, caps, 0, 2); most != 4 || !ok {
		t.Errorf("for two days: %d, %v", most, ok)
	}
	if got := LeftBehind(line, caps, 2, 1); !slices.Equal(got, []int{1, 2, 3, 4, 5, 6}) {
		t.Errorf("two have left today already: left %v", got)
	}
	if most, ok := AheadNeeded(line, caps, 0, 1); ok {
		t.Errorf("the contact may have two mails a day, and %d a night were said to be enough for four", most)
	}
}

func TestSendDays(t *testing.T) {
	weekdays := audit.Hours{Days: [7]bool{false, true, true, true, true, true, false}, From: 9 * time.Hour, To: 16 * time.Hour}
	at := func(text string) time.Time {
		m, err := time.Parse("2006-01-02T15", text)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	for _, c := range []struct {
		hours       audit.Hours
		from, until string
		want        int
	}{
		{weekdays, "2026-12-01T03", "2026-12-31T00", 22}, // Tuesday to Wednesday
		{weekdays, "2026-12-24T17", "2026-12-31T00", 4},  // after hours on a Thursday
		{weekdays, "2026-12-26T03", "2026-12-28T00", 0},  // a weekend
		{audit.Hours{}, "2026-12-26T03", "2026-12-28T00", 2},
		{audit.Hours{}, "2026-12-31T03", "2026-12-31T00", 0},
	} {
		if got := SendDays(c.hours, at(c.from), at(c.until), time.UTC); got != c.want {
			t.Errorf("%s to %s: %d days, want %d", c.from, c.until, got, c.want)
		}
	}
}
