package chain

import (
	"fmt"
	"slices"
	"time"

	"mailaudit/audit"
)

// Book is what the links of a chain state together.
type Book struct {
	Length int64
	Head   string // [None] of an empty chain

	Runs    map[string]Standing  // by key: each run's last seal
	Actions map[ActionID]string  // digest of each action, by what names it
	Begun   map[string][]string  // purges that have begun and not ended, by tombstone: the runs that they concern
	Expired map[string]time.Time // runs that retention has deleted, and when the link said so
	Before  time.Time            // actions from before are past retention
	Configs []Config             // that were in effect, oldest first
	Started time.Time            // of the first link
}

// Standing is a run's last seal, and which link states it.
type Standing struct {
	Seal
	N         int64
	At        time.Time
	Kind      Kind
	Tombstone string // of the purge that changed the run last
}

// ActionID names an operator's action.
type ActionID struct {
	ID int64
	At int64 // microseconds
}

// Config is a configuration and since when it was in effect.
type Config struct {
	Sum string
	At  time.Time
	Run string
}

// Verifier checks a link's signature.
type Verifier interface {
	Verify(text, signature []byte) error
}

// Read folds links, oldest first, into what they state. faults says in plain words what is wrong with the chain itself: a
// link that was changed, left out, moved or put in; a signature that is missing or another's. keys may be nil: then no
// signature is looked at.
func Read(links []audit.Link, keys Verifier) (b *Book, faults []string) {
	b = &Book{Head: None, Runs: map[string]Standing{}, Actions: map[ActionID]string{}, Begun: map[string][]string{}, Expired: map[string]time.Time{}}
	fault := func(n int64, text string, args ...any) {
		faults = append(faults, fmt.Sprintf("link %d ", n)+fmt.Sprintf(text, args...))
	}
	signed := false
	for _, l := range links {
		s, err := Parse(l.Text)
		if err != nil {
			fault(l.N, "cannot be read: %s", err)
			continue
		}
		switch {
		case s.N != l.N:
			fault(l.N, "bears the number %d", s.N)
		case s.N != b.Length+1:
			fault(l.N, "follows link %d: links were left out, moved or put in", b.Length)
		case s.Previous != b.Head:
			fault(l.N, "does not follow from the link before it: one of them was changed")
		}
		if keys != nil {
			switch {
			case len(l.Signature) > 0:
				signed = true
				if err := keys.Verify([]byte(l.Text), l.Signature); err != nil {
					fault(l.N, "is not signed by the key given")
				}
			case signed:
				fault(l.N, "is not signed, and links before it are")
			}
		}
		b.Length, b.Head = s.N, Head(l.Text)
		b.take(s, fault)
	}
	if keys != nil && len(links) > 0 && !signed {
		faults = append(faults, "no link of the chain is signed")
	}
	return b, faults
}

// take adds what a link states, within what its kind may state.
func (b *Book) take(s Statement, fault func(n int64, text string, args ...any)) {
	if b.Started.IsZero() {
		b.Started = s.At
	}
	if (s.Kind == Start) != (s.N == 1) {
		fault(s.N, "is of the kind %s, which only the first may be, and must be", s.Kind)
	}
	for _, seal := range s.Seals {
		was, known := b.Runs[seal.Run]
		switch {
		case !known:
		case s.Kind == Purge && was.Seq == seal.Seq && slices.Contains(b.Begun[s.Tombstone], seal.Run):
		case s.Kind == Run && len(s.Seals) > 0 && s.Seals[0].Run != seal.Run && seal.Seq > s.Seals[0].Seq && was.Seq == seal.Seq:
			// a run that concluded late may have changed what later runs took over from it
		default:
			fault(s.N, "seals run %s once more, which a link of the kind %s may not", seal.Run, s.Kind)
			continue
		}
		b.Runs[seal.Run] = Standing{Seal: seal, N: s.N, At: s.At, Kind: s.Kind, Tombstone: s.Tombstone}
	}
	for _, a := range s.Actions {
		b.Actions[ActionID{a.ID, a.At.UnixMicro()}] = a.Sum
	}
	switch s.Kind {
	case PurgeBegins:
		b.Begun[s.Tombstone] = s.Runs
	case Purge:
		delete(b.Begun, s.Tombstone)
	case Retention:
		for _, key := range s.Runs {
			b.Expired[key] = s.At
		}
		if s.Before.After(b.Before) {
			b.Before = s.Before
		}
	case Run:
		if s.Config != "" && (len(b.Configs) == 0 || b.Configs[len(b.Configs)-1].Sum != s.Config) {
			c := Config{Sum: s.Config, At: s.At}
			if len(s.Seals) > 0 {
				c.Run = s.Seals[0].Run
			}
			b.Configs = append(b.Configs, c)
		}
	}
}

// Purging returns the tombstone of a purge that has begun, has not ended and concerns the run; "" if there is none.
func (b *Book) Purging(run string) string {
	for tombstone, runs := range b.Begun {
		if slices.Contains(runs, run) {
			return tombstone
		}
	}
	return ""
}

// Next begins the statement of the link that follows.
func (b *Book) Next(kind Kind, at time.Time) Statement {
	return Statement{N: b.Length + 1, Previous: b.Head, At: at.UTC().Truncate(time.Microsecond), Kind: kind}
}

// Holds reports whether head is the hash of one of the links, and how many follow it.
func Holds(links []audit.Link, head string) (after int, ok bool) {
	for i, l := range links {
		if Head(l.Text) == head {
			return len(links) - 1 - i, true
		}
	}
	return 0, false
}

// Compare says how what a run has left now stands to its seal.
func (s Standing) Compare(rows Digest, report string) (same bool, what string) {
	switch {
	case s.Rows.Sum != "" && s.Rows != rows && s.Rows.Count != rows.Count:
		return false, fmt.Sprintf("%d rows were sealed, and %d are there", s.Rows.Count, rows.Count)
	case s.Rows.Sum != "" && s.Rows != rows:
		return false, "rows are not those that were sealed"
	case s.Report != "" && s.Report != report:
		return false, "the report is not the one that was sealed"
	}
	return true, ""
}
