//go:build !linux

package cli

func forbidCoreDumps() {}
