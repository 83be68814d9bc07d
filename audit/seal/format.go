package seal

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"

	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
)

// The keyset file is Tink's own JSON in clear text, so that Tink's tools and other languages read it. The
// fingerprint key is JSON of ours. What a parser says of either is never passed on: it may quote the key.

const (
	fingerprintKind   = "mailaudit fingerprint key"
	fingerprintLength = 32
)

type fingerprintFile struct {
	Kind    string `json:"kind"`
	Version int    `json:"version"`
	Key     []byte `json:"key"` // base64
}

func encodeKeyset(handle *keyset.Handle) ([]byte, error) {
	var out bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&out)); err != nil {
		return nil, errors.New("encode the keyset")
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

func decodeKeyset(data []byte) (*Keyset, error) {
	var hint struct {
		Kind            string          `json:"kind"`
		EncryptedKeyset json.RawMessage `json:"encryptedKeyset"`
	}
	if json.Unmarshal(data, &hint) == nil {
		switch {
		case hint.Kind == fingerprintKind:
			return nil, errors.New("is the fingerprint key, not the keyset")
		case len(hint.EncryptedKeyset) > 0:
			return nil, errors.New("is encrypted by another key; a keyset in clear text is needed")
		}
	}
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(data)))
	if err != nil {
		return nil, errors.New("is not a Tink keyset in JSON, or is damaged")
	}
	k, err := fromHandle(handle)
	if err != nil {
		return nil, errors.New("is a Tink keyset, but not of keys that seal (AEAD)")
	}
	return k, nil
}

func encodeFingerprintKey(key []byte) ([]byte, error) {
	data, err := json.Marshal(fingerprintFile{Kind: fingerprintKind, Version: 1, Key: key})
	if err != nil {
		return nil, errors.New("encode the fingerprint key")
	}
	return append(data, '\n'), nil
}

func decodeFingerprintKey(data []byte) (*Fingerprinter, error) {
	var file fingerprintFile
	decoder := json.NewDecoder(bytes.NewReader(data))
	if decoder.Decode(&file) != nil || file.Kind != fingerprintKind || decoder.More() {
		return nil, errors.New("is not a fingerprint key, or is damaged")
	}
	if file.Version != 1 {
		return nil, errors.New("is a fingerprint key of a newer mailaudit")
	}
	if len(file.Key) != fingerprintLength {
		return nil, errors.New("is a damaged fingerprint key")
	}
	return newFingerprinter(file.Key), nil
}

func statusWord(status string) string { return strings.ToLower(status) }

// lastWord of type.googleapis.com/google.crypto.tink.AesGcmKey.
func lastWord(typeURL string) string { return typeURL[strings.LastIndexByte(typeURL, '.')+1:] }
