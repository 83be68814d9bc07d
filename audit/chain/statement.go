package chain

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Kind is what a link is about.
type Kind string

const (
	Start       Kind = "start"        // what was there before the chain began, as it was found then
	Run         Kind = "run"          // a run has concluded
	PurgeBegins Kind = "purge-begins" // a tenant is about to be taken out of the runs named
	Purge       Kind = "purge"        // it is taken out; the runs named are sealed anew
	Retention   Kind = "retention"    // the runs named are older than retention and are being deleted
)

// Statement is what a link says.
type Statement struct {
	N        int64  // counts links from 1
	Previous string // head of the chain before this link; [None] for the first
	At       time.Time
	Kind     Kind
	Words    string // for people, one line; "" for none

	Seals     []Seal
	Actions   []ActionSeal
	Config    string    // SHA-256 of the configuration in effect, secrets masked; "" where the link says nothing of it
	Tombstone string    // of a purge
	Runs      []string  // that a purge concerns, or that retention deletes
	Before    time.Time // of retention: what is older goes
}

// Seal states digests of what one run has left.
type Seal struct {
	Run     string // key
	Seq     int64
	Started time.Time
	Rows    Digest // of its rows; the zero value where they are not stated
	Report  string // SHA-256 of its report, see report.Summary.Digest; "" where none was kept
}

// Digest is how many rows there are, and the SHA-256 over all of them.
type Digest struct {
	Count int
	Sum   string // hexadecimal; "" where it is not stated
}

// ActionSeal states the digest of one operator's action.
type ActionSeal struct {
	ID  int64
	At  time.Time
	Sum string
}

// None stands for the head of an empty chain.
const None = "0000000000000000000000000000000000000000000000000000000000000000"

const (
	form      = "mailaudit evidence 1"
	unstated  = "-"
	timestamp = "2006-01-02T15:04:05.000000Z"
)

// Text is the canonical form: one fact a line, words parted by one space, each line ended by a newline. Its bytes are
// what is hashed and signed.
func (s Statement) Text() string {
	var b strings.Builder
	line := func(words ...string) {
		b.WriteString(strings.Join(words, " "))
		b.WriteByte('\n')
	}
	line(form)
	line("link", strconv.FormatInt(s.N, 10))
	line("previous", s.Previous)
	line("at", stamp(s.At))
	line("kind", string(s.Kind))
	if s.Words != "" {
		line("words", s.Words)
	}
	if s.Tombstone != "" {
		line("tombstone", s.Tombstone)
	}
	if !s.Before.IsZero() {
		line("before", stamp(s.Before))
	}
	for _, key := range s.Runs {
		line("run", key)
	}
	for _, seal := range s.Seals {
		line("seal", seal.Run, strconv.FormatInt(seal.Seq, 10), stamp(seal.Started),
			strconv.Itoa(seal.Rows.Count), or(seal.Rows.Sum), or(seal.Report))
	}
	for _, a := range s.Actions {
		line("action", strconv.FormatInt(a.ID, 10), stamp(a.At), a.Sum)
	}
	if s.Config != "" {
		line("config", s.Config)
	}
	return b.String()
}

// Head is the hash of a link's text: the SHA-256 of its bytes, in hexadecimal.
func Head(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// Parse reads a statement and accepts the canonical form alone, so that no two texts say the same.
func Parse(text string) (Statement, error) {
	var s Statement
	for line := range strings.Lines(text) {
		word, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if err := s.take(word, strings.Split(rest, " "), rest); err != nil {
			return Statement{}, fmt.Errorf("line %q: %w", strings.TrimSuffix(line, "\n"), err)
		}
	}
	if s.Text() != text {
		return Statement{}, errors.New("is not in the canonical form")
	}
	return s, nil
}

func (s *Statement) take(word string, args []string, rest string) (err error) {
	r := reader{args: args}
	switch word {
	case "mailaudit":
	case "link":
		s.N = r.number()
	case "previous":
		s.Previous = r.text()
	case "at":
		s.At = r.time()
	case "kind":
		s.Kind = Kind(r.text())
	case "words":
		s.Words = rest
		return nil
	case "tombstone":
		s.Tombstone = r.text()
	case "before":
		s.Before = r.time()
	case "run":
		s.Runs = append(s.Runs, r.text())
	case "seal":
		seal := Seal{Run: r.text(), Seq: r.number(), Started: r.time()}
		seal.Rows = Digest{Count: int(r.number()), Sum: r.stated()}
		seal.Report = r.stated()
		s.Seals = append(s.Seals, seal)
	case "action":
		s.Actions = append(s.Actions, ActionSeal{ID: r.number(), At: r.time(), Sum: r.text()})
	case "config":
		s.Config = r.text()
	default:
		return errors.New("begins with an unknown word")
	}
	if word != "mailaudit" && (r.bad || len(r.args) > 0) {
		return errors.New("is not as the word demands")
	}
	return nil
}

// reader takes the words of a line one by one.
type reader struct {
	args []string
	bad  bool
}

func (r *reader) text() string {
	if len(r.args) == 0 || r.args[0] == "" {
		r.bad = true
		return ""
	}
	word := r.args[0]
	r.args = r.args[1:]
	return word
}

func (r *reader) stated() string {
	if word := r.text(); word != unstated {
		return word
	}
	return ""
}

func (r *reader) number() int64 {
	n, err := strconv.ParseInt(r.text(), 10, 64)
	r.bad = r.bad || err != nil
	return n
}

func (r *reader) time() time.Time {
	word := r.text()
	if word == unstated {
		return time.Time{}
	}
	t, err := time.Parse(timestamp, word)
	r.bad = r.bad || err != nil
	return t
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return unstated
	}
	return t.UTC().Format(timestamp)
}

func or(sum string) string {
	if sum == "" {
		return unstated
	}
	return sum
}
