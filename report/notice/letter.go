package notice

import (
	"errors"
	"net/mail"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/idna"

	"mailaudit/audit"
	"mailaudit/providers"
)

// Letter is what one mail tells: one tenant, one contact, one provider. It is all that [Compose] knows of
// customers, so a mail cannot hold what belongs to another.
type Letter struct {
	Number       int64 // the notice's number, shown as M-4821; 0: a sample
	TenantID     string
	Kind         audit.NoticeKind
	Provider     string // a provider's name: "google"
	TenantName   string
	ContactName  string
	ContactEmail string
	Locale       string         // BCP 47; empty: en
	Zone         *time.Location // nil: UTC
	Date         time.Time      // of the mail
	Thread       string         // Message-ID of the first mail about these findings, with angle brackets; "" if this is it
	Items        []Item
}

// Item is one account of a letter.
type Item struct {
	AccountID string
	Mailbox   string // the address; [Compose] masks it as [Settings.ShowMailbox] says
	Brand     string // a brand of the letter's provider: "aol"; empty: the provider's first
	Verdict   audit.Verdict
	Grant     bool // it is connected by OAuth; otherwise it has a password
	Actor     providers.Actor
	Since     time.Time
	Seen      []time.Time // the nights on which the provider said it, any order; empty: Since alone
}

// Settings are what the operator says about the product and himself. A sentence that needs a value which
// is empty is left out of the mail.
type Settings struct {
	Product       string   // the name that customers know; empty: ClinicSource
	SettingsURL   string   // where a customer enters the new password; {account_id} and {tenant_id} are replaced
	GuideURL      string   // where the pages of [Site] are served; empty: pictures go with the mail
	Logo          []byte   // a PNG, JPEG or GIF file, sent with each mail
	Colour        string   // "#0b5fff", of the button and the head
	Support       string   // "ClinicSource Support, 555-0142"
	UnsentMail    string   // a sentence: what became of mail that could not be sent meanwhile
	RecheckWithin string   // "15 minutes"
	OAuthOffered  []string // names of the providers that the product can connect by OAuth

	// ShowMailbox is how mails name a mailbox: [ShowFull], [ShowMasked], or [ShowAuto] (also ""), in full where contact
	// and mailbox share a domain in which strangers have no mailboxes.
	ShowMailbox  string
	PublicDomain func(domain string) bool // reports whether they have; may be nil

	From         string // RFC 5322 mailbox: "ClinicSource Support <support@clinicsource.com>"
	ReplyTo      string // the same, or empty
	Installation string // the name of this installation; makes Message-IDs its own

	Guides *Guides
}

// Message is a composed mail.
type Message struct {
	ID      string // Message-ID with angle brackets, the same for a notice at each try
	From    string // envelope sender
	To      string // envelope recipient, one address
	Subject string
	Text    string // the alternatives as they were before encoding
	HTML    string
	Raw     []byte // RFC 5322, lines end in CRLF

	enclosed enclosures
}

// ErrRecipient tells that no mail can be addressed to a letter's contact.
var ErrRecipient = errors.New("the contact's address cannot be mailed to")

// ErrNoMail tells that a letter holds a verdict that customers are never told.
var ErrNoMail = errors.New("customers are not mailed about this verdict")

// Reference is a notice's number as people see it.
func Reference(number int64) string { return "M-" + strconv.FormatInt(number, 10) }

// Number is the number of a notice by its reference; false where the text is none.
func Number(reference string) (int64, bool) {
	n, err := strconv.ParseInt(strings.TrimPrefix(reference, "M-"), 10, 64)
	return n, err == nil && n > 0 && Reference(n) == reference
}

func isWebURL(s string, schemes ...string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || strings.ContainsAny(s, " \t\r\n\"<>") {
		return false
	}
	for _, scheme := range schemes {
		if u.Scheme == scheme {
			return true
		}
	}
	return false
}

// recipient gives the one address that a mail goes to. A contact is free text of a customer: what is not
// exactly one plain address is refused rather than repaired, since a repair could mail a stranger.
func recipient(contact string) (string, error) {
	contact = strings.TrimSpace(contact)
	a, err := mail.ParseAddress(contact)
	if err != nil || a.Name != "" || a.Address != contact || len(contact) > 254 {
		return "", ErrRecipient
	}
	at := strings.LastIndexByte(contact, '@')
	domain, err := idna.Lookup.ToASCII(contact[at+1:])
	if err != nil || !strings.Contains(domain, ".") && domain != "localhost" {
		return "", ErrRecipient
	}
	local := contact[:at]
	for _, r := range local {
		if r <= ' ' || r >= 0x7f || strings.ContainsRune("<>()[],;:\"\\", r) {
			return "", ErrRecipient
		}
	}
	return local + "@" + domain, nil
}
