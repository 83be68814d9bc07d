package seal

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/signature"
	tinked25519 "github.com/tink-crypto/tink-go/v2/signature/ed25519"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// Signer signs evidence with Ed25519. Its signatures are 64 bytes without a prefix of Tink's, as standard tools read
// them. It is safe for use by several goroutines.
type Signer struct {
	signer tink.Signer
	prefix int // bytes that Tink puts before a signature
	public PublicKeys
}

// PublicKeys check signatures: one of any of them holds.
type PublicKeys []ed25519.PublicKey

// PublicPath is where the public half of a signing keyset lies: beside it.
func PublicPath(path string) string { return path + ".pub" }

// CreateSigning makes a signing keyset at path, readable by its owner alone, and its public key in PEM beside it. It
// returns the path of the latter. It never overwrites: both files are made, or none.
func CreateSigning(path string) (publicPath string, err error) {
	handle, err := keyset.NewHandle(signature.ED25519KeyWithoutPrefixTemplate())
	if err != nil {
		return "", errors.New("make a signing key")
	}
	private, err := encodeKeyset(handle)
	if err != nil {
		return "", err
	}
	keys, err := publicKeys(handle)
	if err != nil {
		return "", err
	}
	public, err := keys.PEM()
	if err != nil {
		return "", err
	}
	publicPath = PublicPath(path)
	if err := create(path, private, "evidence that it signed is checked by its public key, and another one signs evidence that the old public key refuses"); err != nil {
		return "", fmt.Errorf("make a signing key: %w", err)
	}
	if err := create(publicPath, public, "auditors may rely on it"); err != nil {
		os.Remove(path)
		return "", fmt.Errorf("write the public key beside the signing key: %w", err)
	}
	if err := os.Chmod(publicPath, 0o644); err != nil {
		return "", fmt.Errorf("write the public key beside the signing key: %w", err)
	}
	return publicPath, syncFolder(filepath.Dir(path))
}

// LoadSigner reads the signing keyset that source names, as [LoadKeyset] does.
func LoadSigner(source string, lookupEnv func(string) (string, bool)) (s *Signer, warnings []string, err error) {
	data, warnings, err := read(source, lookupEnv)
	if err != nil {
		return nil, nil, fmt.Errorf("read the signing key: %w; make one by mailaudit keys new --signing --out FILE", err)
	}
	if s, err = decodeSigner(data); err != nil {
		return nil, nil, fmt.Errorf("read the signing key: %s %w", named(source), err)
	}
	return s, warnings, nil
}

func decodeSigner(data []byte) (*Signer, error) {
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(data)))
	if err != nil {
		return nil, errors.New("is not a Tink keyset in JSON, or is damaged")
	}
	signer, err := signature.NewSigner(handle)
	if err != nil {
		return nil, errors.New("is a Tink keyset, but not one that signs; make one by mailaudit keys new --signing")
	}
	primary, err := handle.Primary()
	if err != nil {
		return nil, errors.New("has no primary key")
	}
	key, ok := primary.Key().(*tinked25519.PrivateKey)
	if !ok {
		return nil, errors.New("signs by another method than Ed25519; make one by mailaudit keys new --signing")
	}
	public, err := publicKeys(handle)
	if err != nil {
		return nil, err
	}
	return &Signer{signer: signer, prefix: len(key.OutputPrefix()), public: public}, nil
}

// Sign returns the Ed25519 signature of the bytes.
func (s *Signer) Sign(text []byte) ([]byte, error) {
	signed, err := s.signer.Sign(text)
	if err != nil {
		return nil, errors.New("sign: the signing key refuses")
	}
	return signed[s.prefix:], nil
}

// Public are the keys that check what the signer signs, and what earlier keys of its keyset signed.
func (s *Signer) Public() PublicKeys { return s.public }

// LoadPublicKeys reads public keys from a file: PEM, one block a key, or a Tink keyset in JSON. Of a signing keyset it
// takes the public half.
func LoadPublicKeys(path string) (PublicKeys, error) {
	data, _, err := readFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the public key: %w", err)
	}
	keys, err := decodePublicKeys(data)
	if err != nil {
		return nil, fmt.Errorf("read the public key: %s %w", path, err)
	}
	return keys, nil
}

