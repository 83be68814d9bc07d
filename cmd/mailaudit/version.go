package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version and commit are stamped by the linker; a plain go build leaves what the toolchain knows.
var (
	version = ""
	commit  = ""
)

type versionCmd struct{}

func (versionCmd) Run(around *surroundingsOf) error {
	v, c := buildVersion()
	_, err := fmt.Fprintf(around.stdout, "mailaudit %s (commit %s, %s)\n", v, c, runtime.Version())
	return err
}

func buildVersion() (string, string) {
	v, c := version, commit
	if info, ok := debug.ReadBuildInfo(); ok {
		if v == "" && info.Main.Version != "" && info.Main.Version != "(devel)" {
			v = info.Main.Version
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && c == "" {
				c = s.Value
			}
		}
	}
	if v == "" {
		v = "development"
	}
	if c == "" {
		c = "unknown"
	}
	return v, c
}
