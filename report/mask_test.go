package report

import (
	"testing"

	"pgregory.net/rapid"
)

func TestMask(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"frontdesk@gmail.com", "fr•••••@gmail.com"},
		{"fr•••••@gmail.com", "fr•••••@gmail.com"},
		{"anna@example.org", "an•••••@example.org"},
		{"bob@example.org", "b•••••@example.org"},
		{"ab@example.org", "a•••••@example.org"},
		{"a@example.org", "•••••@example.org"},
		{"@example.org", "•••••@example.org"},
		{"", "•••••"},
		{"frontdesk", "fr•••••"},
		{"\"a@b\"@example.org", "\"a•••••@example.org"},
		{"ünna@example.org", "ün•••••@example.org"},
		{"ab\r\ncd\u202e@example.org", "ab•••••@example.org"},
		{"ab\x1b[31m@example.org", "ab•••••@example.org"},
	} {
		if got := Mask(c.in); got != c.want {
			t.Errorf("Mask(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestMaskTwiceIsMaskOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		once := Mask(rapid.String().Draw(t, "address"))
		if twice := Mask(once); twice != once {
			t.Fatalf("%q became %q", once, twice)
		}
	})
}
