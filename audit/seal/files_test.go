package seal

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"mailaudit/providers"
)

func noEnv(string) (string, bool) { return "", false }

// oneLine fails unless err is one line with these words in it, and returns its text.
func oneLine(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q does not say %q", err, w)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("more than one line: %q", err)
	}
}

func created(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "keyset.json")
	beside, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if beside != filepath.Join(filepath.Dir(path), "fingerprint.json") {
		t.Errorf("fingerprint key at %s", beside)
	}
	return path
}

func loaded(t *testing.T, path string) *Keyset {
	t.Helper()
	k, _, err := LoadKeyset("file:"+path, noEnv)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func content(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return strings.Join(list, " ")
}

func TestCreatedKeysLoad(t *testing.T) {
	path := created(t)
	for _, name := range []string{path, FingerprintPath(path)} {
		info, err := os.Stat(name)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info, err)
		}
	}
	k, warnings, err := LoadKeyset("file:"+path, noEnv)
	if err != nil || len(warnings) != 0 {
		t.Fatal(err, warnings)
	}
	f, warnings, err := LoadFingerprinter("file:"+FingerprintPath(path), noEnv)
	if err != nil || len(warnings) != 0 {
		t.Fatal(err, warnings)
	}
	env := func(name string) (string, bool) {
		switch name {
		case "KEYSET":
			return content(t, path), true
		case "FINGERPRINT":
			return content(t, FingerprintPath(path)), true
		}
		return "", false
	}
	k2, _, err := LoadKeyset("env:KEYSET", env)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := k2.Open("1", mustSeal(t, k, "1", canary)); err != nil || s.Reveal() != canary {
		t.Error(err)
	}
	f2, _, err := LoadFingerprinter("env:FINGERPRINT", env)
	if err != nil || f2.Name("login", "a") != f.Name("login", "a") {
		t.Error(err)
	}
	_, _, err = LoadKeyset("env:NONE", env)
	oneLine(t, err, "read the keyset: the environment variable NONE is not set")
}

func TestNothingIsOverwritten(t *testing.T) {
	t.Run("keyset", func(t *testing.T) {
		path := created(t)
		before := content(t, path) + content(t, FingerprintPath(path))
		_, err := Create(path)
		oneLine(t, err, path+" exists already and is not overwritten")
		if content(t, path)+content(t, FingerprintPath(path)) != before {
			t.Error("a key file was changed")
		}
	})
	t.Run("fingerprint key", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "keyset.json")
		if err := os.WriteFile(FingerprintPath(path), []byte("precious"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Create(path)
		oneLine(t, err, "fingerprint.json exists already")
		if got := names(t, filepath.Dir(path)); got != "fingerprint.json" {
			t.Errorf("left behind: %s", got)
		}
		if content(t, FingerprintPath(path)) != "precious" {
			t.Error("the fingerprint key was changed")
		}
	})
	t.Run("dangling link", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "keyset.json")
		if err := os.Symlink(path+".elsewhere", path); err != nil {
			t.Fatal(err)
		}
		_, err := Create(path)
		oneLine(t, err, "exists already")
		if got := names(t, filepath.Dir(path)); got != "keyset.json" {
			t.Errorf("left behind: %s", got)
		}
	})
	t.Run("the fingerprint key's name", func(t *testing.T) {
		_, err := Create(filepath.Join(t.TempDir(), "fingerprint.json"))
		oneLine(t, err, "is the name of the fingerprint key")
	})
	t.Run("no such folder", func(t *testing.T) {
		_, err := Create(filepath.Join(t.TempDir(), "nowhere", "keyset.json"))
		oneLine(t, err, "make a keyset: open ", "no such file or directory")
	})
}

func TestRotation(t *testing.T) {
	path := created(t)
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	first := content(t, path)
	fingerprint := content(t, FingerprintPath(path))
	sealed := map[string][]byte{"before": mustSeal(t, loaded(t, path), "1", canary)}
	stale := loaded(t, path)
	for _, round := range []string{"once", "twice"} {
		former := content(t, path)
		id, err := Rotate(path)
		if err != nil {
			t.Fatal(err)
		}
		k := loaded(t, path)
		keys := k.Keys()
		if last := keys[len(keys)-1]; last.ID != id || !last.Primary || last.Status != "enabled" {
			t.Errorf("%+v, new key %d", keys, id)
		}
		sealed[round] = mustSeal(t, k, "1", canary)
		for when, bytes := range sealed {
			if s, err := k.Open("1", bytes); err != nil || s.Reveal() != canary {
				t.Errorf("sealed %s, rotated %s: %v", when, round, err)
			}
		}
		if content(t, path+".old") != former {
			t.Error("the former keyset was not kept")
		}
		if _, err := stale.Open("1", sealed[round]); !errors.Is(err, ErrUnknownKey) {
			t.Errorf("a process with the former keyset: %v", err)
		}
	}
	if got := names(t, filepath.Dir(path)); got != "fingerprint.json keyset.json keyset.json.old" {
		t.Error(got)
	}
	for _, name := range []string{path, path + ".old"} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o640 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	if content(t, FingerprintPath(path)) != fingerprint {
		t.Error("the fingerprint key was changed")
	}
	if content(t, path) == first {
		t.Error("nothing was rotated")
	}
}

