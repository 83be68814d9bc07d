package protocol

import (
	"slices"
	"strings"

	"mailaudit/providers"
)

// Offer is what a server says it can do, as far as we care.
type Offer struct {
	StartTLS   bool
	Mechanisms []providers.Mechanism
}

// ParseEHLO reads the reply to EHLO. It bears lower case, repeated AUTH lines, and the AUTH= form of old
// servers. The first line greets and offers nothing.
func ParseEHLO(wire string) Offer {
	var o Offer
	first := true
	for line := range strings.SplitSeq(wire, "\n") {
		if first {
			first = false
			continue
		}
		if len(line) < 4 {
			continue
		}
		words := strings.FieldsFunc(line[4:], func(r rune) bool { return r == ' ' || r == '\t' || r == '=' })
		if len(words) == 0 {
			continue
		}
		switch {
		case strings.EqualFold(words[0], "STARTTLS"):
			o.StartTLS = true
		case strings.EqualFold(words[0], "AUTH"):
			for _, w := range words[1:] {
				if m := providers.Mechanism(strings.ToUpper(w)); mechanismName(w) && !slices.Contains(o.Mechanisms, m) {
					o.Mechanisms = append(o.Mechanisms, m)
				}
			}
		}
	}
	return o
}

// mechanismName, RFC 4422 section 3.1: 1 to 20 letters, digits, hyphens and underscores.
func mechanismName(s string) bool {
	return len(s) <= 20 && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_')
	})
}
