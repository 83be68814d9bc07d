package dial

import (
	"bytes"
	"errors"
	"io"
	"net"
	"sync"
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
	errBudget  = errors.New("the server sent more than a conversation may hold")
	errNotSMTP = errors.New("the server did not answer in SMTP")
)

// meter ends a connection that brings more than any conversation needs, whatever the layer.
type meter struct {
	net.Conn
	left int
}

func (m *meter) Read(p []byte) (int, error) {
	if m.left <= 0 {
		return 0, errBudget
	}
	n, err := m.Conn.Read(p[:min(len(p), m.left)])
	m.left -= n
	return n, err
}

// reader takes replies off a connection.
type reader struct {
	src        io.Reader
	buf        []byte
	start, end int
	lines      int
	bytes      int
	reply      []byte
}

var buffers = sync.Pool{New: func() any { b := make([]byte, 2*maxLine); return &b }}

// buffered tells whether the server has sent more than was asked for.
func (r *reader) buffered() bool { return r.start < r.end }

// line gives the next line without its end; it is valid until the next call.
func (r *reader) line() ([]byte, error) {
	for seen := r.start; ; {
		if i := bytes.IndexByte(r.buf[seen:r.end], '\n'); i >= 0 {
			line := r.buf[r.start : seen+i]
			r.start = seen + i + 1
			if r.lines++; r.lines > maxLines || len(line) > maxLine {
				return nil, errBudget
			}
			return bytes.TrimRight(line, "\r"), nil
		}
		if r.end-r.start > maxLine || r.bytes >= maxBytes {
			return nil, errBudget
		}
		if r.start > 0 {
			r.end = copy(r.buf, r.buf[r.start:r.end])
			r.start = 0
		}
		seen = r.end
		n, err := r.src.Read(r.buf[r.end:])
		r.end += n
		r.bytes += n
		if n == 0 && err != nil {
			return nil, err
		}
	}
}

// next gives a whole reply: its code, and its lines as they came, joined by a line feed. What was read
// before an error is returned with it, for people. A line within a reply that has lost its code is kept
// as text, since some servers break long lines without repeating it.
func (r *reader) next() (code int, wire string, err error) {
	r.reply = r.reply[:0]
	for {
		line, err := r.line()
		if err != nil {
			return 0, string(r.reply), err
		}
		if len(r.reply) > 0 {
			r.reply = append(r.reply, '\n')
		}
		r.reply = append(r.reply, line...)
		if bytes.ContainsFunc(line, forbidden) {
			return 0, string(r.reply), errNotSMTP
		}
		c, last, ok := parseCode(line)
		switch {
		case code == 0 && !ok:
			return 0, string(r.reply), errNotSMTP
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
