package providertest

import (
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"mailaudit/providers"
)

// What a server puts into a reply anew each time.
var (
	reAnyIP   = regexp.MustCompile(`\b[0-9]{1,3}(?:\.[0-9]{1,3}){3}\b`)
	reAnyHost = regexp.MustCompile(`\b(?:[a-z0-9-]+\.){1,3}(?:example(?:\.(?:org|com|net))?)\b`)
	reGUID    = regexp.MustCompile(`\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`)
	reInBody  = regexp.MustCompile(`"error_description"\s*:\s*"[^"\\]+`)
)

// Words that would decide if they were read where they stand: within an address, a host or an id.
var loaded = []string{"locked", "too-many", "disabled", "wrong-password", "suspended", "starttls", "blocked", "expired", "throttled", "mfa"}

// Where a reader may look further, in languages that servers add such lines in.
var further = []string{
	" See https://help.example.org/locked", " Weitere Hinweise: https://hilfe.example.org/gesperrt", " Plus de détails : https://aide.example.org/bloque",
	" Più dettagli: https://aiuto.example.org/bloccato", " Más detalles: https://ayuda.example.org/bloqueado", " 详情请见 https://help.example.org/locked",
	" Podrobnosti: https://help.example.org/zablokirovano", " Szczegóły: https://pomoc.example.org/zablokowane",
}

// Mutate returns the case's reply as the same server could give it another time: other addresses, hosts, machines and
// ids, other case, other line breaks. longer adds a line in some language that says where to read on; a rule that
// wants the whole text to be what it knows is right not to read such a reply.
func Mutate(c Case, r *rand.Rand, longer bool) string {
	word := func() string { return loaded[r.IntN(len(loaded))] + strconv.Itoa(r.IntN(1000)) }
	host := func(string) string { return word() + "." + word() + ".example.net" }
	wire := c.Wire
	for _, change := range []struct {
		what *regexp.Regexp
		to   func(string) string
	}{
		{reSession, func(string) string { return word() + "." + strconv.Itoa(r.IntN(99)) + " - gsmtp" }},
		{reTrailer, func(string) string {
			return "[" + host("") + " 2031-01-02T03:04:05.678Z " + strconv.Itoa(r.Int()) + "]"
		}},
		{reAddress, func(string) string { return word() + "@" + host("") }},
		{reAnyIP, func(string) string { return "198.51.100." + strconv.Itoa(1+r.IntN(254)) }},
		{reAnyHost, host},
		{reGUID, func(id string) string {
			return mapRunes(id, func(c rune) rune { return []rune("0123456789abcdef")[r.IntN(16)] })
		}},
	} {
		if r.IntN(2) == 0 {
			wire = change.what.ReplaceAllStringFunc(wire, change.to)
		}
	}
	more := ""
	if longer && !reSession.MatchString(wire) && !reTrailer.MatchString(wire) { // nothing follows a server's own id
		more = further[r.IntN(len(further))]
	}
	reply := c.parse(wire)
	switch {
	case c.Stage == providers.StageOAuthToken:
		return reInBody.ReplaceAllStringFunc(wire, func(s string) string { return s + more })
	case reply.Code == 334 || reply.Code == 0 || c.Stage == providers.StageEHLO && reply.Code == 250:
		return wire
	}
	return broken(reply, r.IntN(4), more, r)
}

// broken writes a reply anew: its words in another case, over lines of other lengths, with codes where the server or a
// client that joined the lines left them.
func broken(reply providers.Reply, caseOf int, more string, r *rand.Rand) string {
	code, enhanced := strconv.Itoa(reply.Code), ""
	if reply.Enhanced != "" {
		enhanced = reply.Enhanced + " "
	}
	words := strings.Fields(recased(reply.Text, caseOf, r) + more)
	if len(words) == 0 {
		return code + " " + enhanced
	}
	bare := r.IntN(3) // lines after the first: with all codes, the enhanced one alone, none
	var lines []string
	for len(words) > 0 {
		n := min(1+r.IntN(7), len(words))
		line := strings.Join(words[:n], " ")
		words = words[n:]
		sep := "-"
		if len(words) == 0 {
			sep = " "
		}
		switch {
		case len(lines) == 0 || bare == 0:
			line = code + sep + enhanced + line
		case bare == 1:
			line = enhanced + line
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, []string{"\n", "\r\n"}[r.IntN(2)])
}

func recased(text string, how int, r *rand.Rand) string {
	switch how {
	case 0:
		return strings.ToUpper(text)
	case 1:
		return strings.ToLower(text)
	case 2:
		return mapRunes(text, func(c rune) rune {
			if r.IntN(2) == 0 {
				return unicode.ToUpper(c)
			}
			return unicode.ToLower(c)
		})
	}
	return text
}

func mapRunes(text string, f func(rune) rune) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsLetter(c) || unicode.IsDigit(c) {
			return f(c)
		}
		return c
	}, text)
}
