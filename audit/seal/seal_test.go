package seal

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"pgregory.net/rapid"

	"mailaudit/providers"
)

const canary = "canary-pw-7f3a"

func newKeyset(t *testing.T) *Keyset {
	t.Helper()
	k, err := NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func mustSeal(t *testing.T, k *Keyset, id, secret string) []byte {
	t.Helper()
	sealed, err := k.Seal(id, providers.NewSecret(secret))
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func TestWhatIsSealedOpens(t *testing.T) {
	k := newKeyset(t)
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.StringN(1, -1, -1).Draw(t, "id")
		secret := rapid.StringN(1, -1, -1).Draw(t, "secret")
		sealed, err := k.Seal(id, providers.NewSecret(secret))
		if err != nil {
			t.Fatal(err)
		}
		opened, err := k.Open(id, sealed)
		if err != nil || opened.Reveal() != secret {
			t.Fatalf("opened as %d bytes, %v", len(opened.Reveal()), err)
		}
	})
}

func TestSealedBytesSayNothing(t *testing.T) {
	k := newKeyset(t)
	a, b := mustSeal(t, k, "1", canary), mustSeal(t, k, "1", canary)
	if bytes.Equal(a, b) {
		t.Error("equal secrets are sealed alike")
	}
	if bytes.Contains(a, []byte(canary)) {
		t.Error("the secret stands in the sealed bytes")
	}
}

// The length of what is stored does not tell the length of the secret.
func TestSealedLengthsSayNothing(t *testing.T) {
	k := newKeyset(t)
	short := mustSeal(t, k, "1", "1234")
	for _, n := range []int{1, 16, 63, 64, 127} {
		if sealed := mustSeal(t, k, "1", strings.Repeat("x", n)); len(sealed) != len(short) {
			t.Errorf("%d bytes are sealed as %d, 4 bytes as %d", n, len(sealed), len(short))
		}
	}
	for _, secret := range []string{"ends in \x80", "ends in \x80\x00\x00", "\x80", "\x00", strings.Repeat("x", 128)} {
		if opened, err := k.Open("1", mustSeal(t, k, "1", secret)); err != nil || opened.Reveal() != secret {
			t.Errorf("%q: opened as %q, %v", secret, opened.Reveal(), err)
		}
	}
}

// What a released version or the product sealed, by Tink and with the account's id alone, opens as it is.
func TestWhatIsSealedWithoutPaddingOpens(t *testing.T) {
	k := newKeyset(t)
	for _, secret := range []string{canary, "ends in \x80\x00", strings.Repeat("x", 127) + "\x80"} {
		sealed, err := k.aead.Encrypt([]byte(secret), []byte("1"))
		if err != nil {
			t.Fatal(err)
		}
		if opened, err := k.Open("1", sealed); err != nil || opened.Reveal() != secret {
			t.Errorf("%q: opened as %q, %v", secret, opened.Reveal(), err)
		}
		if k.Current("1", sealed) || !k.Current("1", mustSeal(t, k, "1", secret)) {
			t.Error("what is to be sealed anew is not known")
		}
	}
}

func TestNothingIsSealedForNobody(t *testing.T) {
	k := newKeyset(t)
	if _, err := k.Seal("", providers.NewSecret(canary)); err == nil {
		t.Error("sealed for no account")
	}
	if _, err := k.Seal("1", providers.Secret{}); err == nil {
		t.Error("sealed nothing")
	}
}

