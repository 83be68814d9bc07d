package csvimport

import (
	"cmp"
	"strings"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/gate"
	"mailaudit/providers"
)

// column is one column of the text. set stores a value that is not empty and returns what is wrong with it,
// "" for nothing.
type column struct {
	name    string
	longest int  // bytes
	needed  bool // the column, and a value in it
	unique  bool
	spaces  bool // may begin or end with a space
	set     func(a *audit.NewAccount, value string, k *known) string
}

// columns in the order in which the documentation lists them. Lengths are the limits of what a field
// holds where there is one (RFC 5321 for addresses, RFC 1035 for hosts), else ample.
var columns = []column{
	{name: "account_id", longest: 255, needed: true, unique: true, set: func(a *audit.NewAccount, v string, _ *known) string {
		a.ID = strings.Clone(v) // outlives the record in whatever the caller keeps
		return ""
	}},
	{name: "tenant_id", longest: 255, needed: true, set: func(a *audit.NewAccount, v string, _ *known) string {
		a.TenantID = v
		return ""
	}},
	{name: "tenant_name", longest: 1000, spaces: true, set: func(a *audit.NewAccount, v string, _ *known) string {
		a.TenantName = strings.TrimSpace(v)
		return ""
	}},
	{name: "address", longest: 320, needed: true, set: func(a *audit.NewAccount, v string, _ *known) string {
		a.Address = v
		return cmp.Or(meant(v), addressProblem(v))
	}},
	{name: "username", longest: 320, set: func(a *audit.NewAccount, v string, _ *known) string {
		a.Username = v
		return meant(v)
	}},
	{name: "host", longest: 253, set: func(a *audit.NewAccount, v string, _ *known) string {
		a.Host = v
		return cmp.Or(meant(v), hostProblem(v))
	}},
	{name: "port", longest: 1000, set: func(a *audit.NewAccount, v string, _ *known) (problem string) {
		a.Port, problem = parsePort(v)
		return problem
	}},
	{name: "security", longest: 255, set: func(a *audit.NewAccount, v string, _ *known) string {
		if _, ok := gate.Security(v, 0); !ok {
			return "is neither tls nor starttls"
		}
		a.Security = providers.Security(v) // what it means depends on the port, see scan.row
		return ""
	}},
	{name: "auth", longest: 255, set: func(a *audit.NewAccount, v string, _ *known) string {
		auth, ok := gate.Auth(v)
		if !ok {
			return "is neither password nor oauth2"
		}
		a.Auth = auth
		return ""
	}},
	// Refresh tokens are the longest secrets; those of some providers go beyond two thousand signs.
	{name: "secret", longest: 16 << 10, needed: true, spaces: true, set: func(a *audit.NewAccount, v string, _ *known) string {
		if strings.TrimSpace(v) == "" {
			return "is empty"
		}
		a.Secret = providers.NewSecret(strings.Clone(v))
		return gate.Secret(v)
	}},
	{name: "contact_name", longest: 1000, spaces: true, set: func(a *audit.NewAccount, v string, _ *known) string {
		a.ContactName = strings.TrimSpace(v)
		return ""
	}},
	{name: "contact_email", longest: 320, set: func(a *audit.NewAccount, v string, _ *known) string {
		a.ContactEmail = v
		return cmp.Or(meant(v), addressProblem(v))
	}},
	// Where the column is there, a contact without a time in it is not verified, see [contactColumn].
	{name: contactColumn, longest: 255, set: func(a *audit.NewAccount, v string, _ *known) string {
		var verified time.Time
		a.ContactUnverified = false
		return setTime(&verified, v)
	}},
	{name: "locale", longest: 255, set: func(a *audit.NewAccount, v string, k *known) (problem string) {
		a.Locale, problem = k.locale(v)
		return problem
	}},
	{name: "time_zone", longest: 255, set: func(a *audit.NewAccount, v string, k *known) string {
		a.TimeZone = v
		return k.zone(v)
	}},
	{name: "updated_at", longest: 255, set: func(a *audit.NewAccount, v string, _ *known) string {
		return setTime(&a.UpdatedAt, v)
	}},
	{name: "last_sent_ok_at", longest: 255, set: func(a *audit.NewAccount, v string, _ *known) string {
		return setTime(&a.LastSentOKAt, v)
	}},
}

// contactColumn says when the product verified the contact.
const contactColumn = "contact_verified_at"

var columnsByName = func() map[string]*column {
	m := map[string]*column{}
	for i := range columns {
		m[columns[i].name] = &columns[i]
	}
	return m
}()

// headerProblem sees what is no header at all; its text is not repeated, since it may be an account.
func headerProblem(record []string) string {
	for _, name := range record {
		if _, ok := columnsByName[strings.ToLower(strings.TrimSpace(name))]; ok {
			return ""
		}
	}
	if len(record) == 1 && strings.ContainsAny(record[0], ";\t") {
		return "the columns must be separated by commas"
	}
	return "is not a header line; the first line must name the columns, such as account_id,tenant_id,address,secret"
}

// unknownColumn is said of a header that has known columns, so that its names may be shown.
func unknownColumn(name string) string {
	if plain := strings.ToLower(strings.TrimSpace(name)); columnsByName[plain] != nil {
		return "is not written exactly: " + plain
	}
	var names []string
	for _, c := range columns {
		names = append(names, c.name)
	}
	return "is not a column of accounts; these are: " + strings.Join(names, ", ")
}

// setTime reads RFC 3339, and the form in which PostgreSQL writes timestamptz.
func setTime(t *time.Time, value string) string {
	for _, layout := range []string{
		time.RFC3339Nano, "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999Z07",
	} {
		if parsed, err := time.Parse(layout, value); err == nil {
			*t = parsed
			return ""
		}
	}
	return "is not a time with its zone such as 2026-11-23T02:15:00Z"
}

// meant refuses what exports write for nothing.
func meant(value string) string {
	if gate.Placeholder(value) {
		return "holds a placeholder, such as NULL or None; leave the field empty"
	}
	return ""
}
