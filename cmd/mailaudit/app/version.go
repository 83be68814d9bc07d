package app

import "runtime/debug"

// version and commit are stamped by the linker; a plain go build leaves what the toolchain knows.
var (
	Version = ""
	Commit  = ""
)

// BuildVersion returns version and commit: those of the linker, else those that the toolchain knows.
func BuildVersion() (string, string) {
	v, c := Version, Commit
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
