package audit

import (
	"context"
)

// Link is one link of the chain of evidence as it is stored. What it says, and how links hang together, is package
// chain's.
type Link struct {
	N         int64 // counts from 1
	Text      string
	Signature []byte // of the text; nil where none was configured
}

// Chaining keeps the chain of evidence, and hands out what its links state.
type Chaining interface {
	// Links returns the links with a greater N than after, ascending, at most limit.
	Links(ctx context.Context, after int64, limit int) ([]Link, error)
	// AddLink appends a link. ErrMoved if one of its number stands already.
	AddLink(ctx context.Context, l Link) error
	// EvidenceRows calls each, in a fixed order, with every row that tells of a concluded run: the run itself, its facts
	// of the names given, its notes, and each account's last step of the history as of that run, columns as text.
	// Accounts that left the source are there in the run that noticed it, and in none after it. What goes on after the
	// conclusion (mails, whether the summary is posted) is left out, so that the rows of a run stay as they are
	// until a purge changes them.
	EvidenceRows(ctx context.Context, run Run, facts []string, each func(table string, columns ...string) error) error
}
