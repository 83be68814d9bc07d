package config

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// Error is a configuration that cannot be meant; the program ends with exit code 2 and has started
// nothing. Its text is one line and holds no value that may be secret.
type Error struct {
	File    string // "" for what came from the environment
	Line    int    // 0 where the fault has no line
	Key     string // "notices.mode"; "" for a fault of the file itself
	Problem string
}

func (e *Error) Error() string {
	var where strings.Builder
	if e.File != "" {
		where.WriteString(e.File + ":")
		if e.Line > 0 {
			where.WriteString(strconv.Itoa(e.Line) + ":")
		}
		where.WriteByte(' ')
	}
	if e.Key != "" {
		where.WriteString(e.Key + ": ")
	}
	// A key may hold anything that YAML can escape.
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, where.String()+e.Problem)
}

// given is how a key's value stands in the file.
type given struct {
	line     int
	text     string // as written, before ${...} was replaced
	quoted   bool   // text, not a number
	replaced bool   // ${...} stood in it
	secret   bool
	env      string // the variable that overrode the file
}

// subject names the value for an error: as it is written, so that nothing that came by ${...} is shown,
// and not at all where the key is secret or the value is a URL with a password in it.
func (g given) subject() string {
	const longest = 60
	switch {
	case g.secret || strings.Contains(g.text, "://") && strings.Contains(g.text, "@"):
		return "the value"
	case len(g.text) > longest:
		return "the value"
	case g.replaced:
		return "the value of " + strconv.Quote(g.text)
	case g.quoted:
		return strconv.Quote(g.text)
	}
	return g.text
}

// fault makes the error for a key, whose problem is a predicate: "is not a time zone".
func (f *configFile) fault(key, predicate string) error {
	g := f.given[key]
	return f.faultAt(g.line, key, g.subject()+" "+predicate)
}

func (f *configFile) faultAt(line int, key, problem string) error {
	if g := f.given[key]; g.env != "" {
		return &Error{Key: g.env, Problem: problem}
	}
	return &Error{File: f.name, Line: line, Key: key, Problem: problem}
}

func (f *configFile) faultAtf(line int, key, format string, args ...any) error {
	return f.faultAt(line, key, fmt.Sprintf(format, args...))
}
