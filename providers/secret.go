package providers

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[secret]"

// Secret is a password, app password or refresh token that no route of printing reveals: not fmt with any
// verb, not JSON, YAML or slog, and not reflection, since the value is held by a closure. The zero value
// is the empty secret. Only [Secret.Reveal] gives the value.
type Secret struct {
	reveal func() string
}

// NewSecret wraps value.
func NewSecret(value string) Secret {
	return Secret{reveal: func() string { return value }}
}

// Reveal returns the value. Callers hand it to the wire, the sealer or a fingerprint, and to nothing else.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// Empty reports whether there is nothing to send.
func (s Secret) Empty() bool { return s.Reveal() == "" }

func (Secret) String() string               { return redacted }
func (Secret) GoString() string             { return redacted }
func (Secret) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format covers the verbs that do not ask for String, such as %d and %x.
func (Secret) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }
