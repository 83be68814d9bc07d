package main

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"
)

// Sealed by pgcrypto 1.3: pgp_sym_encrypt('open sesame', 'key'), the same with disable-mdc=1, encrypt('open sesame', 'key', 'aes').
const (
	inPGP     = "c30d040703028c704ed0f2ad6b7976d23c016010b15d0733fd869de0d1623dcc7f6844170644ac09be2c7c4a756fbbeb61d4941751054a810fd8e16ffcd48c49e03dd159288ea1960c80d2ea4a"
	unbounded = "c30d0407030216cc84cbf79cb2416bc9257cfd2355365b0da8233bb7be0502e82a01b2e03c5c6167175472932a57fca110d76a8e09b6"
	inAES     = "c4c9585c003caec0566bab1117ef27ac"
)

func bytesOf(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestForms(t *testing.T) {
	for name, c := range map[string]struct {
		open   func(key, sealed []byte) ([]byte, error)
		sealed string
	}{"pgp": {openPGP, inPGP}, "aes": {openAES, inAES}} {
		sealed := bytesOf(t, c.sealed)
		if secret, err := c.open([]byte("key"), sealed); err != nil || string(secret) != "open sesame" {
			t.Errorf("%s: %q, %v", name, secret, err)
		}
		for cut := range len(sealed) {
			if secret, err := c.open([]byte("key"), sealed[:cut]); err == nil {
				t.Errorf("%s: the first %d bytes open: %q", name, cut, secret)
			}
		}
		if secret, err := c.open([]byte("another"), sealed); err == nil {
			t.Errorf("%s: another key opens: %q", name, secret)
		}
	}
	if secret, err := openPGP([]byte("key"), bytesOf(t, unbounded)); err == nil {
		t.Errorf("a text that may have been changed opens: %q", secret)
	}
	if _, err := openAES(make([]byte, 33), make([]byte, 16)); err == nil {
		t.Error("a key that AES does not have")
	}
}

func TestKey(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte("from a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	set := map[string]string{}
	getenv := func(name string) string { return set[name] }
	if _, err := keyOf(getenv); err == nil {
		t.Error("no key is one")
	}
	set["PGCRYPTO_KEY"] = "given"
	if key, err := keyOf(getenv); err != nil || string(key) != "given" {
		t.Errorf("%q, %v", key, err)
	}
	set["PGCRYPTO_KEY_FILE"] = file
	if key, err := keyOf(getenv); err != nil || string(key) != "from a file" {
		t.Errorf("%q, %v", key, err)
	}
}
