package oracle

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"net/url"
	"reflect"
	"strings"

	"mailaudit/cmd/mailaudit/years/observe"
)

// secretsStayInside: no secret is in any output: mails, Slack, reports, packs, standard output and error, the rows of
// the database that people read. Nor is it there as base64 (as in AUTH PLAIN), in hexadecimal, or as in a URL.
func secretsStayInside(w *world) rule {
	var find finder
	return rule{name: "secret", watch: func(m moment, what observe.What) []string {
		var places []place
		switch o := what.(type) {
		case observe.SecretIs:
			find.add(o.ID, o.Text)
		case observe.Mail:
			places = []place{{"a mail", string(o.Raw)}, {"a mail's text", o.Text}}
		case observe.SlackCall:
			places = []place{{"a call of " + o.Method, string(o.Raw)}, {"a message in Slack", o.Text}}
		case observe.CommandEnded:
			places = []place{{"standard output of " + strings.Join(o.Args, " "), o.Stdout}, {"standard error of " + strings.Join(o.Args, " "), o.Stderr}}
		case observe.Shown:
			places = []place{{o.Form + " of " + o.Subject, string(o.Body)}, {"the error of " + o.Form, o.Error}}
			if pack, err := unzip(o.Body); o.Form == "evidence" && err == nil {
				for name, body := range pack {
					places = append(places, place{"the pack's " + name, string(body)})
				}
			}
		case observe.Database:
			var texts strings.Builder
			write(&texts, reflect.ValueOf(o))
			places = []place{{"the database", texts.String()}}
		}
		var bad []string
		for _, p := range places {
			if id := find.in(p.text); id != "" {
				bad = append(bad, sprintf("the secret %s stands in %s at %s", id, p.name, m))
			}
		}
		return bad
	}}
}

type place struct{ name, text string }

// finder looks for many texts at once: it knows the first 8 bytes of each.
type finder struct {
	starts map[uint64][]needle
}

type needle struct {
	id   observe.SecretID
	text string
}

const start = 8

// add looks for a secret and its usual encodings. Of base64 it takes what does not depend on the bytes around it.
func (f *finder) add(id observe.SecretID, secret string) {
	if f.starts == nil {
		f.starts = map[uint64][]needle{}
	}
	texts := []string{secret, url.QueryEscape(secret), url.PathEscape(secret), hex.EncodeToString([]byte(secret))}
	for shift := range 3 {
		coded := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("\x00", shift) + secret))
		from, to := 0, len(strings.TrimRight(coded, "="))-1
		if shift > 0 {
			from = shift + 1
		}
		texts = append(texts, coded[from:to])
	}
	for _, text := range texts {
		if len(text) >= start {
			k := binary.LittleEndian.Uint64([]byte(text))
			f.starts[k] = append(f.starts[k], needle{id, text})
		}
	}
}

// in returns a secret that stands in a text; "" if none does.
func (f *finder) in(text string) observe.SecretID {
	b := []byte(text)
	for i := 0; i+start <= len(b); i++ {
		for _, n := range f.starts[binary.LittleEndian.Uint64(b[i:])] {
			if strings.HasPrefix(text[i:], n.text) {
				return n.id
			}
		}
	}
	return ""
}

// write puts every text of a value into b.
func write(b *strings.Builder, v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		b.WriteString(v.String())
		b.WriteByte('\n')
	case reflect.Slice:
		for i := range v.Len() {
			write(b, v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() && v.Type().PkgPath() != "time" {
				write(b, v.Field(i))
			}
		}
	}
}