func TestWhatDoesNotOpen(t *testing.T) {
	k := newKeyset(t)
	sealed := mustSeal(t, k, "4711", canary)
	changed := bytes.Clone(sealed)
	changed[len(changed)-1] ^= 1
	for _, test := range []struct {
		name   string
		keyset *Keyset
		id     string
		sealed []byte
		want   error
	}{
		{"another account", k, "4712", sealed, ErrNotOpened},
		{"tampered with", k, "4711", changed, ErrNotOpened},
		{"cut off", k, "4711", sealed[:20], ErrNotOpened},
		{"empty", k, "4711", nil, ErrNotOpened},
		{"in the clear", k, "4711", []byte(canary), ErrNotOpened},
		{"another keyset", newKeyset(t), "4711", sealed, ErrUnknownKey},
		{"prefix of another keyset", newKeyset(t), "4711", sealed[:5], ErrUnknownKey},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, err := test.keyset.Open(test.id, test.sealed)
			if !errors.Is(err, test.want) || !s.Empty() {
				t.Fatalf("%v, want %v", err, test.want)
			}
			if strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q", err)
			}
			if !strings.Contains(err.Error(), test.id) {
				t.Errorf("does not name the account: %v", err)
			}
		})
	}
}

// keysetWith applies steps to the keyset's manager, as Tink's own tools would.
func keysetWith(t *testing.T, k *Keyset, steps func(*keyset.Manager) error) *Keyset {
	t.Helper()
	manager := keyset.NewManagerFromHandle(k.handle)
	if err := steps(manager); err != nil {
		t.Fatal(err)
	}
	handle, err := manager.Handle()
	if err != nil {
		t.Fatal(err)
	}
	changed, err := fromHandle(handle)
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

func addPrimary(m *keyset.Manager) error {
	id, err := m.Add(aead.AES256GCMKeyTemplate())
	if err != nil {
		return err
	}
	return m.SetPrimary(id)
}

func TestDisabledKeyIsNamed(t *testing.T) {
	old := newKeyset(t)
	sealed := mustSeal(t, old, "1", canary)
	id := old.Keys()[0].ID
	k := keysetWith(t, old, func(m *keyset.Manager) error { return errors.Join(addPrimary(m), m.Disable(id)) })

	_, err := k.Open("1", sealed)
	if !errors.Is(err, ErrUnknownKey) || !strings.Contains(err.Error(), fmt.Sprintf("key %d is disabled", id)) {
		t.Error(err)
	}
	keys := k.Keys()
	if len(keys) != 2 || keys[0].Status != "disabled" || keys[0].Primary || keys[1].Status != "enabled" || !keys[1].Primary ||
		keys[0].Kind != "AesGcmKey" {
		t.Errorf("%+v", keys)
	}
	again := keysetWith(t, k, func(m *keyset.Manager) error { return m.Enable(id) })
	if s, err := again.Open("1", sealed); err != nil || s.Reveal() != canary {
		t.Errorf("enabled again: %v", err)
	}
}

// A key without Tink's prefix opens what has none, and then a prefix proves nothing.
func TestRawKey(t *testing.T) {
	handle, err := keyset.NewHandle(aead.AES256GCMNoPrefixKeyTemplate())
	if err != nil {
		t.Fatal(err)
	}
	k, err := fromHandle(handle)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := k.Open("1", mustSeal(t, k, "1", canary)); err != nil || s.Reveal() != canary {
		t.Error(err)
	}
	if _, err := k.Open("1", mustSeal(t, newKeyset(t), "1", canary)); !errors.Is(err, ErrNotOpened) {
		t.Error(err)
	}
}

// Beside a key without a prefix no bytes tell whose they are: random ones may read as the id of another key, and
// whoever counts by them would hold a key that is needed for one that is not.
func TestKeyOf(t *testing.T) {
	k := newKeyset(t)
	id := k.Primary()
	sealed := mustSeal(t, k, "1", canary)
	if of, ok := k.KeyOf(sealed); !ok || of != id {
		t.Errorf("key %d, %t; want %d", of, ok, id)
	}
	for name, other := range map[string][]byte{"nothing": nil, "cut off": sealed[:4], "in the clear": []byte(canary)} {
		if of, ok := k.KeyOf(other); ok {
			t.Errorf("%s: key %d", name, of)
		}
	}
	mixed := keysetWith(t, k, func(m *keyset.Manager) error {
		_, err := m.Add(aead.AES256GCMNoPrefixKeyTemplate())
		return err
	})
	if of, ok := mixed.KeyOf(sealed); ok {
		t.Errorf("beside a key without a prefix: key %d", of)
	}
}

func TestManyAtOnce(t *testing.T) {
	k := newKeyset(t)
	var group sync.WaitGroup
	for g := range 8 {
		group.Go(func() {
			for i := range 200 {
				id := fmt.Sprintf("%d-%d", g, i)
				sealed, err := k.Seal(id, providers.NewSecret(canary+id))
				if err != nil {
					t.Error(err)
					return
				}
				if s, err := k.Open(id, sealed); err != nil || s.Reveal() != canary+id {
					t.Errorf("%s: %v", id, err)
				}
			}
		})
	}
	group.Wait()
}

// Neither type shows its key by whatever verb.
func TestKeysPrintNothing(t *testing.T) {
	k := newKeyset(t)
	data, err := encodeKeyset(k.handle)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Key []struct{ KeyData struct{ Value []byte } }
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	material := file.Key[0].KeyData.Value
	material = material[len(material)-16:] // within the AES key, past the header of its message
	key := bytes.Repeat([]byte("fingerprintkey42"), 2)
	shown := func(v any, key []byte) bool {
		var all strings.Builder
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X"} {
			fmt.Fprintf(&all, verb, v)
		}
		for _, form := range []string{string(key), fmt.Sprintf("%x", key), fmt.Sprint(key)[1:20], base64.StdEncoding.EncodeToString(key)} {
			if strings.Contains(strings.ToLower(all.String()), strings.ToLower(form)) {
				return true
			}
		}
		return false
	}
	if !shown(material, material) || !shown(struct{ K []byte }{key}, key) {
		t.Fatal("the test would not see a key")
	}
	if shown(k, material) || shown(*k, material) {
		t.Error("the keyset shows its key")
	}
	f := newFingerprinter(key)
	if shown(f, key) || shown(*f, key) {
		t.Error("the fingerprinter shows its key")
	}
}

