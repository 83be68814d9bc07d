package app

import (
	"strings"
	"time"

	"mailaudit/report"
)

// HowMany writes a number with its noun.
func HowMany(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return report.Count(n) + " " + what
}

// RFC3339 writes a time in UTC; "" for the zero time.
func RFC3339(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// Joined lists words with commas.
func Joined[T ~string](words []T) string {
	all := make([]string, len(words))
	for i, w := range words {
		all[i] = string(w)
	}
	return strings.Join(all, ", ")
}

// Local writes a time short, in a zone: "Mon 23 Nov 02:15 CST"; "-" for the zero time.
func Local(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return "-"
	}
	return t.In(zone).Format("Mon 2 Jan 15:04 MST")
}
