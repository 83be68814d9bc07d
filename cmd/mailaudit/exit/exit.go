// Package exit has the exit codes of the program, the error that carries one, and how an error reads as one line. It
// knows nothing of the rest.
package exit

import (
	"fmt"
	"strings"
)

// Exit codes.
const (
	Done   = 0
	Failed = 1 // the work failed or is not complete
	Usage  = 2 // usage or configuration error: nothing was started
	Held   = 3 // run --exit-code: the run concluded while a hold is open, whichever run opened it

	Failing    = 4 // check --exit-code: the account is failing
	Unverified = 5 // check --exit-code: nothing can be said of the account
)

// Error ends the program with a code of its own.
type Error struct {
	Code int
	Err  error
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// Usagef is an error that ends the program with [Usage].
func Usagef(format string, args ...any) error {
	return &Error{Usage, fmt.Errorf(format, args...)}
}

// OneLine writes an error of many lines in one, and what it says twice in a row once.
func OneLine(err error) string {
	var b strings.Builder
	last := ""
	for line := range strings.Lines(err.Error()) {
		line = strings.Join(strings.Fields(line), " ")
		if line == "" || line == last {
			continue
		}
		switch {
		case last == "":
		case strings.HasSuffix(last, ":"):
			b.WriteString(" ")
		default:
			b.WriteString("; ")
		}
		b.WriteString(line)
		last = line
	}
	return b.String()
}
