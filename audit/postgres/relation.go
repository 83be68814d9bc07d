package postgres

import (
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// ownRelation is the program's own table of accounts.
const ownRelation = Schema + ".mail_accounts"

// parseRelation reads the name of a table or view as SQL writes it: with or without its schema, folded to
// lower case unless in double quotes.
func parseRelation(name string) (pgx.Identifier, error) {
	var parts pgx.Identifier
	for rest := name; ; {
		part, after, ok := identifier(rest)
		if !ok {
			return nil, &RelationError{strconv.Quote(name), "is not the name of a table or view such as mail_accounts or app.mail_accounts; put a name with other signs into double quotes"}
		}
		parts = append(parts, part)
		if after == "" {
			break
		}
		rest = after[1:] // the point
	}
	if len(parts) > 2 {
		return nil, &RelationError{strconv.Quote(name), "names a database; set accounts.database to it"}
	}
	return parts, nil
}

// identifier cuts the first part off a name. after is empty or begins with a point.
func identifier(s string) (part, after string, ok bool) {
	if strings.HasPrefix(s, `"`) {
		part, after, ok = quoted(s[1:])
	} else {
		n := strings.IndexFunc(s, func(r rune) bool { return !plain(r) })
		if n < 0 {
			n = len(s)
		}
		part, after, ok = strings.ToLower(s[:n]), s[n:], n > 0 && (s[0] < '0' || s[0] > '9') && s[0] != '$'
	}
	return part, after, ok && part != "" && !strings.Contains(part, "\x00") && (after == "" || len(after) > 1 && after[0] == '.')
}

// quoted reads up to the closing quote; two quotes stand for one.
func quoted(s string) (part, after string, ok bool) {
	var b strings.Builder
	for {
		inside, rest, found := strings.Cut(s, `"`)
		if !found {
			return "", "", false
		}
		b.WriteString(inside)
		if !strings.HasPrefix(rest, `"`) {
			return b.String(), rest, true
		}
		b.WriteByte('"')
		s = rest[1:]
	}
}

func plain(r rune) bool {
	return r == '_' || r == '$' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= 0x80
}