// Of rotations at the same time each succeeds whole or says that another is at work; no key is lost.
func TestRotationsAtOnce(t *testing.T) {
	path := created(t)
	var mu sync.Mutex
	var group sync.WaitGroup
	want := map[uint32]bool{loaded(t, path).Keys()[0].ID: true}
	for range 8 {
		group.Go(func() {
			for range 20 {
				id, err := Rotate(path)
				if err != nil {
					if !strings.Contains(err.Error(), "another change is at work") {
						t.Error(err)
					}
					continue
				}
				mu.Lock()
				want[id] = true
				mu.Unlock()
			}
		})
	}
	group.Wait()
	for _, key := range loaded(t, path).Keys() {
		delete(want, key.ID)
	}
	if len(want) != 0 {
		t.Errorf("%d keys were lost", len(want))
	}
}

func TestRotationRefused(t *testing.T) {
	t.Run("link", func(t *testing.T) {
		path := created(t)
		link := filepath.Join(t.TempDir(), "link.json")
		if err := os.Symlink(path, link); err != nil {
			t.Fatal(err)
		}
		_, err := Rotate(link)
		oneLine(t, err, "is a link", "name what it points to: "+path)
		if k := loaded(t, link); len(k.Keys()) != 1 {
			t.Error("rotated all the same")
		}
	})
	t.Run("cut off before", func(t *testing.T) {
		path := created(t)
		if err := os.WriteFile(path+".new", nil, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Rotate(path)
		oneLine(t, err, path+".new exists", "remove it")
		if _, err := os.Stat(path + ".new"); err != nil {
			t.Error("the lock of another was removed")
		}
	})
	t.Run("absent", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "keyset.json")
		_, err := Rotate(path)
		oneLine(t, err, "rotate the keyset: lstat "+path+": no such file or directory")
	})
	t.Run("no keyset", func(t *testing.T) {
		path := created(t)
		_, err := Rotate(FingerprintPath(path))
		oneLine(t, err, "is the fingerprint key, not the keyset")
		if got := names(t, filepath.Dir(path)); got != "fingerprint.json keyset.json" {
			t.Error(got)
		}
	})
	t.Run("the former keyset cannot be kept", func(t *testing.T) {
		path := created(t)
		before := content(t, path)
		if err := os.Mkdir(path+".old", 0o700); err != nil {
			t.Fatal(err)
		}
		_, err := Rotate(path)
		oneLine(t, err, "rotate the keyset: rename ")
		if content(t, path) != before {
			t.Error("rotated all the same")
		}
	})
	t.Run("read-only folder", func(t *testing.T) {
		if os.Geteuid() == 0 {
			t.Skip("root may write anywhere")
		}
		path := created(t)
		if err := os.Chmod(filepath.Dir(path), 0o500); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Chmod(filepath.Dir(path), 0o700) })
		_, err := Rotate(path)
		oneLine(t, err, "rotate the keyset: open "+path+".new: permission denied")
		_, err = Create(path + "2")
		oneLine(t, err, "make a keyset: open "+path+"2: permission denied")
	})
}

