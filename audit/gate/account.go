package gate

import (
	"net/netip"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"mailaudit/audit"
)

// Account is the account as it is meant: synonyms in the program's words, a trailing dot, a scheme's spelling and spaces
// around values gone. What cannot be meant is told by its Flaw, and nothing of it is guessed.
func Account(a audit.Account) audit.Account {
	flaw := a.Flaw
	find := func(column, what string) {
		if flaw.Column == "" && what != "" {
			flaw = audit.Flaw{Column: column, What: what}
		}
	}
	for _, c := range []struct {
		column string
		value  *string
		meant  bool // a placeholder is wrong here
	}{
		{"account_id", &a.ID, false}, {"tenant_id", &a.TenantID, false}, {"address", &a.Address, true}, {"username", &a.Username, true},
		{"host", &a.Host, true},
	} {
		find(c.column, signs(*c.value))
		if c.meant && Placeholder(*c.value) {
			find(c.column, "holds a placeholder, such as NULL or None")
		}
	}
	find("account_id", ids(a.ID))
	a.Host = strings.TrimSpace(a.Host)
	find("host", Host(a.Host))
	a.Host = strings.TrimSuffix(a.Host, ".")
	a.Address, a.Username = strings.TrimSpace(a.Address), strings.TrimSpace(a.Username)
	if a.Username == "" {
		find("address", mailbox(a.Address))
	}
	if a.Port < 0 || a.Port > 65535 {
		find("port", "is not a port (1 to 65535)")
	}
	auth, ok := Auth(string(a.Auth))
	if !ok {
		find("auth", "holds a word that is neither password nor oauth2")
	}
	a.Auth = auth
	security, ok := Security(string(a.Security), a.Port)
	if !ok {
		find("security", "holds a word that is neither tls nor starttls")
	}
	a.Security, a.Flaw = security, flaw
	return a
}

func ids(id string) string {
	if strings.TrimSpace(id) == "" {
		return "is empty"
	}
	return ""
}

// signs tells of what nobody sees and no server means: controls, format characters, line ends (Unicode Cc, Cf, Zl, Zp).
func signs(value string) string {
	if !utf8.ValidString(value) {
		return "is not UTF-8 text"
	}
	for _, r := range strings.TrimSpace(value) {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) || r == '\u00a0' {
			return "holds an invisible sign"
		}
	}
	return ""
}

// Host tells what is wrong with a stored host, which is a name or an IP address and nothing around it; "" for none. One
// dot may end it.
func Host(value string) string {
	if value == "" {
		return ""
	}
	value = strings.TrimSuffix(value, ".")
	switch {
	case strings.Contains(value, "://"), strings.ContainsAny(value, "/@?#"):
		return "holds a URL; a host name alone is needed"
	}
	if _, err := netip.ParseAddr(value); err == nil {
		return ""
	}
	if strings.Contains(value, ":") {
		return "holds a port; it belongs into the column port"
	}
	for label := range strings.SplitSeq(value, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return "is not a host name"
		}
		for _, r := range label {
			if r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) {
				return "is not a host name"
			}
		}
	}
	return ""
}

func mailbox(value string) string {
	at := strings.LastIndexByte(value, '@')
	if at <= 0 || at == len(value)-1 || strings.ContainsFunc(value, unicode.IsSpace) || strings.ContainsAny(value[at+1:], "<>,;") {
		return "is no mail address, and no username stands beside it"
	}
	return ""
}

// skew is how far ahead a time may lie that another machine wrote.
const skew = 5 * time.Minute

// Ahead reports whether a time of the source has not come yet: it proves nothing.
func Ahead(t, now time.Time) bool { return t.Sub(now) > skew }
