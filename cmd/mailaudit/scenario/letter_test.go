package scenario

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"strings"
	"testing"
)

// letter is a mail as its reader's program takes it apart.
type letter struct {
	header     mail.Header
	text, html string
}

func readLetter(t *testing.T, message []byte) letter {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(message))
	if err != nil {
		t.Fatal(err)
	}
	l := letter{header: m.Header}
	l.read(t, m.Header.Get("Content-Type"), m.Body)
	if l.text == "" || l.html == "" {
		t.Fatalf("a mail without text or HTML:\n%s", message)
	}
	return l
}

func (l *letter) read(t *testing.T, contentType string, body io.Reader) {
	t.Helper()
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(kind, "multipart/") {
		parts := multipart.NewReader(body, params["boundary"])
		for {
			part, err := parts.NextPart() // takes quoted-printable off
			if err == io.EOF {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			l.read(t, part.Header.Get("Content-Type"), part)
		}
	}
	content, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	switch kind {
	case "text/plain":
		l.text = string(content)
	case "text/html":
		l.html = string(content)
	}
}
