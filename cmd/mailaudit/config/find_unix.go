//go:build unix

package config

import (
	"io/fs"
	"os"
	"syscall"
)

func writtenByOthers(info fs.FileInfo) bool { return info.Mode().Perm()&0o002 != 0 }

func anotherUsers(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) != os.Geteuid()
}
