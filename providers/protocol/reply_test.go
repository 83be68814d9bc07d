package protocol

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func readReplies(src io.Reader, n int) (codes []int, last string, err error) {
	r := NewReader(src)
	defer r.Free()
	for range n {
		var code int
		code, last, err = r.Next()
		if err != nil {
			return codes, last, err
		}
		codes = append(codes, code)
	}
	return codes, last, nil
}

func TestReplies(t *testing.T) {
	for _, tt := range []struct {
		name, wire string
		code       int
		want       string
		err        error
	}{
		{"one line", "220 hello\r\n", 220, "220 hello", nil},
		{"bare line feed", "220 hello\n", 220, "220 hello", nil},
		{"code alone", "250\r\n", 250, "250", nil},
		{"many lines", "535-5.7.8 a\r\n535-5.7.8 b\r\n535 5.7.8 c\r\n", 535, "535-5.7.8 a\n535-5.7.8 b\n535 5.7.8 c", nil},
		{"a line without code", "535-a\r\nb\r\n535 c\r\n", 535, "535-a\nb\n535 c", nil},
		{"a line with another code", "535-a\r\n250 b\r\n535 c\r\n", 535, "535-a\n250 b\n535 c", nil},
		{"UTF-8", "535 ung\u00fcltig\r\n", 535, "535 ung\u00fcltig", nil},
		{"no code", "hello\r\n", 0, "hello", ErrNotSMTP},
		{"code out of range", "650 x\r\n", 0, "650 x", ErrNotSMTP},
		{"four digits", "2500 x\r\n", 0, "2500 x", ErrNotSMTP},
		{"NUL", "535 a\x00b\r\n", 0, "535 a\x00b", ErrNotSMTP},
		{"escape", "535-a\r\n535 \x1b[2J\r\n", 0, "535-a\n535 \x1b[2J", ErrNotSMTP},
		{"carriage return within", "535 a\rb\r\n", 0, "535 a\rb", ErrNotSMTP},
		{"nothing", "", 0, "", io.EOF},
		{"no end of line", "535 5.7.8 no", 0, "", io.EOF},
		{"no last line", "535-no\r\n", 0, "535-no", io.EOF},
		{"longest line", "535 " + strings.Repeat("x", maxLine-5) + "\r\n", 535, "535 " + strings.Repeat("x", maxLine-5), nil},
		{"longer line", "535 " + strings.Repeat("x", maxLine) + "\r\n", 0, "", ErrBudget},
		{"too many lines", strings.Repeat("250-x\r\n", maxLines+1), 0, strings.TrimSuffix(strings.Repeat("250-x\n", maxLines), "\n"), ErrBudget},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for name, src := range map[string]io.Reader{
				"whole": strings.NewReader(tt.wire), "bytes": iotest.OneByteReader(strings.NewReader(tt.wire)),
			} {
				codes, got, err := readReplies(src, 1)
				code := 0
				if len(codes) == 1 {
					code = codes[0]
				}
				if code != tt.code || got != tt.want || !errors.Is(err, tt.err) {
					t.Errorf("%s: %d %.80q %v, want %d %.80q %v", name, code, got, err, tt.code, tt.want, tt.err)
				}
			}
		})
	}
}

func TestRepliesAfterEachOther(t *testing.T) {
	codes, _, err := readReplies(iotest.HalfReader(strings.NewReader("220 a\r\n250-b\r\n250 c\r\n235 d\r\n")), 3)
	if err != nil || codes[0] != 220 || codes[1] != 250 || codes[2] != 235 {
		t.Errorf("%v %v", codes, err)
	}
}

func TestBytesInAll(t *testing.T) {
	line := "250-" + strings.Repeat("x", 1900) + "\r\n"
	_, _, err := readReplies(strings.NewReader(strings.Repeat(line, 100)), 1)
	if !errors.Is(err, ErrBudget) {
		t.Errorf("got %v", err)
	}
}

// Whatever a server sends: no panic, no more kept than the budget, and a code only where a line bears it.
func FuzzReplies(f *testing.F) {
	f.Add([]byte("220 a\r\n250-b\r\n250 c\r\n"))
	f.Add([]byte("535-\x00\n\n\n535"))
	f.Fuzz(func(t *testing.T, wire []byte) {
		r := NewReader(bytes.NewReader(wire))
		defer r.Free()
		for range 10 {
			code, reply, err := r.Next()
			if len(reply) > maxBytes+2*maxLine {
				t.Fatalf("%d bytes kept", len(reply))
			}
			if err != nil {
				if code != 0 {
					t.Fatalf("code %d beside %v", code, err)
				}
				return
			}
			if code < 200 || code > 599 || !bytes.Contains(wire, []byte(reply[:3])) {
				t.Fatalf("code %d out of %q", code, reply)
			}
			ParseEHLO(reply)
		}
	})
}
