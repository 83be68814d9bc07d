// Package csvimport reads accounts from CSV: a header line that names the columns, then an account a line. It
// checks each field as strictly as the rest of the program relies on, and says of a bad one in which line
// and column it stands; sealing and storing are the caller's. Start with [Read].
package csvimport

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"mailaudit/audit"
	"mailaudit/audit/gate"
)

// maxRecord bounds one record, so that a quotation mark that is never closed does not read a whole file
// into memory.
const maxRecord = 1 << 20

// Read calls each for every account of the CSV text in r, with the physical line on which its record
// begins, and returns the first error of each as it is.
//
// Whatever is wrong with the text is an [*Error], which names the first fault by line and column and counts
// the others; name is the file's name in it. From the first fault on each is not called any more. Accounts
// before it have been handed over by then: a caller that stores does so in one transaction. The ids are kept
// in memory, to find one that is given twice.
func Read(r io.Reader, name string, each func(line int, account audit.NewAccount) error) error {
	bounded := &boundedReader{from: r}
	records, err := open(bounded, name)
	if err != nil {
		return err
	}
	s := &scan{records: records, name: name, lines: map[string]int{}, known: newKnown()}
	if err := s.header(); err != nil {
		return err
	}
	rows := 0
	for {
		bounded.done = records.InputOffset()
		record, err := records.Read()
		if err == io.EOF {
			break
		}
		rows++
		if err != nil {
			if err := s.broken(record, err); err != nil {
				return err
			}
			break
		}
		line, account := s.row(record)
		if s.first != nil {
			continue // what follows is counted
		}
		if err := each(line, account); err != nil {
			return err
		}
	}
	if s.first == nil && rows == 0 {
		return &Error{File: name, Line: 1, Problem: "has a header line and no accounts"}
	}
	if s.first != nil {
		s.first.More = s.more
		return s.first
	}
	return nil
}

// open looks at the beginning of the text: what is no UTF-8 would otherwise be a puzzle of columns.
func open(r io.Reader, name string) (*csv.Reader, error) {
	buffered := bufio.NewReader(r)
	head, err := buffered.Peek(4)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	switch {
	case len(head) == 0:
		return nil, &Error{File: name, Line: 1, Problem: "is empty; the first line must name the columns"}
	case strings.HasPrefix(string(head), "\ufeff"):
		buffered.Discard(len("\ufeff"))
	case len(head) >= 2 && (head[0] == 0xff && head[1] == 0xfe || head[0] == 0xfe && head[1] == 0xff || head[0] == 0 || head[1] == 0):
		return nil, &Error{File: name, Line: 1, Column: 1, Problem: "is UTF-16 text; save it as UTF-8"}
	}
	records := csv.NewReader(buffered)
	records.FieldsPerRecord = -1 // counted here, to say what is known of it
	records.ReuseRecord = true
	return records, nil
}

// scan is one reading.
type scan struct {
	records *csv.Reader
	name    string
	columns []*column      // in the order of the file
	lines   map[string]int // of each account id
	known   *known
	last    int // the line on which the record read last began
	first   *Error
	more    int
}

// fault notes a fault of the record read last; field counts from 0.
func (s *scan) fault(field int, problem string) {
	line, _ := s.records.FieldPos(field)
	s.note(&Error{File: s.name, Line: line, Column: field + 1, Name: s.columns[field].name, Problem: problem})
}

// note keeps the first fault and counts the others.
func (s *scan) note(e *Error) {
	if s.first != nil {
		s.more++
		return
	}
	s.first = e
}

