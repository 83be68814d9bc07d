package csvimport

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// Error is what is wrong with a CSV text: one line, in which no field of it is repeated but a port, since
// with a comma too many any field may be the secret.
type Error struct {
	File    string
	Line    int    // physical, from 1; 0 if not known
	Column  int    // the field's number, from 1; 0 for the whole record
	Name    string // the column's name
	Problem string
	More    int // faults after this one
}

func (e *Error) Error() string {
	var out strings.Builder
	out.WriteString(e.File + ": ")
	if e.Line > 0 {
		fmt.Fprintf(&out, "line %d", e.Line)
		if e.Column > 0 {
			fmt.Fprintf(&out, ", column %d", e.Column)
		}
		if e.Name != "" {
			fmt.Fprintf(&out, " (%s)", e.Name)
		}
		out.WriteString(": ")
	}
	out.WriteString(e.Problem)
	if e.More > 0 {
		fmt.Fprintf(&out, "; %d more after it", e.More)
	}
	return out.String()
}

var errLongRecord = errors.New("record too long")

// boundedReader ends a record that grows beyond maxRecord. The CSV reader and its buffers read ahead of the
// record at hand by less than the slack.
type boundedReader struct {
	from io.Reader
	read int64
	done int64 // bytes of the records that are finished
}

const readAhead = 64 << 10

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.read-b.done > maxRecord+readAhead {
		return 0, errLongRecord
	}
	n, err := b.from.Read(p[:min(len(p), readAhead/2)])
	b.read += int64(n)
	return n, err
}
