package dial

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"io"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf16"
)

// issued is what a token endpoint's success hands out. An exchange may end the refresh token that was given, so the
// new one is read out of whatever form holds it: nothing else in the answer, its content type included, decides
// whether a customer's grant lives on.
type issued struct {
	access, refresh string // "" where the answer holds none
}

// readIssued reads the body of a 2xx. It bears another content type, a byte order mark, UTF-16, compression that
// nobody asked for, members of any type and in any order, wrapped and doubly encoded objects, forms, and an answer
// that was cut off behind the token. An access token alone ends no grant, so what is no such answer gives nothing.
func readIssued(body []byte) issued {
	text := strings.TrimSpace(readable8(body))
	if i := strings.IndexAny(text, "{[\"<"); i > 0 && strings.HasPrefix(text, ")]}") {
		text = text[i:] // the guard against scripts that some gateways put before JSON
	}
	switch {
	case text == "" || text[0] == '<':
		return issued{}
	case strings.ContainsRune(`{["`, rune(text[0])):
		return issuedByJSON(text)
	}
	return issuedByForm(text)
}

// readable8 gives the body as UTF-8 without a byte order mark.
func readable8(body []byte) string {
	if bytes.HasPrefix(body, []byte{0x1f, 0x8b}) {
		if z, err := gzip.NewReader(bytes.NewReader(body)); err == nil {
			body, _ = io.ReadAll(io.LimitReader(z, maxTokenBody)) //nolint:errcheck // what came before it broke off counts
		}
	}
	for mark, order := range map[string]binary.ByteOrder{"\xff\xfe": binary.LittleEndian, "\xfe\xff": binary.BigEndian} {
		rest, ok := bytes.CutPrefix(body, []byte(mark))
		if !ok {
			continue
		}
		units := make([]uint16, 0, len(rest)/2)
		for ; len(rest) >= 2; rest = rest[2:] {
			units = append(units, order.Uint16(rest))
		}
		return string(utf16.Decode(units))
	}
	return string(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
}

// issuedByJSON reads the first value; where it is broken or was cut off, the members that are whole.
func issuedByJSON(text string) (i issued) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var value any
	if d.Decode(&value) == nil {
		i.take(value, maxNesting)
		return i
	}
	for _, m := range reIssued.FindAllStringSubmatch(text, -1) {
		var said string
		if json.Unmarshal([]byte(m[2]), &said) == nil {
			i.member(m[1], said)
		}
	}
	return i
}

// reIssued finds whole members in JSON that is none. A string that was cut off has no end and is not found.
var reIssued = regexp.MustCompile(`(?i)"((?:access|refresh)_?token)"\s*:\s*("(?:[^"\\\x00-\x1f]|\\.)*")`)

// maxNesting is how deep an answer's object may be wrapped.
const maxNesting = 4

// take looks through a value; what stands further out goes before what stands deeper.
func (i *issued) take(value any, depth int) {
	if depth == 0 {
		return
	}
	switch v := value.(type) {
	case string: // an object that was encoded twice
		var inner any
		if strings.HasPrefix(strings.TrimSpace(v), "{") && json.Unmarshal([]byte(v), &inner) == nil {
			i.take(inner, depth-1)
		}
	case []any:
		for _, inner := range v {
			i.take(inner, depth-1)
		}
	case map[string]any:
		names := slices.Sorted(maps.Keys(v))
		for _, name := range names {
			switch said := v[name].(type) {
			case string:
				i.member(name, said)
			case json.Number:
				i.member(name, said.String())
			}
		}
		for _, name := range names {
			i.take(v[name], depth-1)
		}
	}
}

func issuedByForm(text string) (i issued) {
	form, _ := url.ParseQuery(text) //nolint:errcheck // the pairs that could be read are there
	for name, values := range form {
		for _, said := range values {
			i.member(name, said)
		}
	}
	return i
}

// placeholders of serializers stand for no token.
var placeholders = []string{"", "null", "nil", "none", "undefined"}

func (i *issued) member(name, said string) {
	said = strings.TrimSpace(said)
	if slices.Contains(placeholders, strings.ToLower(said)) || strings.ContainsFunc(said, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return
	}
	var field *string
	switch strings.ReplaceAll(strings.ToLower(name), "_", "") {
	case "accesstoken":
		field = &i.access
	case "refreshtoken":
		field = &i.refresh
	default:
		return
	}
	if *field == "" {
		*field = said
	}
}
