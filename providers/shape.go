package providers

import "strings"

// Letters16 is the shape of Google's, Yahoo's, AOL's, AT&T's and Microsoft's app passwords: sixteen lower-case
// letters, which Google shows in groups of four.
func Letters16(secret string) Kind {
	return shape(onlyOf(withoutSpace(secret), 16, lower))
}

// Alphanumeric is the shape of app passwords of one of the given lengths in letters and digits.
func Alphanumeric(secret string, lengths ...int) Kind {
	for _, n := range lengths {
		if onlyOf(secret, n, lower+upper+digits) {
			return KindAppPassword
		}
	}
	return KindOrdinary
}

// HyphenatedGroups is the shape of Apple's app-specific passwords: xxxx-xxxx-xxxx-xxxx in lower-case letters.
func HyphenatedGroups(secret string) Kind {
	groups := strings.Split(secret, "-")
	if len(groups) != 4 {
		return KindOrdinary
	}
	for _, g := range groups {
		if !onlyOf(g, 4, lower) {
			return KindOrdinary
		}
	}
	return KindAppPassword
}

// Ordinary is the shape rule of providers that have no app passwords.
func Ordinary(string) Kind { return KindOrdinary }

// TrimLetters16 removes white space if what is left is exactly sixteen letters; an ordinary password may hold
// spaces and stays as it is.
func TrimLetters16(secret string) string {
	if left := withoutSpace(secret); onlyOf(left, 16, lower+upper) {
		return left
	}
	return secret
}

const (
	lower  = "abcdefghijklmnopqrstuvwxyz"
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits = "0123456789"
)

func shape(app bool) Kind {
	if app {
		return KindAppPassword
	}
	return KindOrdinary
}

func onlyOf(s string, length int, alphabet string) bool {
	return len(s) == length && strings.Trim(s, alphabet) == ""
}

func withoutSpace(s string) string { return strings.Join(strings.Fields(s), "") }
