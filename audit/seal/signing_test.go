package seal_test

import (
	"path/filepath"
	"testing"

	"mailaudit/audit/seal"
)

// What a former key signed holds by the public keys of today, and by its own; what the new one signs does not by the former's.
func TestRotatedSigningKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "signing.json")
	public, err := seal.CreateSigning(path)
	if err != nil {
		t.Fatal(err)
	}
	sign := func() []byte {
		t.Helper()
		s, _, err := seal.LoadSigner("file:"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := s.Sign([]byte("a link"))
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	keys := func() seal.PublicKeys {
		t.Helper()
		k, err := seal.LoadPublicKeys(public)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	before, former := sign(), keys()
	if !seal.IsSigning(path) || seal.IsSigning(public) {
		t.Error("a signing keyset is not told from its public key")
	}
	if err := seal.RotateSigning(path); err != nil {
		t.Fatal(err)
	}
	after, both := sign(), keys()
	if len(former) != 1 || len(both) != 2 {
		t.Errorf("%d public keys before, %d after", len(former), len(both))
	}
	for name, signed := range map[string][]byte{"the former": before, "the new": after} {
		if err := both.Verify([]byte("a link"), signed); err != nil {
			t.Errorf("signed by %s key: %v", name, err)
		}
	}
	if former.Verify([]byte("a link"), after) == nil {
		t.Error("the former public key takes what the new key signed")
	}
}
