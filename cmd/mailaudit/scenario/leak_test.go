package scenario

import (
	"bytes"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// canary is a secret that must be found nowhere, in no form.
type canary struct {
	name  string
	forms map[string]string // what to look for, and what it is
}

// newCanary lists the forms that a secret takes on its way through encoders, and those in which it was
// sent for the logins.
func newCanary(name, secret string, logins ...string) canary {
	c := canary{name: name, forms: map[string]string{}}
	bare := strings.NewReplacer(" ", "", "-", "").Replace(secret)
	for _, s := range []string{secret, bare} {
		c.look(s, "raw")
		c.look(inJSON(s), "in JSON")
		c.look(html.EscapeString(s), "in HTML")
		c.look(url.QueryEscape(s), "in a query")
		c.look(url.PathEscape(s), "in a path")
		c.look(hex.EncodeToString([]byte(s)), "hexadecimal")
		c.look(strings.Trim(fmt.Sprint([]byte(s)), "[]"), "bytes in decimal")
		c.look(strings.Trim(fmt.Sprintf("%+q", s), `"`), "quoted in ASCII")
		c.look(reversed(s), "reversed")
		c.look(strings.TrimRight(base32.StdEncoding.EncodeToString([]byte(s)), "="), "base32")
		for shift := range 3 {
			c.look(base64Core(s, shift), "base64")
		}
		for _, login := range logins {
			c.look(base64.StdEncoding.EncodeToString([]byte("\x00"+login+"\x00"+s)), "as AUTH PLAIN sends it")
		}
	}
	return c
}

// look has letters of both cases found: hexadecimal is written in either.
func (c canary) look(form, what string) {
	form = strings.ToLower(form)
	if len(form) < 8 {
		panic("too short to be told from chance: " + what)
	}
	if c.forms[form] == "" {
		c.forms[form] = what
	}
}

// in names the forms in which the canary stands in text.
func (c canary) in(text []byte) (found []string) {
	text = bytes.ToLower(text)
	for form, what := range c.forms {
		if bytes.Contains(text, []byte(form)) {
			found = append(found, what)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// normal undoes what hides a form: the other alphabet of base64, the soft line ends of mail.
func normal(text []byte) []byte {
	return []byte(strings.NewReplacer("=\r\n", "", "=\n", "", "-", "+", "_", "/").Replace(string(text)))
}

func inJSON(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b[1 : len(b)-1])
}

func reversed(s string) string {
	r := []rune(s)
	slices.Reverse(r)
	return string(r)
}

// base64Core is the part of base64 text that depends on s alone, where shift more bytes stand before it.
func base64Core(s string, shift int) string {
	encoded := base64.RawStdEncoding.EncodeToString(append(make([]byte, shift), s...))
	return encoded[(shift*8+5)/6 : (shift+len(s))*8/6]
}

// seek reports every canary that stands in a text, without showing it.
func seek(t *testing.T, canaries []canary, where string, text []byte) {
	t.Helper()
	plain := normal(text)
	for _, c := range canaries {
		for _, what := range slices.Compact(append(c.in(text), c.in(plain)...)) {
			t.Errorf("%s stands in %s: %s", c.name, where, what)
		}
	}
}

// A search that finds nothing proves nothing unless it finds what is there.
func TestCanariesAreFoundInEveryForm(t *testing.T) {
	const secret, login = "Cänary<&\"+/ 4711?ok", "front@clinic.example"
	c := newCanary("canary", secret, login)
	for what, text := range map[string]string{
		"raw":              "x" + secret + "x",
		"in JSON":          inJSON("say " + secret),
		"in HTML":          html.EscapeString("<" + secret),
		"in a query":       url.Values{"q": {secret}}.Encode(),
		"hexadecimal":      fmt.Sprintf("%X", "a"+secret),
		"bytes in decimal": fmt.Sprint([]byte("ab" + secret)),
		"reversed":         reversed(secret),
	} {
		if !slices.Contains(c.in([]byte(text)), what) {
			t.Errorf("not found %s in %q", what, text)
		}
	}
	for _, before := range []string{"", "a", "ab", "abc", "\x00" + login + "\x00", "user=" + login + "\x01"} {
		for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawURLEncoding} {
			text := []byte(encoding.EncodeToString([]byte(before + secret + "tail")))
			if len(c.in(normal(text))) == 0 {
				t.Errorf("not found behind %d bytes in %s", len(before), text)
			}
		}
	}
	if app := newCanary("app", "cana ryap ppas swor", login); len(app.in([]byte("canaryappasswor"))) != 0 || len(app.in([]byte("CANARYAPPPASSWOR"))) == 0 {
		t.Error("an app password in groups is not known without them")
	}
}
