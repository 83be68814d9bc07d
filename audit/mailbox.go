package audit

import (
	"strings"

	"mailaudit/providers"
)

// Mailbox is one mailbox at a provider, however its login is spelled: attempts are counted by it, over all tenants
// and hosts. Verdicts are not shared by it: there the login as sent decides.
//
// Case folds everywhere. Dots, a plus tag and the alias domain fold at Gmail's own domains alone, for elsewhere they
// may tell mailboxes apart. A login without a domain is one of the provider's first domain; where a provider has none,
// it is a mailbox of the host.
func Mailbox(p *providers.Provider, host, login string) string {
	local, domain := strings.ToLower(strings.TrimSpace(login)), ""
	if at := strings.LastIndexByte(local, '@'); at >= 0 {
		local, domain = local[:at], providers.AddressDomain(local)
	} else if domain = firstDomain(p); domain == "" {
		domain = "host " + providers.CanonicalHost(host)
	}
	if domain == "gmail.com" || domain == "googlemail.com" {
		local, _, _ = strings.Cut(local, "+")
		local, domain = strings.ReplaceAll(local, ".", ""), "gmail.com"
	}
	return p.Name + "\n" + local + "@" + domain
}

func firstDomain(p *providers.Provider) string {
	for i := range p.Brands {
		if domains := p.Brands[i].Domains; len(domains) > 0 {
			return strings.TrimPrefix(domains[0], ".")
		}
	}
	return ""
}
