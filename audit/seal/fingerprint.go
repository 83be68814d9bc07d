package seal

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"

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

// Secret gives 32 hexadecimal digits: the same for the same secret, whichever account holds it.
func (f *Fingerprinter) Secret(s providers.Secret) string { return f.sum("secret", s.Reveal()) }

// Login gives 32 hexadecimal digits for a login name as it stands; they are never those of a secret.
func (f *Fingerprinter) Login(name string) string { return f.sum("login", name) }
