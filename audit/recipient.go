package audit

import (
	"net/netip"
	"slices"
	"strings"
)

// A contact is free text that a customer stored. Our mail must reach a person's mailbox by the open mail system, and
// nothing else: no relay of somebody's choosing, and no machine of our own network.

// Misrouted tells why a contact's address leads elsewhere than to a mailbox on the internet; "" if nothing speaks against
// it. Whether it is an address at all is not asked here.
func Misrouted(contact string) string {
	contact = FoldAddress(contact)
	if strings.ContainsAny(contact, ",;") || strings.Count(contact, "@") > 1 {
		return "the contact is more than one address"
	}
	at := strings.LastIndexByte(contact, '@')
	if at < 0 {
		return ""
	}
	local, domain := contact[:at], strings.TrimSuffix(strings.TrimRight(contact[at+1:], "> "), ".")
	labels := strings.Split(domain, ".")
	last := labels[len(labels)-1]
	switch {
	case strings.ContainsAny(local, "%!"):
		return "the contact's address holds a route" // RFC 5321 appendix F.2: relays may follow it
	case strings.HasPrefix(domain, "["):
		return "the contact's address is a machine's"
	case len(labels) < 2 || slices.Contains(localTops, last) || slices.Contains(labels, "svc") && slices.Contains(labels, "cluster"):
		return "the contact's domain is a local name"
	}
	if _, err := netip.ParseAddr(domain); err == nil {
		return "the contact's address is a machine's"
	}
	return ""
}

// Recipient names the mailbox that mail to the contact ends in, see [SameMailbox]: the spellings of one contact share the
// day's mails.
func Recipient(contact string) string {
	if mailbox := mailboxOf(contact); mailbox != "" {
		return mailbox
	}
	return FoldAddress(contact)
}

// localTops are the top domains that lead nowhere on the internet: RFC 6761, 6762, 7686, 8375 and 9476, ICANN's
// name for private use, and what networks use beside them.
var localTops = []string{
	"local", "localhost", "localdomain", "internal", "intranet", "private", "corp", "home", "lan", "arpa", "onion", "alt", "svc", "cluster", "consul",
}
