package report

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// The files of a run in report.dir.
const (
	PageFile = "report.html"
	JSONFile = "report.json"
	CSVFile  = "accounts.csv"

	IndexFile = "index.html" // over all runs
)

// File is a file of a run's report and how it is written.
type File struct {
	Name  string
	Write func(io.Writer) error
}

// WriteDir writes the files into dir/key, which is made if missing. Each is replaced in one step, so that
// a reader never meets half a report. They hold customers' data: the owner may write, the group may read, as far as
// the umask lets it. A key that would lead out of dir is refused, and so is a link in the folder's place.
func WriteDir(dir, key string, files ...File) error {
	if err := folderName(key); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("write report: make report.dir: %w", err)
	}
	root, err := openRun(dir, key, true)
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	defer root.Close()
	for _, f := range files {
		if err := replace(root, f); err != nil {
			return fmt.Errorf("write report: %s: %w", f.Name, err)
		}
	}
	return nil
}

// openRun opens dir/key and nothing else: whoever may put a link there must not choose what is written or removed.
func openRun(dir, key string, missing bool) (*os.Root, error) {
	top, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer top.Close()
	if missing {
		if err := top.Mkdir(key, 0o750); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
	}
	info, err := top.Lstat(key)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s in report.dir is a link or a file, not a folder; move it away", key)
	}
	return top.OpenRoot(key)
}

func folderName(key string) error {
	if !filepath.IsLocal(key) || key == "." || filepath.Base(key) != key {
		return fmt.Errorf("run key %q is no folder name", key)
	}
	return nil
}

// HasPage reports whether the run's page stands in dir/key.
func HasPage(dir, key string) bool {
	if folderName(key) != nil {
		return false
	}
	_, err := os.Stat(filepath.Join(dir, key, PageFile))
	return err == nil
}

// RemoveDir removes a run's files from dir/key, and the folder where nothing else is in it. That they are gone
// already is no error.
func RemoveDir(dir, key string) error {
	if err := folderName(key); err != nil {
		return fmt.Errorf("remove report: %w", err)
	}
	root, err := openRun(dir, key, false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("remove report: %w", err)
	}
	defer root.Close()
	for _, name := range [...]string{PageFile, JSONFile, CSVFile, NextFile} {
		if err := root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove report: %w", err)
		}
	}
	left, err := fs.ReadDir(root.FS(), ".")
	if err == nil && len(left) == 0 {
		err = os.Remove(filepath.Join(dir, key))
	}
	if err != nil {
		return fmt.Errorf("remove report: %w", err)
	}
	return nil
}

// WriteTop writes a file over all runs into dir, beside the runs' folders.
func WriteTop(dir string, f File) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	defer root.Close()
	if err := replace(root, f); err != nil {
		return fmt.Errorf("write report: %s: %w", f.Name, err)
	}
	return nil
}

func replace(root *os.Root, f File) (err error) {
	temp := fmt.Sprintf(".%s.%d", f.Name, os.Getpid())
	if err := root.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) { // a crash's, or a link
		return err
	}
	out, err := root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			if rm := root.Remove(temp); rm != nil && !errors.Is(rm, fs.ErrNotExist) {
				err = errors.Join(err, rm)
			}
		}
	}()
	err = f.Write(out)
	if err == nil {
		err = out.Sync()
	}
	if closed := out.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return root.Rename(temp, f.Name)
}
