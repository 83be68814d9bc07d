package sim

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf16"
)

// TokenForm is how a token endpoint writes a success down. The zero value writes it as RFC 6749 section 5.1 has it.
type TokenForm struct {
	Name   string
	Status int    // 0: 200
	Kind   string // the content type; "" sends none that means anything
	Write  func(object string) string
	Cut    bool // hangs up before the body is as long as was announced
}

// OddTokenForms are successes that all hold the tokens, in forms that endpoints and the gateways before them are
// known to use and that x/oauth2 stumbles over, or might.
func OddTokenForms() []TokenForm {
	const kind = "application/json"
	with := func(fields ...string) func(string) string {
		return func(object string) string {
			return strings.TrimSuffix(object, "}") + "," + strings.Join(fields, ",") + "}"
		}
	}
	replacing := func(old, new string) func(string) string {
		return func(object string) string { return strings.Replace(object, old, new, 1) }
	}
	const lifetime = `"expires_in":3599`
	return []TokenForm{
		{Name: "as text/plain", Kind: "text/plain; charset=utf-8", Write: asItIs},
		{Name: "as text/html", Kind: "text/html", Write: asItIs},
		{Name: "called a form", Kind: "application/x-www-form-urlencoded", Write: asItIs},
		{Name: "of no kind", Kind: "", Write: asItIs},
		{Name: "a form", Kind: "application/x-www-form-urlencoded", Write: asForm},
		{Name: "a form called JSON", Kind: kind, Write: asForm},
		{Name: "a fractional lifetime", Kind: kind, Write: replacing(lifetime, `"expires_in":3599.0`)},
		{Name: "an empty lifetime", Kind: kind, Write: replacing(lifetime, `"expires_in":""`)},
		{Name: "a lifetime beyond int64", Kind: kind, Write: replacing(lifetime, `"expires_in":99999999999999999999`)},
		{Name: "a lifetime in words", Kind: kind, Write: replacing(lifetime, `"expires_in":"one hour"`)},
		{Name: "a lifetime that is an object", Kind: kind, Write: replacing(lifetime, `"expires_in":{"seconds":3599}`)},
		{Name: "a token type that is a number", Kind: kind, Write: replacing(`"token_type":"Bearer"`, `"token_type":1`)},
		{Name: "a byte order mark", Kind: kind, Write: func(o string) string { return "\xef\xbb\xbf" + o }},
		{Name: "UTF-16", Kind: "application/json; charset=utf-16", Write: asUTF16},
		{Name: "compressed unasked", Kind: kind, Write: zipped},
		{Name: "blank lines first", Kind: kind, Write: func(o string) string { return "\r\n\r\n " + o }},
		{Name: "more behind it", Kind: kind, Write: func(o string) string { return o + "\n<!-- served by gateway 4 -->" }},
		{Name: "guarded against scripts", Kind: kind, Write: func(o string) string { return ")]}',\n" + o }},
		{Name: "wrapped", Kind: kind, Write: func(o string) string { return `{"status":"ok","data":{"token":` + o + `}}` }},
		{Name: "in a list", Kind: kind, Write: func(o string) string { return "[" + o + "]" }},
		{Name: "encoded twice", Kind: kind, Write: strconv.Quote},
		{Name: "names in capitals", Kind: kind, Write: func(o string) string {
			return strings.NewReplacer("access_token", "Access_Token", "refresh_token", "RefreshToken").Replace(o)
		}},
		{Name: "an empty error beside", Kind: kind, Write: with(`"error":""`, `"error_description":null`)},
		{Name: "created", Status: 201, Kind: kind, Write: asItIs},
		{Name: "accepted", Status: 202, Kind: kind, Write: asItIs},
		{Name: "broken behind the tokens", Kind: kind, Write: with(`"scope":mail.send`)},
		{Name: "cut off", Kind: kind, Cut: true, Write: func(o string) string { return with(`"id_token":"eyJhb`)(o)[:len(o)+15] }},
		{Name: "very long", Kind: kind, Write: func(o string) string { return with(`"id_token":"` + strings.Repeat("x", 1<<20) + `"`)(o) }},
	}
}

func asItIs(object string) string { return object }

func asForm(object string) string {
	var token map[string]any
	json.Unmarshal([]byte(object), &token)
	form := url.Values{}
	for name, value := range token {
		text, ok := value.(string)
		if !ok {
			text = strconv.Itoa(int(value.(float64)))
		}
		form.Set(name, text)
	}
	return form.Encode()
}

func asUTF16(object string) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune("\ufeff" + object)) {
		b.Write([]byte{byte(u), byte(u >> 8)})
	}
	return b.String()
}

func zipped(object string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte(object))
	z.Close()
	return b.String()
}
