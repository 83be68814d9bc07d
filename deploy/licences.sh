#!/usr/bin/env bash
# Prints the licences and notices of everything that is built into the program: this project's, the modules' and Go's own.
set -euo pipefail
cd "$(dirname "$0")/.."
print() { # TITLE FOLDER
	local found=
	for file in "$2"/LICENSE* "$2"/LICENCE* "$2"/COPYING* "$2"/NOTICE* "$2"/PATENTS*; do
		[ -f "$file" ] || continue
		found=1
		printf '\n%s\n%s: %s\n\n' "$(printf '=%.0s' {1..80})" "$1" "${file##*/}"
		cat "$file"
	done
	[ -n "$found" ] || { echo "no licence found for $1 in $2" >&2; exit 1; }
}
print mailaudit .
print "Go $(go env GOVERSION)" "$(go env GOROOT)"
go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}}@{{.Version}} {{.Dir}}{{end}}{{end}}' ./cmd/mailaudit | sort -u |
	while read -r module folder; do print "$module" "$folder"; done