func TestWhatIsNoKey(t *testing.T) {
	path := created(t)
	whole := content(t, path)
	material := whole[strings.Index(whole, `"value":"`)+9:][:40]
	dir := t.TempDir()
	put := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return "file:" + p
	}
	mac := `{"primaryKeyId":1,"key":[{"keyData":{"typeUrl":"type.googleapis.com/google.crypto.tink.HmacKey",` +
		`"value":"EgQIAxAgGiAAAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHw==","keyMaterialType":"SYMMETRIC"},` +
		`"status":"ENABLED","keyId":1,"outputPrefixType":"TINK"}]}`
	for _, test := range []struct{ name, source, want string }{
		{"absent", "file:" + filepath.Join(dir, "none"), "make one by mailaudit keys new --out " + filepath.Join(dir, "none")},
		{"empty", put("empty", ""), "empty is not a Tink keyset in JSON, or is damaged"},
		{"cut off", put("cut", whole[:len(whole)/2]), "cut is not a Tink keyset in JSON, or is damaged"},
		{"changed", put("changed", strings.Replace(whole, material, material[:30]+"!!!", 1)), "changed is not a Tink keyset in JSON, or is damaged"},
		{"without keys", put("keyless", `{"primaryKeyId":0,"key":[]}`), "is not a Tink keyset in JSON, or is damaged"},
		{"something else", put("else", "database: x\n"), "is not a Tink keyset in JSON, or is damaged"},
		{"fingerprint key", "file:" + FingerprintPath(path), "fingerprint.json is the fingerprint key, not the keyset"},
		{"encrypted", put("encrypted", `{"encryptedKeyset":"AAAA"}`), "encrypted is encrypted by another key"},
		{"of another kind", put("mac", mac), "mac is a Tink keyset, but not of keys that seal"},
		{"folder", "file:" + dir, "is a directory"},
		{"giant", put("giant", strings.Repeat("x", maxKeyFile+1)), "giant is too large for a key"},
		{"no source", material, "its source is neither file:PATH nor env:NAME"},
	} {
		t.Run(test.name, func(t *testing.T) {
			k, _, err := LoadKeyset(test.source, noEnv)
			oneLine(t, err, "read the keyset: ", test.want)
			if k != nil || strings.Contains(err.Error(), material[:30]) {
				t.Errorf("shows the key: %v", err)
			}
		})
	}
	for _, test := range []struct{ name, source, want string }{
		{"absent", "file:" + filepath.Join(dir, "none"), "mailaudit keys new made beside the keyset"},
		{"a keyset", "file:" + path, "keyset.json is not a fingerprint key, or is damaged"},
		{"short", put("short", `{"kind":"mailaudit fingerprint key","version":1,"key":"AAAA"}`), "short is a damaged fingerprint key"},
		{"newer", put("newer", `{"kind":"mailaudit fingerprint key","version":2}`), "is a fingerprint key of a newer mailaudit"},
		{"two", put("two", content(t, FingerprintPath(path))+content(t, FingerprintPath(path))), "is not a fingerprint key, or is damaged"},
	} {
		t.Run("fingerprint "+test.name, func(t *testing.T) {
			_, _, err := LoadFingerprinter(test.source, noEnv)
			oneLine(t, err, "read the fingerprint key: ", test.want)
		})
	}
}

// Kubernetes mounts a secret as links to files that all may read: that works, and is said.
func TestMountedSecret(t *testing.T) {
	path := created(t)
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "keyset.json")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	k, warnings, err := LoadKeyset("file:"+link, noEnv)
	if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0], "mode 0644") {
		t.Fatal(warnings, err)
	}
	sealed := mustSeal(t, k, "1", canary)
	if s, err := loaded(t, path).Open("1", sealed); err != nil || s.Reveal() != canary {
		t.Error(err)
	}
	if !errors.Is(func() error { _, _, err := LoadKeyset("file:"+link+"x", noEnv); return err }(), fs.ErrNotExist) {
		t.Error("a missing keyset cannot be told from a broken one")
	}
}

func TestTooOpen(t *testing.T) {
	for _, test := range []struct {
		mode  fs.FileMode
		roots bool
		want  bool
	}{
		{0o400, false, false}, {0o600, false, false}, {0o440, false, true}, {0o604, false, true},
		{0o440, true, false}, {0o640, true, false}, {0o444, true, true}, {0o660, true, true},
	} {
		if got := tooOpen(test.mode, test.roots); got != test.want {
			t.Errorf("%04o, root's and we are not: %t: too open %t", test.mode, test.roots, got)
		}
	}
}

// FuzzKeyFiles reads foreign bytes as either kind of key.
func FuzzKeyFiles(f *testing.F) {
	k, err := NewKeyset()
	if err != nil {
		f.Fatal(err)
	}
	data, err := encodeKeyset(k.handle)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"kind":"mailaudit fingerprint key","version":1,"key":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}`))
	f.Add([]byte(`{"encryptedKeyset":"AAAA"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if k, err := decodeKeyset(data); err == nil {
			sealed, err := k.Seal("1", providers.NewSecret(canary))
			if err != nil {
				return // a keyset without a primary key that can be used
			}
			if s, err := k.Open("1", sealed); err != nil || s.Reveal() != canary {
				t.Error(err)
			}
			if bytes.Contains(sealed, []byte(canary)) {
				t.Error("sealed in the clear")
			}
		}
		if f, err := decodeFingerprintKey(data); err == nil && len(f.Name("login", "a")) != 32 {
			t.Error("a fingerprint of another length")
		}
	})
}
