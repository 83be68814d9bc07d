package notice

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"mailaudit/report"
)

// How a mail names a mailbox.
const (
	ShowAuto   = "auto"   // in full where that tells the contact nothing new: see [Settings.ShowMailbox]
	ShowFull   = "full"   // always in full
	ShowMasked = "masked" // never in full
)

const masking = "•••••"

// callNames returns what a letter's mailboxes are called, by address. No two have one mask, so the reader can tell
// them apart.
func (s Settings) callNames(contact string, items []Item) map[string]string {
	out := map[string]string{}
	var masked []string
	for _, item := range items {
		m := item.Mailbox
		switch {
		case out[m] != "" || slices.Contains(masked, m):
		case s.shows(contact, m):
			out[m] = plain(m)
		default:
			masked = append(masked, m)
		}
	}
	for m, mask := range masks(masked) {
		out[m] = mask
	}
	return out
}

func (s Settings) shows(contact, mailbox string) bool {
	switch s.ShowMailbox {
	case ShowFull:
		return true
	case ShowMasked:
		return false
	}
	domain := domainPart(mailbox)
	return domain != "" && domain == domainPart(contact) && !s.isPublic(domain)
}

// isPublic reports whether strangers have mailboxes in a mail domain.
func (s Settings) isPublic(domain string) bool {
	return slices.Contains(publicDomains, domain) || s.PublicDomain != nil && s.PublicDomain(domain)
}

// publicDomains are those of access and mail providers that have no guide of their own.
var publicDomains = []string{
	"centurylink.net", "charter.net", "comcast.net", "cox.net", "earthlink.net", "email.com", "frontier.com", "gmx.com", "gmx.de", "gmx.net",
	"hushmail.com", "juno.com", "mail.com", "mindspring.com", "netzero.net", "optimum.net", "optonline.net", "pm.me", "proton.me",
	"protonmail.com", "roadrunner.com", "rr.com", "spectrum.net", "suddenlink.net", "tutanota.com", "tuta.com", "twc.com", "web.de",
	"windstream.net", "xfinity.com", "yandex.com",
}

func domainPart(address string) string {
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return ""
	}
	return strings.ToLower(strings.TrimSuffix(strings.TrimSpace(address[at+1:]), "."))
}

// masks gives each mailbox the shortest mask that no other has: the usual one, then with its last letter, then with
// more of its first ones, up to half the name. What is still alike is numbered.
func masks(mailboxes []string) map[string]string {
	out := map[string]string{}
	of := map[string][]string{} // the mailboxes by the mask that they have so far
	for _, m := range mailboxes {
		out[m] = report.Mask(m)
	}
	for more := 0; more <= 8; more++ {
		clear(of)
		for _, m := range mailboxes {
			of[out[m]] = append(of[out[m]], m)
		}
		for _, alike := range of {
			if len(alike) < 2 {
				continue
			}
			for _, m := range alike {
				out[m] = widerMask(m, more)
			}
		}
	}
	clear(of)
	for _, m := range mailboxes {
		of[out[m]] = append(of[out[m]], m)
	}
	for mask, alike := range of {
		for i, m := range alike {
			if len(alike) > 1 {
				out[m] = fmt.Sprintf("%s (%d)", mask, i+1)
			}
		}
	}
	return out
}

// widerMask shows 2+more letters and the last one of a name, but at least half of it stays hidden.
func widerMask(mailbox string, more int) string {
	usual := report.Mask(mailbox)
	at := strings.LastIndexByte(usual, '@')
	whole := strings.LastIndexByte(mailbox, '@')
	if at < 0 || whole < 0 {
		return usual
	}
	name := []rune(strings.Map(printable, strings.ToValidUTF8(mailbox[:whole], "")))
	first := min(2+more, len(name)/2-1)
	if first < 2 {
		return usual
	}
	return string(name[:first]) + masking + string(name[len(name)-1:]) + usual[at:]
}

func printable(r rune) rune {
	if !unicode.IsGraphic(r) || unicode.IsSpace(r) {
		return -1
	}
	return r
}

// spoken puts a masked mailbox into words, since screen readers read its dots as "bullet", five times; "" for one that
// can be read as it stands.
func (t texts) spoken(called string) string {
	if begin, rest, masked := strings.Cut(called, masking); masked {
		return replace(t.front("spoken", ""), "begin", strings.Join(strings.Split(begin, ""), " "), "rest", rest)
	}
	return ""
}
