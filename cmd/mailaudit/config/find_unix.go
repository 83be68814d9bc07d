//go:build unix

package config

import (
	"io/fs"
	"os"
	"syscall"
)

func writtenByOthers(info fs.FileInfo) bool { return info.Mode().Perm()&0o002 != 0 }

// readByOthers reports whether more than the owner may read the file. A file of root's reaches a program that is not
// root by its group alone, as Kubernetes mounts one.
func readByOthers(info fs.FileInfo) bool {
	beyond := fs.FileMode(0o044)
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && stat.Uid == 0 && os.Geteuid() != 0 {
		beyond = 0o004
	}
	return info.Mode().IsRegular() && info.Mode().Perm()&beyond != 0
}

func anotherUsers(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) != os.Geteuid()
}
