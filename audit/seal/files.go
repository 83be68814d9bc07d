package seal

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
)

// Create makes a keyset at path and a fingerprint key beside it, both readable by their owner alone, and
// returns the path of the latter. It never overwrites: both files are made, or none.
func Create(path string) (fingerprintPath string, err error) {
	k, err := NewKeyset()
	if err != nil {
		return "", err
	}
	keys, err := encodeKeyset(k.handle)
	if err != nil {
		return "", err
	}
	material := make([]byte, fingerprintLength)
	rand.Read(material)
	fingerprint, err := encodeFingerprintKey(material)
	if err != nil {
		return "", err
	}
	fingerprintPath = FingerprintPath(path)
	if filepath.Clean(path) == fingerprintPath {
		return "", fmt.Errorf("make a keyset: %s is the name of the fingerprint key beside it; choose another", path)
	}
	if err := create(path, keys, "without it the secrets that it sealed are lost"); err != nil {
		return "", fmt.Errorf("make a keyset: %w", err)
	}
	if err := create(fingerprintPath, fingerprint, "with another one every secret looks changed; to replace a lost keyset alone, make both elsewhere and move the keyset"); err != nil {
		os.Remove(path)
		return "", fmt.Errorf("make the fingerprint key beside the keyset: %w", err)
	}
	return fingerprintPath, syncFolder(filepath.Dir(path))
}

// create writes a new file; what is there already, even a dangling link, is left as it is. why says what harm another
// one would do.
func create(path string, data []byte, why string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists already and is not overwritten; %s", path, why)
	}
	if err != nil {
		return err
	}
	if err := fill(file, data); err != nil {
		os.Remove(path)
		return err
	}
	return nil
}

// fill writes, syncs and closes.
func fill(file *os.File, data []byte) error {
	_, err := file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	return cmp.Or(err, file.Close())
}

// Rotate gives the keyset at path a new primary key, and keeps the old ones, so that what they sealed
// still opens. The file is replaced at once or not at all, with its mode and owner; the former one is left
// as path.old. It returns the new key's id.
func Rotate(path string) (id uint32, err error) {
	err = replaceKeyset(path, true, func(former []byte) (data []byte, err error) {
		data, id, err = withNewPrimary(former)
		return data, err
	})
	if err != nil {
		return 0, fmt.Errorf("rotate the keyset: %w", err)
	}
	return id, nil
}

// Destroy takes a key out of the keyset at path: what only it opens is lost. The primary key is refused. The file is
// replaced as by [Rotate], but no former one is left.
func Destroy(path string, id uint32) error {
	if err := replaceKeyset(path, false, func(former []byte) ([]byte, error) { return withoutKey(former, id) }); err != nil {
		return fmt.Errorf("destroy key %d: %w", id, err)
	}
	return nil
}

// replaceKeyset puts what change makes of the file in its place.
func replaceKeyset(path string, keep bool, change func(former []byte) ([]byte, error)) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		target, _ := filepath.EvalSymlinks(path)
		return fmt.Errorf("%s is a link, which would be replaced by a file; name what it points to: %s", path, target)
	}
	// The new file's name is the lock, too: of two changes at once the later would lose the earlier.
	next := path + ".new"
	file, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists: another change is at work, or one was cut off; remove it when none is", next)
	}
	if err != nil {
		return err
	}
	replaced := false
	defer func() {
		if !replaced { // else the name may be another change's by now
			os.Remove(next)
		}
	}()

	former, _, err := readFile(path)
	if err != nil {
		return cmp.Or(err, file.Close())
	}
	data, err := change(former)
	if err != nil {
		return cmp.Or(fmt.Errorf("%s %w", path, err), file.Close())
	}
	if err := cmp.Or(likeness(file, info), fill(file, data)); err != nil {
		return err
	}
	if keep {
		if err := keepFormer(path, former, info); err != nil {
			return err
		}
	}
	if err := os.Rename(next, path); err != nil {
		return err
	}
	replaced = true
	return syncFolder(filepath.Dir(path))
}

// withoutKey takes a key out of an encoded keyset.
func withoutKey(former []byte, id uint32) ([]byte, error) {
	k, err := decodeKeyset(former)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(k.Keys(), func(key Key) bool { return key.ID == id })
	switch {
	case i < 0:
		return nil, errors.New("has no such key")
	case k.Keys()[i].Primary:
		return nil, errors.New("seals new secrets by it; rotate first")
	}
	manager := keyset.NewManagerFromHandle(k.handle)
	if err := manager.Delete(id); err != nil {
		return nil, errors.New("does not let it go")
	}
	handle, err := manager.Handle()
	if err != nil {
		return nil, errors.New("does not let it go")
	}
	return encodeKeyset(handle)
}

// withNewPrimary adds a key to an encoded keyset.
func withNewPrimary(former []byte) (data []byte, id uint32, err error) {
	k, err := decodeKeyset(former)
	if err != nil {
		return nil, 0, err
	}
	manager := keyset.NewManagerFromHandle(k.handle)
	if id, err = manager.Add(aead.AES256GCMKeyTemplate()); err != nil {
		return nil, 0, fmt.Errorf("takes no further key: %w", err)
	}
	if err := manager.SetPrimary(id); err != nil {
		return nil, 0, fmt.Errorf("takes no new primary key: %w", err)
	}
	handle, err := manager.Handle()
	if err != nil {
		return nil, 0, fmt.Errorf("takes no new primary key: %w", err)
	}
	data, err = encodeKeyset(handle)
	return data, id, err
}

// keepFormer leaves path.old, complete whenever it is there.
func keepFormer(path string, former []byte, info fs.FileInfo) error {
	part := path + ".old.new"
	file, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if err := cmp.Or(likeness(file, info), fill(file, former)); err != nil {
		os.Remove(part)
		return err
	}
	return os.Rename(part, path+".old")
}

// likeness gives a file the mode and owner of another, so that who could read the keyset still can.
func likeness(file *os.File, info fs.FileInfo) error {
	if err := sameOwner(file, info); err != nil {
		return fmt.Errorf("keep the keyset's owner: %w; change it as that user or as root", err)
	}
	return file.Chmod(info.Mode().Perm())
}

// syncFolder makes names in a folder last.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return cmp.Or(folder.Sync(), folder.Close())
}
