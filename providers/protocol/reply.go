package protocol

import (
	"bytes"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
)

// The budget of one conversation. The longest honest ones seen are below 10 KB and 60 lines; RFC 5321
// section 4.5.3.1.5 allows a reply line 512 octets, and servers pass that with URLs and session ids.
const (
	maxLine  = 2000
	maxLines = 250
	maxBytes = 64 << 10
	maxWire  = 512 << 10 // of the connection itself: certificates and records that carry nothing
)

var (
	ErrBudget  = errors.New("the server sent more than a conversation may hold")
	ErrNotSMTP = errors.New("the server did not answer in SMTP")
)

// Meter ends a connection that brings more than any conversation needs, whatever the layer: the error of Read is
// [ErrBudget] then.
type Meter struct {
	net.Conn
	left atomic.Int64
}

// Metered gives a connection the budget of one conversation.
func Metered(conn net.Conn) *Meter {
	m := &Meter{Conn: conn}
	m.Refill()
	return m
}

// Refill gives it the budget of one more conversation, where several follow each other.
func (m *Meter) Refill() { m.left.Store(maxWire) }

func (m *Meter) Read(p []byte) (int, error) {
	left := m.left.Load()
	if left <= 0 {
		return 0, ErrBudget
	}
	n, err := m.Conn.Read(p[:min(int64(len(p)), left)])
	m.left.Add(int64(-n))
	return n, err
}

// Reader takes replies off a connection.
type Reader struct {
	src        io.Reader
	buf        *[]byte
	start, end int
	lines      int
	bytes      int
	reply      []byte
}

var buffers = sync.Pool{New: func() any { b := make([]byte, 2*maxLine); return &b }}

// NewReader makes a Reader. Free gives back what it borrows.
func NewReader(src io.Reader) *Reader { return &Reader{src: src, buf: buffers.Get().(*[]byte)} }

// From has it read from another source, TLS over the same connection. Nothing may be buffered.
func (r *Reader) From(src io.Reader) { r.src = src }

// Refill gives it the budget of one more conversation.
func (r *Reader) Refill() { r.lines, r.bytes = 0, 0 }

// Free ends its use.
func (r *Reader) Free() { buffers.Put(r.buf) }

// Buffered reports whether the server has sent more than was asked for.
func (r *Reader) Buffered() bool { return r.start < r.end }

// Line gives the next line without its end; it is valid until the next call.
func (r *Reader) Line() ([]byte, error) {
	for seen := r.start; ; {
		if i := bytes.IndexByte((*r.buf)[seen:r.end], '\n'); i >= 0 {
			line := (*r.buf)[r.start : seen+i]
			r.start = seen + i + 1
			if r.lines++; r.lines > maxLines || len(line) > maxLine {
				return nil, ErrBudget
			}
			return bytes.TrimRight(line, "\r"), nil
		}
		if r.end-r.start > maxLine || r.bytes >= maxBytes {
			return nil, ErrBudget
		}
		if r.start > 0 {
			r.end = copy(*r.buf, (*r.buf)[r.start:r.end])
			r.start = 0
		}
		seen = r.end
		n, err := r.src.Read((*r.buf)[r.end:])
		r.end += n
		r.bytes += n
		if n == 0 && err != nil {
			return nil, err
		}
	}
}

// Next gives a whole reply: its code, and its lines as they came, joined by a line feed. What was read
// before an error is returned with it, for people. A line within a reply that has lost its code is kept
// as text, since some servers break long lines without repeating it.
func (r *Reader) Next() (code int, wire string, err error) {
	r.reply = r.reply[:0]
	for {
		line, err := r.Line()
		if err != nil {
			return 0, string(r.reply), err
		}
		if len(r.reply) > 0 {
			r.reply = append(r.reply, '\n')
		}
		r.reply = append(r.reply, line...)
		if bytes.ContainsFunc(line, forbidden) {
			return 0, string(r.reply), ErrNotSMTP
		}
		c, last, ok := parseCode(line)
		switch {
		case code == 0 && !ok:
			return 0, string(r.reply), ErrNotSMTP
		case code == 0:
			code = c
		case !ok || c != code:
			last = false
		}
		if last {
			return code, string(r.reply), nil
		}
	}
}

// forbidden in a reply, RFC 5321 section 4.2: control characters but the tab. Text beyond ASCII is borne.
func forbidden(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

func parseCode(line []byte) (code int, last, ok bool) {
	if len(line) < 3 || line[0] < '2' || line[0] > '5' || !digit(line[1]) || !digit(line[2]) {
		return 0, false, false
	}
	code = int(line[0]-'0')*100 + int(line[1]-'0')*10 + int(line[2]-'0')
	switch {
	case len(line) == 3 || line[3] == ' ' || line[3] == '\t':
		return code, true, true
	case line[3] == '-':
		return code, false, true
	}
	return 0, false, false
}

func digit(b byte) bool { return b >= '0' && b <= '9' }
