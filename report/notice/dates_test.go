package notice_test

import (
	"strings"
	"testing"
	"time"

	"mailaudit/audit"
)

func TestDates(t *testing.T) {
	for _, c := range []struct {
		locale string
		seen   []time.Time
		want   string
	}{
		{"en", []time.Time{night(11, 23)}, "On November 23,"},
		{"en", []time.Time{night(11, 23), night(11, 22)}, "On November 22 and 23,"},
		{"en", []time.Time{night(11, 21), night(11, 22), night(11, 22), night(11, 23)}, "On November 21, 22 and 23,"},
		{"en", []time.Time{night(10, 31), night(11, 1)}, "On October 31 and November 1,"},
		{"en", []time.Time{night(11, 9), night(11, 16), night(11, 20), night(11, 22), night(11, 23)},
			"Several times from November 9 to November 23,"},
		{"en", []time.Time{night(12, 31).AddDate(-1, 0, 0), night(1, 1)}, "On December 31, 2025 and January 1,"},
		{"en", nil, "On November 22,"},
		{"en-US", []time.Time{night(11, 23)}, "On November 23,"},
		{"en-GB", []time.Time{night(11, 22), night(11, 23)}, "On 22 and 23 November,"},
		{"en-AU", []time.Time{night(12, 31).AddDate(-1, 0, 0)}, "On 31 December 2025,"},
		{"", []time.Time{night(11, 23)}, "On November 23,"},
		{"xx-broken-!", []time.Time{night(11, 23)}, "On November 23,"},
		// 03:00 UTC is the evening before in Chicago.
		{"en", []time.Time{time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)}, "On November 22,"},
	} {
		i := item("gmail", audit.Revoked)
		i.Seen = c.seen
		l := newLetter("google", i)
		l.Locale = c.locale
		m := compose(t, l, settings(t))
		if text := strings.Join(strings.Fields(m.Text), " "); !strings.Contains(text, c.want) {
			t.Errorf("%s %v: want %q in %.120s", c.locale, c.seen, c.want, text)
		}
	}
}
