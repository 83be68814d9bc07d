package audit

import (
	"fmt"
	"time"
)

// Plural writes a number with its noun: 1 mailbox, 2 mailboxes.
func Plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	if word == "mailbox" {
		word += "e"
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// Latest returns the later of two times.
func Latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// FormatMinute writes a time to the minute, in UTC.
func FormatMinute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// IDs returns an identifier of each element, in the same order.
func IDs[T any](all []T, id func(T) string) []string {
	out := make([]string, len(all))
	for i, v := range all {
		out[i] = id(v)
	}
	return out
}
