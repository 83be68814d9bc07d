package gate

import (
	"net/mail"
	"strings"
)

// Contact reads what people write into a field for one address: "Maria Lopez <maria@example.com>" is maria@example.com
// and a name. What is no address, or several, stays as it is: see [audit.Misrouted], which has their customers called.
func Contact(value string) (address, name string) {
	value = strings.TrimSpace(value)
	if !strings.ContainsAny(value, `,;<>"() `) {
		return value, "" // as nearly all are; every row that is read passes here
	}
	all, err := mail.ParseAddressList(strings.Trim(strings.ReplaceAll(value, ";", ","), ", "))
	if err != nil || len(all) == 0 {
		return value, ""
	}
	for _, other := range all[1:] {
		if !strings.EqualFold(other.Address, all[0].Address) {
			return value, ""
		}
	}
	return all[0].Address, all[0].Name
}
