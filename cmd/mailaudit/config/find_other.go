//go:build !unix

package config

import "io/fs"

// Where files have no mode and user, the folder's own access list decides.

func writtenByOthers(fs.FileInfo) bool { return false }

func readByOthers(fs.FileInfo) bool { return false }

func anotherUsers(fs.FileInfo) bool { return false }
