package report_test

import (
	"testing"
	"time"

	"mailaudit/audit"
	"mailaudit/report"
)

// TestNight: people call a night by the date on which it began where they are, whatever its key is.
func TestNight(t *testing.T) {
	chicago, err := time.LoadLocation("America/Chicago")
	if err != nil {
		t.Fatal(err)
	}
	start := time.Date(2026, 11, 9, 2, 15, 0, 0, time.UTC)
	for _, tt := range []struct {
		key  string
		zone *time.Location
		want string
	}{
		{"2026-11-08", time.UTC, "Mon 9 Nov"},
		{"2026-11-09", time.UTC, "Mon 9 Nov"},
		{"2026-11-08", chicago, "Sun 8 Nov"},
		{"after-the-move", time.UTC, "after-the-move, Mon 9 Nov"},
		{"2026-13-45", time.UTC, "2026-13-45, Mon 9 Nov"},
	} {
		s := report.Summary{Run: audit.Run{Key: tt.key, StartedAt: start}, Options: report.Options{Zone: tt.zone}}
		if got := s.Night(); got != tt.want {
			t.Errorf("%s in %s: %q, want %q", tt.key, tt.zone, got, tt.want)
		}
	}
}

func TestSparkline(t *testing.T) {
	for want, values := range map[string][]int{"": nil, "▁▁▁": {5, 5, 5}, "▁█": {0, 1}, "█▁▄": {70, 0, 35}} {
		if got := report.Sparkline(values); got != want {
			t.Errorf("%v: %q, want %q", values, got, want)
		}
	}
}
