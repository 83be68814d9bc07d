package providers

import (
	"strings"

	"golang.org/x/net/idna"
)

// CanonicalHost gives a host or domain name in the form in which names are compared: ASCII (punycode for
// international names), lower case, without a trailing dot. A name that IDNA refuses is returned lower-cased.
func CanonicalHost(name string) string {
	name = strings.ToLower(strings.TrimSuffix(strings.TrimSpace(name), "."))
	if ascii, err := idna.Lookup.ToASCII(name); err == nil {
		return ascii
	}
	return name
}

// AddressDomain returns the canonical domain of a mail address, "" if it has none.
func AddressDomain(address string) string {
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return ""
	}
	return CanonicalHost(strings.TrimRight(address[at+1:], "> "))
}

// matchHost returns how closely a pattern fits a canonical name, 0 if it does not. ".suffix" fits what lies
// below the suffix, on a label boundary, the more labels the closer; any other pattern must be equal and
// then fits more closely than a suffix.
func matchHost(pattern, name string) int {
	if suffix, ok := strings.CutPrefix(pattern, "."); ok {
		if len(name) > len(pattern) && strings.HasSuffix(name, pattern) {
			return 2*strings.Count(suffix, ".") + 2
		}
		return 0
	}
	if name == pattern {
		return 2*strings.Count(name, ".") + 3
	}
	return 0
}

// bestMatch returns the strength of the best matching pattern, 0 if none matches.
func bestMatch(patterns []string, name string) int {
	best := 0
	for _, p := range patterns {
		best = max(best, matchHost(p, name))
	}
	return best
}
