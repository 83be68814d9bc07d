// Package seal keeps stored secrets unreadable to whoever has the database alone. A [Keyset] (Tink, AEAD)
// seals and opens them, each bound to its account; a [Fingerprinter] reports whether two secrets are the same
// without keeping either. An [Opener] asks a program of the operator's to open what the product sealed in its
// own way. The program's own keys live in files, made by [Create] and never stored with the data; how the
// secrets get into and out of the database is not decided here.
package seal

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"mailaudit/providers"
)

var (
	// ErrUnknownKey tells that the keyset has no usable key of the id that a secret was sealed with.
	ErrUnknownKey = errors.New("the keyset given is not the one the secrets were sealed with, or an older copy of it; " +
		"give the present one")
	// ErrNotOpened tells that a key of that id is there and did not open the secret.
	ErrNotOpened = errors.New("it was changed, or moved from another account, or the keyset given is not the one the " +
		"secrets were sealed with; import the account again")
)

// Keyset seals with its primary key and opens with any key that is enabled. It is safe for use by several
// goroutines.
type Keyset struct {
	handle *keyset.Handle
	aead   tink.AEAD
}

// NewKeyset makes a keyset of one fresh key.
func NewKeyset() (*Keyset, error) {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	return fromHandle(handle)
}

func fromHandle(handle *keyset.Handle) (*Keyset, error) {
	primitive, err := aead.New(handle)
	if err != nil {
		return nil, err
	}
	return &Keyset{handle: handle, aead: primitive}, nil
}

// Seal encrypts the secret of an account; the sealed bytes open for that account alone. Equal secrets give
// unequal bytes, and secrets of unequal lengths up to 127 bytes as many.
func (k *Keyset) Seal(accountID string, s providers.Secret) ([]byte, error) {
	if accountID == "" {
		return nil, errors.New("seal a secret: it belongs to no account")
	}
	if s.Empty() {
		return nil, fmt.Errorf("seal the secret of account %s: it is empty", accountID)
	}
	sealed, err := k.aead.Encrypt(pad(s.Reveal()), paddedFor(accountID))
	if err != nil {
		return nil, fmt.Errorf("seal the secret of account %s: %w", accountID, err)
	}
	return sealed, nil
}

// Open decrypts what Seal made, and what released versions and products sealed without padding. The error is
// ErrUnknownKey or ErrNotOpened.
func (k *Keyset) Open(accountID string, sealed []byte) (providers.Secret, error) {
	if secret, ok := k.openPadded(accountID, sealed); ok {
		return providers.NewSecret(secret), nil
	}
	opened, err := k.aead.Decrypt(sealed, []byte(accountID))
	if err == nil {
		return providers.NewSecret(string(opened)), nil
	}
	id, ok := keyID(sealed)
	if !ok || k.hasRaw() {
		return providers.Secret{}, fmt.Errorf("open the secret of account %s: %w", accountID, ErrNotOpened)
	}
	for _, key := range k.Keys() {
		if key.ID != id {
			continue
		}
		if key.Status != "enabled" {
			return providers.Secret{}, fmt.Errorf("open the secret of account %s: key %d is %s: %w",
				accountID, id, key.Status, ErrUnknownKey)
		}
		return providers.Secret{}, fmt.Errorf("open the secret of account %s: %w", accountID, ErrNotOpened)
	}
	return providers.Secret{}, fmt.Errorf("open the secret of account %s: no key %d: %w", accountID, id, ErrUnknownKey)
}

func (k *Keyset) openPadded(accountID string, sealed []byte) (string, bool) {
	opened, err := k.aead.Decrypt(sealed, paddedFor(accountID))
	if err != nil {
		return "", false
	}
	return unpad(opened)
}

// Current reports whether Seal would seal what is stored in the same way: by the primary key, and padded.
func (k *Keyset) Current(accountID string, sealed []byte) bool {
	if key, ok := k.KeyOf(sealed); !ok || key != k.Primary() {
		return false
	}
	_, ok := k.openPadded(accountID, sealed)
	return ok
}

// KeyOf is the id of the key that sealed; false where the bytes do not tell.
func (k *Keyset) KeyOf(sealed []byte) (uint32, bool) {
	if k.hasRaw() {
		return 0, false
	}
	return keyID(sealed)
}

// Primary is the id of the key that seals.
func (k *Keyset) Primary() uint32 { return k.handle.KeysetInfo().GetPrimaryKeyId() }

// keyID reads Tink's output prefix: a version byte (1, or 0 of its older form) and the key's id, big endian.
func keyID(sealed []byte) (uint32, bool) {
	if len(sealed) < 5 || sealed[0] > 1 {
		return 0, false
	}
	return binary.BigEndian.Uint32(sealed[1:5]), true
}

// Key describes one key of a keyset, without its material.
type Key struct {
	ID      uint32
	Primary bool
	Status  string // "enabled", "disabled" or "destroyed"
	Kind    string // "AesGcmKey"
}

// Keys lists the keys in the order of the keyset, oldest first.
func (k *Keyset) Keys() []Key {
	info := k.handle.KeysetInfo()
	keys := make([]Key, 0, len(info.GetKeyInfo()))
	for _, key := range info.GetKeyInfo() {
		keys = append(keys, Key{
			ID:      key.GetKeyId(),
			Primary: key.GetKeyId() == info.GetPrimaryKeyId(),
			Status:  statusWord(key.GetStatus().String()),
			Kind:    lastWord(key.GetTypeUrl()),
		})
	}
	return keys
}

// hasRaw reports whether a key writes no prefix, so that bytes of any form may be its.
func (k *Keyset) hasRaw() bool {
	for _, key := range k.handle.KeysetInfo().GetKeyInfo() {
		if key.GetOutputPrefixType().String() == "RAW" {
			return true
		}
	}
	return false
}
