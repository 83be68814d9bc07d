package audit

import (
	"errors"
	"fmt"
)

// Blame is what an error of a store is about.
type Blame int

const (
	// BlameUnknown: the error does not say. A lock, a timeout or a missing right may pass.
	BlameUnknown Blame = iota
	// BlameAway: the database, the way to it, or its disk. The work waits for it.
	BlameAway
	// BlameRow: the row that was read or written. Trying again changes nothing.
	BlameRow
)

// Blaming says what an error is about.
type Blaming interface {
	// Blame says what an error that this store returned is about, and the database's own code for it, such as
	// "SQLSTATE 23514"; "" where it has none. A code holds no data.
	Blame(err error) (b Blame, code string)
}

// RowError is a row that was read and cannot be understood.
type RowError struct{ Err error }

func (e *RowError) Error() string { return "unreadable row: " + e.Err.Error() }
func (e *RowError) Unwrap() error { return e.Err }

// OwnBlame is what an error is about that no database made: a row that was read and cannot be understood, or one
// at which the program broke off. Stores call it for what is not their database's.
func OwnBlame(err error) (b Blame, code string) {
	switch {
	case errors.As(err, new(*BrokenOff)):
		return BlameRow, "a fault of the program"
	case errors.As(err, new(*RowError)):
		return BlameRow, "unreadable"
	}
	return BlameUnknown, ""
}

// BrokenOff is a panic met at an item. The value may hold anything, so its type alone is told.
type BrokenOff struct {
	Value any
	Stack []byte
}

func (b *BrokenOff) Error() string { return fmt.Sprintf("broke off: panic (%T)", b.Value) }
