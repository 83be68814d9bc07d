package postgres

import (
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// typed is a column of a relation, its domain resolved.
type typed struct {
	Name     string
	Base     string // text, int8, uuid, ...
	Category string // pg_type.typcategory: S is strings, E enumerations
	Declared string // as people write it: character varying(80)
	Cast     string // the base type, as a cast takes it
	Readable bool
}

// use is what a column is read as.
type use struct {
	name   string
	needed bool
	// fits reports whether a type will do; wanted names those that do, and fix what to write in a view.
	fits        func(typed) bool
	wanted, fix string
	read        func(quoted string, t typed) string // the expression that reads it
	absent      string                              // the expression where it is absent
}

func oneOf(bases ...string) func(typed) bool {
	return func(t typed) bool { return slices.Contains(bases, t.Base) }
}

func isText(t typed) bool    { return t.Category == "S" || t.Category == "E" }
func isInteger(t typed) bool { return oneOf("int2", "int4", "int8")(t) }
func isID(t typed) bool      { return t.Category == "S" || isInteger(t) || t.Base == "uuid" }
func isSecret(t typed) bool  { return t.Category == "S" || oneOf("bytea", "json", "jsonb")(t) }
func isMoment(t typed) bool  { return oneOf("timestamptz", "timestamp", "date")(t) }

func readText(q string, _ typed) string { return "coalesce(" + q + "::text, '')" }

func readPort(q string, t typed) string {
	if isInteger(t) {
		return "greatest(least(coalesce(" + q + ", 0), 65536::bigint), -1)::integer"
	}
	// What is no number is no port; it must not read as "the default".
	return "CASE WHEN coalesce(btrim(" + q + "::text), '') = '' THEN 0 WHEN btrim(" + q + "::text) ~ '^[0-9]{1,5}$' THEN btrim(" + q + "::text)::integer ELSE -1 END"
}

func readMoment(q string, t typed) string {
	value := q
	if t.Base != "timestamptz" {
		value = q + "::timestamp AT TIME ZONE 'UTC'"
	}
	return "CASE WHEN isfinite(" + q + ") THEN " + value + " END"
}

// readSecret reads a secret's bytes. A JSON string is what it says, any other JSON its text.
func readSecret(q string, t typed) string {
	switch t.Base {
	case "bytea":
		return q
	case "json", "jsonb":
		return "convert_to(CASE json_typeof(" + q + "::json) WHEN 'string' THEN " + q + "::json #>> '{}' ELSE " + q + "::text END, 'UTF8')"
	}
	return "convert_to(" + q + "::text, 'UTF8')"
}

func text(name string) use {
	return use{name: name, fits: isText, wanted: "text", fix: "::text", read: readText, absent: "''"}
}

func id(name string) use {
	return use{name: name, needed: true, fits: isID, wanted: "text, bigint or uuid", fix: "::text", read: readText}
}

// accountUses are the columns of an account, in the order in which scanAccount reads them.
func accountUses() []use {
	address, auth := text("address"), text("auth")
	address.needed = true
	auth.read = func(q string, _ typed) string { return "lower(coalesce(nullif(" + q + "::text, ''), 'password'))" }
	auth.absent = "'password'"
	security := text("security")
	security.read = func(q string, t typed) string { return "lower(" + readText(q, t) + ")" }
	moment := func(name string) use {
		return use{name: name, fits: isMoment, wanted: "timestamptz", fix: "::timestamptz", read: readMoment, absent: "NULL::timestamptz"}
	}
	port := use{
		name: "port", fits: func(t typed) bool { return isInteger(t) || t.Category == "S" },
		wanted: "integer or text", fix: "::integer", read: readPort, absent: "0",
	}
	return []use{
		id("account_id"), id("tenant_id"), text("tenant_name"), address, text("username"), text("host"), port, security, auth,
		text("contact_name"), text("contact_email"), text("locale"), text("time_zone"), moment("updated_at"), moment("last_sent_ok_at"), contactUse(),
	}
}

func secretUse() use {
	return use{name: "secret", needed: true, fits: isSecret, wanted: "bytea, text or jsonb", fix: "::bytea", read: readSecret}
}

const contactVerified = "contact_verified_at"

// contactUse reads whether a contact is not verified, where the relation says when contacts were. The program's own table
// says it outright.
func contactUse() use {
	return use{
		name: contactVerified, fits: isMoment, wanted: "timestamptz", fix: "::timestamptz", absent: "false",
		read: func(q string, t typed) string {
			if t.Base == "bool" {
				return q
			}
			return "(" + readMoment(q, t) + ") IS NULL"
		},
	}
}

// needed are the columns that must be there.
const needed = "account_id, tenant_id, address and secret"

// problem says what is wrong with the column for the use, and what to do.
func (u use) problem(t typed, there bool, role string, relation string) string {
	switch {
	case !there && u.needed:
		return fmt.Sprintf("column %s is missing; needed are %s: read a view that has it", u.name, needed)
	case !there:
		return ""
	case !u.fits(t):
		return fmt.Sprintf("column %s is %s and must be %s: read a view with %s%s AS %s", u.name, t.Declared, u.wanted, u.name, u.fix, u.name)
	case !t.Readable:
		return fmt.Sprintf("column %s may not be read: GRANT SELECT ON %s TO %s", u.name, relation, role)
	}
	return ""
}

// expression reads the column for the use.
func (u use) expression(t typed, there bool) string {
	if !there {
		return u.absent
	}
	return u.read(pgx.Identifier{t.Name}.Sanitize(), t)
}

func joined(problems []string) string { return strings.Join(problems, "; ") }
