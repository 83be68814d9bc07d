package sim

import (
	"maps"
	"slices"
	"strings"
	"sync"
)

// State is what has befallen an account, whatever its secret.
type State string

const (
	OK               State = ""
	Locked           State = "locked"             // blocked, suspended or locked by the provider
	SMTPAuthDisabled State = "smtp-auth-disabled" // the switch for signing in to SMTP is off
	BrowserSignIn    State = "browser-sign-in"    // the owner must sign in on the web first
	MFADemanded      State = "mfa-demanded"       // a policy wants a second factor at this sign-in
	RateLimited      State = "rate-limited"       // too many attempts on this account
	BackendDown      State = "backend-down"       // the provider cannot tell just now
)

// Account is one mailbox. How its secrets are taken is the provider's rule.
type Account struct {
	Password     string
	AppPasswords []string
	TwoFactor    bool // two-step verification is on
	State        State
	TokenAnswer  string // what the token endpoint says to a refresh of its grants: HTTP status, line feed, body
}

// World is the accounts of the simulated providers by login name, without regard to case. It may change
// while servers play.
type World struct {
	mu       sync.Mutex
	accounts map[string]Account
	attempts map[string]int
	grants   map[string]*grant // by refresh token
	access   map[string]string // logins by access token
}

// NewWorld makes an empty one.
func NewWorld() *World {
	return &World{
		accounts: make(map[string]Account), attempts: make(map[string]int),
		grants: make(map[string]*grant), access: make(map[string]string),
	}
}

// Set puts an account in, or replaces it.
func (w *World) Set(login string, a Account) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a.AppPasswords = slices.Clone(a.AppPasswords)
	w.accounts[strings.ToLower(login)] = a
}

// Change alters an account in place; one that is not there is made.
func (w *World) Change(login string, change func(*Account)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a := w.accounts[strings.ToLower(login)]
	a.AppPasswords = slices.Clone(a.AppPasswords)
	change(&a)
	w.accounts[strings.ToLower(login)] = a
}

// Delete takes an account out.
func (w *World) Delete(login string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.accounts, strings.ToLower(login))
}

// Attempts gives the AUTH exchanges that came to a credential, by login name in lower case, over all
// servers of this world.
func (w *World) Attempts() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.attempts)
}

func (w *World) attempt(login string) (Account, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.attempts[strings.ToLower(login)]++
	a, ok := w.accounts[strings.ToLower(login)]
	return a, ok
}

// secretOf is the one secret that a mechanism can prove which needs it on both sides; "" for nobody's.
func (w *World) secretOf(login string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.accounts[strings.ToLower(login)].Password
}
