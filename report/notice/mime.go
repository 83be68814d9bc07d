package notice

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"mime"
	netmail "net/mail"
	"regexp"
	"strings"

	"github.com/emersion/go-message"
	"github.com/emersion/go-message/mail"
)

var messageID = regexp.MustCompile(`^[!#-'*+\-./0-9=?A-Z^-~]+@[A-Za-z0-9.\-]+$`) // RFC 5322 section 3.6.4

// encode wraps the alternatives in MIME. The boundary cannot occur in a part: quoted-printable text never
// holds "=_".
func (m Message) encode(l Letter, s Settings, language string) (Message, error) {
	from, err := netmail.ParseAddress(s.From)
	if err != nil {
		return m, fmt.Errorf("relay.from %q is not a mail address", s.From)
	}
	m.From = from.Address
	id := strings.Trim(m.ID, "<>")

	// go-message writes the field that was set last first.
	var h mail.Header
	h.SetContentType("multipart/alternative", boundary(id, "alternative"))
	h.Set("Content-Language", language)
	h.Set("X-Auto-Response-Suppress", "All")  // RFC 3834's wish, for Exchange
	h.Set("Auto-Submitted", "auto-generated") // RFC 3834: answering machines keep quiet
	if thread := strings.Trim(l.Thread, "<>"); messageID.MatchString(thread) && thread != id {
		h.SetMsgIDList("References", []string{thread})
		h.SetMsgIDList("In-Reply-To", []string{thread})
	}
	h.SetMessageID(id)
	h.SetDate(l.Date)
	h.Set("Subject", encodedWords(m.Subject))
	h.SetAddressList("To", []*mail.Address{{Name: greetable(l.ContactName), Address: m.To}})
	if s.ReplyTo != "" {
		reply, err := netmail.ParseAddress(s.ReplyTo)
		if err != nil {
			return m, fmt.Errorf("relay.reply_to %q is not a mail address", s.ReplyTo)
		}
		h.SetAddressList("Reply-To", []*mail.Address{{Name: displayName(reply.Name), Address: reply.Address}})
	}
	h.SetAddressList("From", []*mail.Address{{Name: displayName(from.Name), Address: from.Address}})

	var buf bytes.Buffer
	w, err := message.CreateWriter(&buf, h.Header)
	if err != nil {
		return m, fmt.Errorf("write mail: %w", err)
	}
	if err := alternative(w, "text/plain", m.Text); err != nil {
		return m, err
	}
	if err := m.page(w, id); err != nil {
		return m, err
	}
	if err := w.Close(); err != nil {
		return m, fmt.Errorf("write mail: %w", err)
	}
	m.Raw = buf.Bytes()
	return m, nil
}

// encodedWords encodes only the words that need it (RFC 2047), so that the header can be folded between words
// and no line of it is longer than the 76 characters which section 2 there allows.
func encodedWords(s string) string {
	words := strings.Split(s, " ")
	encoded := false
	for i, w := range words {
		was := encoded
		if encoded = strings.ContainsFunc(w, func(r rune) bool { return r < ' ' || r > '~' }); encoded && was {
			w = " " + w // space between two encoded words is not shown
		}
		words[i] = mime.QEncoding.Encode("utf-8", w)
	}
	return strings.Join(words, " ")
}

func boundary(id, part string) map[string]string {
	return map[string]string{"boundary": "=_" + digest(id, part)}
}

// page writes the HTML, with its pictures where it has some (RFC 2387).
func (m Message) page(w *message.Writer, id string) error {
	if len(m.enclosed.list) == 0 {
		return alternative(w, "text/html", m.HTML)
	}
	params := boundary(id, "related")
	params["type"] = "text/html"
	var h message.Header
	h.SetContentType("multipart/related", params)
	related, err := w.CreatePart(h)
	if err != nil {
		return fmt.Errorf("write mail: %w", err)
	}
	if err := alternative(related, "text/html", m.HTML); err != nil {
		return err
	}
	for _, p := range m.enclosed.list {
		if err := p.enclose(related); err != nil {
			return err
		}
	}
	return related.Close()
}

func (p *picture) enclose(w *message.Writer) error {
	var h message.Header
	h.SetContentType(p.Type, map[string]string{"name": p.Name})
	h.SetContentDisposition("inline", map[string]string{"filename": p.Name})
	h.Set("Content-Id", "<"+p.ID+">")
	h.Set("Content-Transfer-Encoding", "base64")
	part, err := w.CreatePart(h)
	if err != nil {
		return fmt.Errorf("write mail: %w", err)
	}
	if _, err := part.Write(p.Data); err != nil {
		return fmt.Errorf("write mail: %w", err)
	}
	return part.Close()
}

func alternative(w *message.Writer, kind, body string) error {
	var h message.Header
	h.SetContentType(kind, map[string]string{"charset": "utf-8"})
	h.Set("Content-Transfer-Encoding", "quoted-printable")
	part, err := w.CreatePart(h)
	if err != nil {
		return fmt.Errorf("write mail: %w", err)
	}
	if _, err := io.WriteString(part, strings.ReplaceAll(body, "\n", "\r\n")); err != nil {
		return fmt.Errorf("write mail: %w", err)
	}
	return part.Close()
}

func domainOf(address string) string {
	a, err := netmail.ParseAddress(address)
	if err != nil {
		return "localhost"
	}
	return strings.ToLower(a.Address[strings.LastIndexByte(a.Address, '@')+1:])
}

func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil)[:10])
}
