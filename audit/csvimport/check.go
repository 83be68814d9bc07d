package csvimport

import (
	"net/mail"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"

	"mailaudit/audit/gate"
)

// printable is what every field must be: a control character in a name could end a header line of a mail,
// or a line of a terminal.
func printable(value string, longest int) string {
	if len(value) > longest {
		return "is longer than " + strconv.Itoa(longest) + " bytes"
	}
	for i, r := range value {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(value[i:], string(utf8.RuneError)):
			return "is not UTF-8 text; save the file as UTF-8"
		case r == '\n' || r == '\r' || r == '\u2028' || r == '\u2029':
			return "has a line end in it"
		case unicode.IsControl(r):
			return "has a control character in it"
		case unicode.Is(unicode.Cf, r):
			return "has an invisible character in it"
		}
	}
	return ""
}

// addressProblem takes a bare address, without a name or angle brackets.
func addressProblem(value string) string {
	parsed, err := mail.ParseAddress(value)
	if err != nil || parsed.Name != "" || parsed.Address != value {
		return "is not a mail address such as name@example.com"
	}
	return ""
}

// hostProblem takes what a run takes: a name or an IP address, and nothing around it.
func hostProblem(value string) string {
	if gate.Host(value) != "" {
		return "is not a host name or an IP address"
	}
	return ""
}

// parsePort takes 0 for the provider's default. A port is the one value that errors repeat, where it is a
// number.
func parsePort(value string) (port int, problem string) {
	n, err := strconv.ParseUint(value, 10, 16)
	if err == nil {
		return int(n), ""
	}
	if len(value) <= 9 && strings.Trim(value, "0123456789") == "" {
		return 0, value + " is not a port (1 to 65535)"
	}
	return 0, "is not a port (1 to 65535)"
}

// known remembers the few zones and locales that a text names over and over.
type known struct {
	zones   map[string]string // the problem with each
	locales map[string]string // its canonical form, "" for none
}

// maxKnown keeps a text of nonsense from filling memory.
const maxKnown = 1000

func newKnown() *known {
	return &known{zones: map[string]string{}, locales: map[string]string{}}
}

func (k *known) zone(value string) string {
	problem, ok := k.zones[value]
	if ok {
		return problem
	}
	if _, err := time.LoadLocation(value); err != nil || value == "Local" {
		problem = "is not a time zone of the IANA database such as America/Chicago"
	}
	if len(k.zones) < maxKnown {
		k.zones[strings.Clone(value)] = problem
	}
	return problem
}

func (k *known) locale(value string) (canonical, problem string) {
	canonical, ok := k.locales[value]
	if !ok {
		if tag, err := language.Parse(value); err == nil && tag != language.Und {
			canonical = tag.String()
		}
		if len(k.locales) < maxKnown {
			k.locales[strings.Clone(value)] = canonical
		}
	}
	if canonical == "" {
		return "", "is not a locale such as en or es-MX"
	}
	return canonical, ""
}
