package providertest

import (
	"regexp"
	"strconv"
	"strings"

	"mailaudit/providers"
)

// What varies from one reply to the next. The replacements hold words that would decide in another place.
var (
	reSession = regexp.MustCompile(`\S+ - gsmtp`)
	reTrailer = regexp.MustCompile(`\[(?:Hostname=)?[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+){2,}[^\]]*\]`)
	reAddress = regexp.MustCompile(`[a-z0-9.]+@[a-z0-9.-]+`)
	reIP      = regexp.MustCompile(`\b(?:203\.0\.113|192\.0\.2)\.[0-9]+\b`)
	reHost    = regexp.MustCompile(`\b(?:[a-z0-9-]+\.)+example\.(?:org|com)\b`)
)

// Variants returns the case's reply in other forms in which the same server could give it: other session ids,
// hosts, addresses and dates, other case, other line breaks, lines that lost their codes on the way.
func Variants(c Case) map[string]string {
	out := map[string]string{
		"session ids": reSession.ReplaceAllString(c.Wire, "zz9plural77-locked.55 - gsmtp"),
		"servers":     reTrailer.ReplaceAllString(c.Wire, "[SUSPENDED01.locked.throttled.prod.outlook.com 2031-01-02T03:04:05.678Z 0123456789ABCDEF]"),
		"addresses":   reAddress.ReplaceAllString(c.Wire, "too-many.locked@blocked.example.net"),
		"machines":    reIP.ReplaceAllString(c.Wire, "198.51.100.99"),
		"hosts":       reHost.ReplaceAllString(c.Wire, "suspended.disabled.example.net"),
	}
	if c.Stage == providers.StageOAuthToken {
		return out
	}
	r := c.Reply()
	code := strconv.Itoa(r.Code)
	if r.Code == 334 || r.Code == 0 || c.Stage == providers.StageEHLO && r.Code == 250 {
		return out
	}
	out["CRLF"] = strings.ReplaceAll(c.Wire, "\n", "\r\n") + "\r\n"
	out["upper case"] = strings.ToUpper(c.Wire)
	out["lower case"] = strings.ToLower(c.Wire)
	prefix := ""
	if r.Enhanced != "" {
		prefix = r.Enhanced + " "
	}
	words := strings.Fields(r.Text)
	split := func(n int, first, next, last string) string {
		var lines []string
		for len(words) > 0 {
			k := min(n, len(words))
			line := next
			if len(lines) == 0 {
				line = first
			}
			if k == len(words) && len(lines) > 0 {
				line = last
			}
			lines = append(lines, line+strings.Join(words[:k], " "))
			words = words[k:]
		}
		words = strings.Fields(r.Text)
		return strings.Join(lines, "\n")
	}
	if len(words) > 1 {
		out["one line"] = code + " " + prefix + strings.Join(words, " ")
		for n := 1; n <= 4; n++ {
			out["lines of "+strconv.Itoa(n)] = split(n, code+"-"+prefix, code+"-"+prefix, code+" "+prefix)
			out["lines joined, of "+strconv.Itoa(n)] = strings.ReplaceAll(out["lines of "+strconv.Itoa(n)], "\n", " ")
			out["codes lost, lines of "+strconv.Itoa(n)] = split(n, code+" "+prefix, prefix, prefix)
			out["all codes lost, lines of "+strconv.Itoa(n)] = split(n, code+" "+prefix, "", "")
		}
	}
	return out
}