func decodePublicKeys(data []byte) (PublicKeys, error) {
	if json.Valid(data) {
		handle, err := keyset.ReadWithNoSecrets(keyset.NewJSONReader(bytes.NewReader(data)))
		if err != nil {
			if handle, err = insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(data))); err != nil {
				return nil, errors.New("is not a Tink keyset in JSON, or is damaged")
			}
		}
		return publicKeys(handle)
	}
	var keys PublicKeys
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
		key, ok := parsed.(ed25519.PublicKey)
		if err != nil || !ok {
			return nil, errors.New("holds a key that is no Ed25519 public key")
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, errors.New("holds no public key, neither in PEM nor as a Tink keyset")
	}
	return keys, nil
}

// publicKeys takes the public halves out of a keyset of signing or of public keys.
func publicKeys(handle *keyset.Handle) (PublicKeys, error) {
	if public, err := handle.Public(); err == nil {
		handle = public
	}
	var keys PublicKeys
	for i := range handle.Len() {
		entry, err := handle.Entry(i)
		if err != nil {
			return nil, errors.New("has a key that cannot be read")
		}
		if entry.KeyStatus() != keyset.Enabled {
			continue
		}
		key, ok := entry.Key().(*tinked25519.PublicKey)
		if !ok {
			return nil, errors.New("holds a key that is no Ed25519 key for signatures")
		}
		keys = append(keys, key.KeyBytes())
	}
	if len(keys) == 0 {
		return nil, errors.New("holds no enabled key")
	}
	return keys, nil
}

// Verify returns an error unless one of the keys has signed the text.
func (k PublicKeys) Verify(text, signature []byte) error {
	for _, key := range k {
		if ed25519.Verify(key, text, signature) {
			return nil
		}
	}
	return errors.New("the signature is not by the key given")
}

// PEM is the form that openssl reads, one block a key.
func (k PublicKeys) PEM() ([]byte, error) {
	var out bytes.Buffer
	for _, key := range k {
		der, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			return nil, errors.New("encode the public key")
		}
		if err := pem.Encode(&out, &pem.Block{Type: "PUBLIC KEY", Bytes: der}); err != nil {
			return nil, errors.New("encode the public key")
		}
	}
	return out.Bytes(), nil
}

// IsSigning reports whether the file at path is a keyset that signs.
func IsSigning(path string) bool {
	data, _, err := readFile(path)
	if err != nil {
		return false
	}
	_, err = decodeSigner(data)
	return err == nil
}

// RotateSigning adds a primary key to the signing keyset at path; what its older keys signed is still checked by its public
// keys, all of which are written anew beside it. The former keyset is left as path.old, as by [Rotate].
func RotateSigning(path string) error {
	var keys PublicKeys
	err := replaceKeyset(path, true, func(former []byte) ([]byte, error) {
		handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(former)))
		if err != nil {
			return nil, errors.New("is not a Tink keyset in JSON, or is damaged")
		}
		manager := keyset.NewManagerFromHandle(handle)
		id, err := manager.Add(signature.ED25519KeyWithoutPrefixTemplate())
		if err != nil {
			return nil, errors.New("make a signing key")
		}
		if err := manager.SetPrimary(id); err != nil {
			return nil, errors.New("make the new signing key the primary one")
		}
		if handle, err = manager.Handle(); err != nil {
			return nil, errors.New("make a keyset with the new signing key")
		}
		if keys, err = publicKeys(handle); err != nil {
			return nil, err
		}
		return encodeKeyset(handle)
	})
	if err != nil {
		return fmt.Errorf("rotate the signing key: %w", err)
	}
	public, err := keys.PEM()
	if err != nil {
		return err
	}
	next := PublicPath(path) + ".new"
	if err := os.WriteFile(next, public, 0o644); err != nil {
		return fmt.Errorf("write the public keys beside the signing key: %w", err)
	}
	if err := os.Rename(next, PublicPath(path)); err != nil {
		return fmt.Errorf("write the public keys beside the signing key: %w", err)
	}
	return syncFolder(filepath.Dir(path))
}