// row turns a record into an account, and notes what is wrong with it.
func (s *scan) row(record []string) (line int, a audit.NewAccount) {
	line, _ = s.records.FieldPos(0)
	s.last = line
	if len(record) != len(s.columns) {
		// The text is not repeated: the missing or extra comma may be one in a password.
		first := min(len(record), len(s.columns)) // that is missing, or too many
		name := ""
		if first < len(s.columns) {
			name = s.columns[first].name
		}
		s.note(&Error{File: s.name, Line: line, Column: first + 1, Name: name, Problem: fmt.Sprintf(
			"the row has %d fields where the header has %d; a field with a comma in it needs quotes", len(record), len(s.columns))})
		return line, a
	}
	for i, c := range s.columns {
		if c.name == contactColumn {
			a.ContactUnverified = true // until a time says otherwise
		}
		value := record[i]
		problem := printable(value, c.longest)
		if problem == "" && !c.spaces && value != strings.TrimSpace(value) {
			problem = "begins or ends with a space"
		}
		if problem == "" && value == "" {
			if !c.needed {
				continue
			}
			problem = "is empty"
		}
		if problem == "" {
			problem = c.set(&a, value, s.known)
		}
		if problem != "" {
			s.fault(i, problem)
		} else if c.unique {
			s.once(i, line, value)
		}
	}
	if a.Auth == "" {
		a.Auth = audit.AuthPassword
	}
	a.Security, _ = gate.Security(string(a.Security), a.Port) // a word that is not known was noted
	return line, a
}

// once refuses an account id that was given before.
func (s *scan) once(field, line int, id string) {
	if before, twice := s.lines[id]; twice {
		s.fault(field, fmt.Sprintf("the same id stands on line %d", before))
		return
	}
	// A copy: id shares its memory with the whole record, and so with the secret.
	s.lines[strings.Clone(id)] = line
}

func (s *scan) faultRecord(line int, problem string) {
	s.note(&Error{File: s.name, Line: line, Problem: problem})
}

// broken notes an error of the CSV reader, after which nothing more can be understood; record has the fields
// that were read before it. An error of the reader beneath is returned.
func (s *scan) broken(record []string, err error) error {
	var parse *csv.ParseError
	switch {
	case errors.Is(err, errLongRecord):
		s.faultRecord(s.last+1, fmt.Sprintf("a record that begins here or further down is longer than %d bytes; is a "+
			"quotation mark not closed?", maxRecord))
		return nil
	case !errors.As(err, &parse):
		return fmt.Errorf("read %s: %w", s.name, err)
	}
	e := &Error{File: s.name, Line: parse.StartLine, Column: len(record) + 1,
		Problem: "a quotation mark opens the field and is not closed, or one inside it is not doubled"}
	switch {
	case errors.Is(err, csv.ErrBareQuote):
		e.Problem = "has a quotation mark in it; such a field stands in quotation marks, and its own are doubled"
	case parse.StartLine != parse.Line:
		e.Problem += fmt.Sprintf(" (seen on line %d)", parse.Line)
	}
	if e.Column <= len(s.columns) {
		e.Name = s.columns[e.Column-1].name
	}
	s.note(e)
	return nil
}

// header reads the first record and finds its columns.
func (s *scan) header() error {
	record, err := s.records.Read()
	if err == io.EOF {
		return &Error{File: s.name, Line: 1, Problem: "is empty; the first line must name the columns"}
	}
	if err != nil {
		if err := s.broken(record, err); err != nil {
			return err
		}
		return s.first
	}
	line, _ := s.records.FieldPos(0)
	s.last = line
	for _, name := range record {
		if !utf8.ValidString(name) {
			return &Error{File: s.name, Line: line, Problem: "is not UTF-8 text; save it as UTF-8"}
		}
	}
	if problem := headerProblem(record); problem != "" {
		return &Error{File: s.name, Line: line, Problem: problem}
	}
	seen := map[string]int{}
	for i, name := range record {
		c, known := columnsByName[name]
		switch {
		case !known:
			return &Error{File: s.name, Line: line, Column: i + 1, Problem: unknownColumn(name)}
		case seen[name] > 0:
			return &Error{File: s.name, Line: line, Column: i + 1, Name: name,
				Problem: fmt.Sprintf("column %d has the same name", seen[name])}
		}
		seen[name] = i + 1
		s.columns = append(s.columns, c)
	}
	for _, c := range columns {
		if c.needed && seen[c.name] == 0 {
			return &Error{File: s.name, Line: line, Problem: "the column " + c.name + " is missing; account_id, tenant_id, " +
				"address and secret are needed"}
		}
	}
	return nil
}
