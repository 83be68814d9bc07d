package notice

import (
	"bytes"
	"encoding/base64"
	"net"
	"slices"
	"strings"

	"mailaudit/providers"
	"mailaudit/providers/protocol"
)

// edge is the relay's connection as go-smtp gets to see it. That library reads replies to the letter; relays write them
// as mail servers do. So what the dialogue with providers bears is put right here, line by line: offers in lower case,
// repeated or in the old AUTH= form, prompts that are no base64, a code without text. It also keeps go-smtp from three
// things that it does unasked: to declare a body 8-bit that is none, to answer a refused AUTH with a "*" for whose
// answer it would wait, and to read without a bound.
//
// Two things that it does not do are left: it sends no command before the last one is answered, so PIPELINING is not
// used; and it has no cancellation, which closes the connection instead.
type edge struct {
	net.Conn                  // after TLS
	meter    *protocol.Meter  // of the connection below
	in       *protocol.Reader // of Conn
	ready    []byte           // to be read by go-smtp
	offers   bool             // the next reply is one to EHLO
	offered  []providers.Mechanism
	signsIn  bool // an AUTH exchange is under way
	asks     bool // the last reply was a 334
}

// newEdge starts with what is said already: a relay greets once, before STARTTLS, and go-smtp waits for a greeting.
func newEdge(conn net.Conn, meter *protocol.Meter, said string) *edge {
	return &edge{Conn: conn, meter: meter, in: protocol.NewReader(conn), ready: []byte(said)}
}

// refill gives it the budget of one more mail.
func (e *edge) refill() {
	e.meter.Refill()
	e.in.Refill()
}

func (e *edge) Read(p []byte) (int, error) {
	if len(e.ready) == 0 {
		line, err := e.in.Line()
		if err != nil {
			return 0, err
		}
		e.ready = append(e.ready[:0], e.inOrder(string(line))+"\r\n"...)
	}
	n := copy(p, e.ready)
	e.ready = e.ready[n:]
	return n, nil
}

func (e *edge) Write(p []byte) (int, error) {
	switch {
	case bytes.HasPrefix(p, []byte("EHLO ")):
		e.offers, e.offered = true, nil
	case e.signsIn && !e.asks && string(p) == "*\r\n":
		e.ready = append(e.ready, "501 5.7.0 cancelled\r\n"...) // there is nothing to cancel: the answer was final
		return len(p), nil
	}
	return e.Conn.Write(p)
}

// inOrder gives a line of a reply as RFC 5321 has it.
func (e *edge) inOrder(line string) string {
	if len(line) == 3 { // a code alone
		line += " "
	}
	code, text := protocol.CutCode(line)
	if code == "" {
		return line
	}
	code = code[:3] + strings.Replace(code[3:], "\t", " ", 1)
	e.asks = code == "334 "
	switch {
	case e.asks:
		if _, err := base64.StdEncoding.DecodeString(text); err != nil {
			text = base64.StdEncoding.EncodeToString([]byte(text))
		}
	case e.offers && strings.HasPrefix(code, "250"):
		text = e.offer(code, text)
	}
	if e.offers && code[3] == ' ' {
		e.offers = false
	}
	return code + text
}

// offer writes one line of the reply to EHLO.
func (e *edge) offer(code, text string) string {
	// Behind a first line, which greets, ParseEHLO reads this one.
	for _, m := range protocol.ParseEHLO("250-\n" + code + text).Mechanisms {
		if !slices.Contains(e.offered, m) {
			e.offered = append(e.offered, m)
		}
	}
	keyword, rest, _ := strings.Cut(text, " ")
	keyword = strings.ToUpper(keyword)
	switch {
	case keyword == "8BITMIME": // our mails are 7-bit
		return "X-" + keyword
	case keyword == "AUTH" || strings.HasPrefix(keyword, "AUTH=") || strings.HasPrefix(keyword, "AUTH\t"):
		names := make([]string, len(e.offered))
		for i, m := range e.offered {
			names[i] = string(m)
		}
		return "AUTH " + strings.Join(names, " ")
	}
	return strings.TrimSpace(keyword + " " + rest)
}
