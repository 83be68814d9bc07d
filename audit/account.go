package audit

import (
	"strings"
	"time"

	"mailaudit/providers"
)

// Auth is how an account signs in.
type Auth string

const (
	AuthPassword Auth = "password" // password or app password
	AuthOAuth2   Auth = "oauth2"   // the secret is a refresh token
)

// Account is one stored mail credential without its secret.
type Account struct {
	ID           string
	TenantID     string
	TenantName   string
	Address      string // the mailbox
	Username     string // login name; empty: the address
	Host         string // as the customer stored it; empty: the provider's default
	Port         int    // 0: the provider's default
	Security     providers.Security
	Auth         Auth
	ContactName  string
	ContactEmail string
	Locale       string    // BCP 47; empty: en
	TimeZone     string    // IANA name; empty: the configured zone
	UpdatedAt    time.Time // shown, never decides
	LastSentOKAt time.Time // zero if the product does not say

	ContactUnverified bool // the product says when it verified contacts, and has not verified this one: it is not mailed
	// Flaw is what the gate found in the account's row: it is not asked then, and its customer is not notified.
	Flaw Flaw
	// Doubt is what the gate leaves aside of the row, without harm to the account.
	Doubt Flaw
}

// Flaw names the column of a row whose value cannot be meant, and what is wrong with it, as a predicate: "holds a URL". It
// never repeats the value. The zero value is none.
type Flaw struct{ Column, What string }

// Reason is why such an account is unverified; "" for no flaw.
func (f Flaw) Reason() string {
	if f.Column == "" {
		return ""
	}
	return "our own data: column " + f.Column + " " + f.What
}

// Login is the name that is given to the server.
func (a Account) Login() string {
	if a.Username != "" {
		return a.Username
	}
	return a.Address
}

// NewAccount is an account to be stored, with its secret in the open.
type NewAccount struct {
	Account
	Secret providers.Secret
}

// SameContact reports whether two addresses are one contact.
func SameContact(a, b string) bool { return FoldAddress(a) == FoldAddress(b) }

// FoldAddress is an address in the form by which contacts are told apart.
func FoldAddress(address string) string { return strings.ToLower(strings.TrimSpace(address)) }

// ProviderOther is the queue of accounts whose provider could not be told when they were planned.
const ProviderOther = "other"
