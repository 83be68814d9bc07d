//go:build unix

package seal

import (
	"io/fs"
	"os"
	"syscall"
)

// sameOwner gives file the user and group of info where they differ.
func sameOwner(file *os.File, info fs.FileInfo) error {
	want, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	made, err := file.Stat()
	if err != nil {
		return err
	}
	if have, ok := made.Sys().(*syscall.Stat_t); ok && have.Uid == want.Uid && have.Gid == want.Gid {
		return nil
	}
	return file.Chown(int(want.Uid), int(want.Gid))
}

// rootsFile reports whether the file is root's and this process is not.
func rootsFile(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Uid == 0 && os.Geteuid() != 0
}
