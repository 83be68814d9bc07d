package notice

import (
	"net/url"
	"strings"
)

// settingsURL is where all mailboxes of the letter are set up; "" where each has an address of its own, or none.
func (d *draft) settingsURL() string {
	if d.eachItsOwn() {
		return ""
	}
	return d.settings.settingsOf(d.letter.TenantID, d.letter.Items[0].AccountID)
}

// eachItsOwn reports whether the letter's mailboxes are set up at different addresses.
func (d *draft) eachItsOwn() bool {
	if !strings.Contains(d.settings.SettingsURL, "{account_id}") {
		return false
	}
	for _, item := range d.letter.Items {
		if item.AccountID != d.letter.Items[0].AccountID {
			return true
		}
	}
	return false
}

// settingsOf is the product's page for one account. Ids are data of the customer's: they are escaped.
func (s Settings) settingsOf(tenant, account string) string {
	escape := func(id string) string { return strings.ReplaceAll(url.QueryEscape(id), "+", "%20") }
	return strings.NewReplacer("{account_id}", escape(account), "{tenant_id}", escape(tenant)).Replace(s.SettingsURL)
}
