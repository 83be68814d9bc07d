package seal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// maxKeyFile bounds what is read as a key; a keyset of a thousand keys is smaller.
const maxKeyFile = 1 << 20

// LoadKeyset reads the keyset that source names: "file:PATH", or "env:NAME" for a variable that holds the
// file's text. lookupEnv is os.LookupEnv. Warnings are for the log; the keyset can be used.
func LoadKeyset(source string, lookupEnv func(string) (string, bool)) (k *Keyset, warnings []string, err error) {
	data, warnings, err := read(source, lookupEnv)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("read the keyset: %w; make one by mailaudit keys new --out %s, or give the "+
			"one that sealed the secrets", err, strings.TrimPrefix(source, "file:"))
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read the keyset: %w", err)
	}
	k, err = decodeKeyset(data)
	if err != nil {
		return nil, nil, fmt.Errorf("read the keyset: %s %w", named(source), err)
	}
	return k, warnings, nil
}

// LoadFingerprinter reads the key of fingerprints, with source as for LoadKeyset.
func LoadFingerprinter(source string, lookupEnv func(string) (string, bool)) (f *Fingerprinter, warnings []string, err error) {
	data, warnings, err := read(source, lookupEnv)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("read the fingerprint key: %w; restore the one that mailaudit keys new made beside the keyset: "+
			"with another one every secret would look changed", err)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read the fingerprint key: %w", err)
	}
	f, err = decodeFingerprintKey(data)
	if err != nil {
		return nil, nil, fmt.Errorf("read the fingerprint key: %s %w", named(source), err)
	}
	return f, warnings, nil
}

// FingerprintPath is where the fingerprint key of a keyset file lies: beside it.
func FingerprintPath(keysetPath string) string {
	return filepath.Join(filepath.Dir(keysetPath), "fingerprint.json")
}

// named shows a source in an error.
func named(source string) string {
	_, name, _ := strings.Cut(source, ":")
	return name
}

func read(source string, lookupEnv func(string) (string, bool)) (data []byte, warnings []string, err error) {
	kind, name, _ := strings.Cut(source, ":")
	switch kind {
	case "file":
		data, info, err := readFile(name)
		if err != nil {
			return nil, nil, err
		}
		if mode := info.Mode(); tooOpen(mode, rootsFile(info)) {
			warnings = append(warnings, fmt.Sprintf("others on this machine may read %s (mode %04o); chmod 600 it "+
				"where the file system can", name, mode.Perm()))
		}
		return data, warnings, nil
	case "env":
		text, ok := lookupEnv(name)
		if !ok || text == "" {
			return nil, nil, fmt.Errorf("the environment variable %s is not set", name)
		}
		return []byte(text), nil, nil
	}
	// The text after an unknown word may be the key itself.
	return nil, nil, errors.New("its source is neither file:PATH nor env:NAME")
}

// tooOpen reports whether the mode of a key file lets in more than who is to read it. A file of root's reaches a program
// that is not root by its group alone, as Kubernetes mounts a Secret; PostgreSQL takes its TLS key by the same rule.
func tooOpen(mode fs.FileMode, roots bool) bool {
	if roots {
		return mode.Perm()&0o037 != 0
	}
	return mode.Perm()&0o077 != 0
}

// readFile follows symbolic links: Kubernetes mounts secrets as such.
func readFile(path string) ([]byte, fs.FileInfo, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, nil, err
	}
	data, err := io.ReadAll(io.LimitReader(file, maxKeyFile+1))
	if err != nil {
		return nil, nil, err
	}
	if len(data) > maxKeyFile {
		return nil, nil, fmt.Errorf("%s is too large for a key", path)
	}
	return data, info, nil
}
