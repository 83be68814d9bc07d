package seal

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"strings"

	"mailaudit/providers"
)

// Fingerprinter tells equal secrets from changed ones by HMAC-SHA-256 under a key that is not in the
// database, so that nobody who reads the database can try passwords against what is stored there. It is
// safe for use by several goroutines.
type Fingerprinter struct {
	// A closure, like that of providers.Secret, is out of reach of printing.
	sum func(domain, value string) string
}

func newFingerprinter(key []byte) *Fingerprinter {
	return &Fingerprinter{sum: func(domain, value string) string {
		mac := hmac.New(sha256.New, key)
		// The domain ends with a NUL, so that none is the beginning of another.
		io.WriteString(mac, domain+"\x00")
		io.WriteString(mac, value)
		return hex.EncodeToString(mac.Sum(nil)[:16])
	}}
}

// ofAccount begins the fingerprints that are one account's. Released versions made others, of the secret alone.
const ofAccount = "a-"

// Secret is the fingerprint of an account's secret. Two accounts that hold the same secret have different ones, so that
// an account of one's own is no dictionary of what others hold.
func (f *Fingerprinter) Secret(accountID string, s providers.Secret) string {
	return f.Own(accountID, f.Released(s))
}

// Released is the fingerprint that released versions made of a secret: 32 hexadecimal digits, the same for the same
// secret, whichever account holds it. It is recognised and no longer stored.
func (f *Fingerprinter) Released(s providers.Secret) string { return f.sum("secret", s.Reveal()) }

// Own is a stored fingerprint in the form of [Fingerprinter.Secret]: one of a released version is made the account's
// own, so that no secret looks changed after an upgrade. "" stays "".
func (f *Fingerprinter) Own(accountID, stored string) string {
	if stored == "" || strings.HasPrefix(stored, ofAccount) {
		return stored
	}
	return ofAccount + f.sum("secret of an account", accountID+"\x00"+stored)
}

// Name gives 32 hexadecimal digits for a value of a kind, such as a mailbox; they are never those of a secret, nor of
// another kind. A kind holds no NUL.
func (f *Fingerprinter) Name(kind, value string) string { return f.sum("name of "+kind, value) }
