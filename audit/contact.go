package audit

import "strings"

// sameDomain maps domains to the one under which they deliver to the same mailboxes.
var sameDomain = map[string]string{
	"googlemail.com": "gmail.com",  // support.google.com/mail/answer/10313
	"me.com":         "icloud.com", // support.apple.com/102540, both for accounts that had them
	"mac.com":        "icloud.com",
	"pm.me":          "proton.me",
	"protonmail.com": "proton.me",
	"protonmail.ch":  "proton.me",
}

// SameMailbox reports whether mail to the two addresses ends in one mailbox, as far as their spelling shows:
// case, a plus-tag, dots before the @ and domains of one provider that mean the same do not count. Some
// providers tell dots apart, but one clinic seldom has two people whose names differ in a dot, and being
// wrong costs a phone call where the other mistake costs a mail that nobody reads.
func SameMailbox(a, b string) bool {
	a, b = mailboxOf(a), mailboxOf(b)
	return a != "" && a == b
}

func mailboxOf(address string) string {
	address = FoldAddress(address)
	at := strings.LastIndexByte(address, '@')
	if at < 1 || at == len(address)-1 {
		return ""
	}
	local, domain := address[:at], strings.TrimSuffix(address[at+1:], ".")
	if same, ok := sameDomain[domain]; ok {
		domain = same
	}
	if plus := strings.IndexByte(local, '+'); plus > 0 {
		local = local[:plus]
	}
	return strings.ReplaceAll(local, ".", "") + "@" + domain
}

// Unreadable tells why nobody would read a notice: its contact is the very mailbox that its provider has
// blocked. Any other finding leaves a mailbox that is read on the web or a phone as before. "" if a mail
// can be read. Accounts that are not given do not count.
func Unreadable(n Notice, accounts map[string]Account) string {
	for _, id := range n.Blocked() {
		if acc, there := accounts[id]; there && SameMailbox(acc.Address, n.ContactEmail) {
			return "the contact is the blocked mailbox itself" + CallSuffix
		}
	}
	return ""
}

// UnverifiedContact tells why a notice's contact is not mailed: one of the notice's accounts says that the product has not
// verified it. Accounts that are not given do not count.
func UnverifiedContact(n Notice, accounts map[string]Account) string {
	for _, item := range n.Items {
		if acc := accounts[item.AccountID]; acc.ContactUnverified && SameContact(acc.ContactEmail, n.ContactEmail) {
			return "the contact is not verified" + CallSuffix
		}
	}
	return ""
}

// Blocked are the accounts that the notice tells of being blocked.
func (n Notice) Blocked() (accounts []string) {
	for _, item := range n.Items {
		if item.Verdict == AccountBlocked && (n.Kind == KindFinding || n.Kind == KindReminder) {
			accounts = append(accounts, item.AccountID)
		}
	}
	return accounts
}
