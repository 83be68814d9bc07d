package main

import (
	"maps"
	"slices"
	"strings"
)

// notYet lists what the file may say and this build cannot honour. Such a key is refused where it differs
// from its default: a setting that does nothing would be believed. A line is removed with the code that
// honours it. "*" stands for any one word; a heading stands for all below it.
var notYet = []struct {
	key  string
	when func(*Config) bool // nil: always
	what string
}{
	{"keyset", func(c *Config) bool { return c.Keyset.Kind == "exec" }, "keyset exec:"},
	{"keyset", func(c *Config) bool { return c.Keyset.Kind == "unix" }, "keyset unix:"},
	{"keyset", func(c *Config) bool { return c.Keyset.Kind == "none" }, "keyset none"},
}

func (f *configFile) refuseNotYet(c *Config) error {
	k := &checker{configFile: f}
	for _, key := range slices.Sorted(maps.Keys(f.changed)) {
		for _, n := range notYet {
			if f.changed[key] && under(key, n.key) && (n.when == nil || n.when(c)) {
				k.conflict(key, n.what+" is not in this build yet")
			}
		}
	}
	return k.first()
}

// under tells whether key is pattern or stands below it.
func under(key, pattern string) bool {
	words, want := strings.Split(key, "."), strings.Split(pattern, ".")
	if len(words) < len(want) {
		return false
	}
	for i, w := range want {
		if w != "*" && w != words[i] {
			return false
		}
	}
	return true
}