func TestFingerprints(t *testing.T) {
	f, other := newFingerprinter([]byte(strings.Repeat("k", 32))), newFingerprinter([]byte(strings.Repeat("l", 32)))
	a := f.Released(providers.NewSecret(canary))
	if len(a) != 32 || strings.Trim(a, "0123456789abcdef") != "" {
		t.Errorf("%q", a)
	}
	// HMAC-SHA-256 of "secret", NUL and the value, of which the first 16 bytes are kept. It must never
	// change: every stored fingerprint would.
	if want := "6c837cdd305b42162686761779d9b23e"; a != want {
		t.Errorf("%s, want %s", a, want)
	}
	if a != f.Released(providers.NewSecret(canary)) {
		t.Error("the same secret has two fingerprints")
	}
	for what, b := range map[string]string{
		"another secret":         f.Released(providers.NewSecret(canary + " ")),
		"another key":            other.Released(providers.NewSecret(canary)),
		"a mailbox of that name": f.Name("mailbox", canary),
		"a name with a NUL":      f.Name("mailbox", "secret\x00"+canary),
		"a secret in two halves": f.Released(providers.NewSecret("\x00" + canary)),
	} {
		if a == b {
			t.Errorf("%s has the same fingerprint", what)
		}
	}
}

// What is stored of two equal secrets differs, and what a released version stored is recognised all the same.
func TestFingerprintsAreTheAccountsOwn(t *testing.T) {
	f := newFingerprinter([]byte(strings.Repeat("k", 32)))
	s := providers.NewSecret(canary)
	one, two := f.Secret("1", s), f.Secret("2", s)
	if one == two {
		t.Error("two accounts with one secret have one fingerprint")
	}
	// It must never change: every stored fingerprint would.
	if want := "a-d30af00ff63f4bd8c37a105673004640"; one != want {
		t.Errorf("%s, want %s", one, want)
	}
	if f.Own("1", f.Released(s)) != one || f.Own("1", one) != one || f.Own("1", "") != "" {
		t.Error("a released version's fingerprint is not recognised")
	}
	if f.Own("1", f.Released(providers.NewSecret(canary+" "))) == one {
		t.Error("a changed secret is not seen")
	}
}
