package notice

import (
	"fmt"
	"time"

	"mailaudit/audit"
	"mailaudit/providers"
)

// Format is a form in which a guide can be shown.
type Format string

const (
	FormatText Format = "text"
	FormatHTML Format = "html"
	FormatEML  Format = "eml"
)

// Sample says which guide to show.
type Sample struct {
	Provider string
	Brand    string        // empty: the provider's first
	Verdict  audit.Verdict // empty, with an empty Kind: the set-up page; else revoked
	Actor    providers.Actor
	Grant    bool             // the mailbox is connected by OAuth
	Kind     audit.NoticeKind // empty: a finding
	Locale   string
	Zone     *time.Location
	To       string // empty: an address that reaches nobody
	Date     time.Time
}

const nobody = "nobody@example.invalid" // RFC 2606

// Letter is a letter about an invented mailbox, as the sample asks for.
func (s Sample) Letter() Letter {
	if s.Verdict == "" {
		s.Verdict = audit.Revoked
	}
	if s.Kind == "" {
		s.Kind = audit.KindFinding
	}
	s.To = orDefault(s.To, nobody)
	yesterday := s.Date.AddDate(0, 0, -1)
	return Letter{
		Kind: s.Kind, Provider: s.Provider, TenantID: "1", ContactEmail: s.To, Locale: s.Locale, Zone: s.Zone, Date: s.Date,
		Items: []Item{{
			AccountID: "1", Mailbox: "frontdesk@example.com", Brand: s.Brand, Verdict: s.Verdict, Grant: s.Grant, Actor: s.Actor,
			Since: yesterday, Seen: []time.Time{yesterday, s.Date},
		}},
	}
}

// ComposeSample writes the mail in which a guide is sent to one person.
func ComposeSample(s Sample, set Settings) (Message, error) {
	if !s.isSetUp() {
		return Compose(s.Letter(), set)
	}
	d, p, err := s.setUp(set)
	if err != nil {
		return Message{}, err
	}
	return p.mail(d)
}

// RenderGuide shows what a customer would be told.
func RenderGuide(s Sample, format Format, set Settings) ([]byte, error) {
	if set.From == "" {
		set.From = "support@example.invalid"
	}
	if s.isSetUp() {
		return renderSetUp(s, format, set)
	}
	m, err := Compose(s.Letter(), set)
	if err != nil {
		return nil, err
	}
	switch format {
	case FormatText, "":
		return []byte("Subject: " + m.Subject + "\n\n" + m.Text), nil
	case FormatHTML:
		return []byte(m.enclosed.selfContained(m.HTML)), nil
	case FormatEML:
		return m.Raw, nil
	}
	return nil, fmt.Errorf("guides have no format %q: text, html or eml", format)
}
