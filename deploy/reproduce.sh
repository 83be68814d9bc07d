#!/usr/bin/env bash
# Builds the release's binary from two copies of the source, each in a folder and with a build cache of its own,
# and compares the bits.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
for place in one the/other; do
	mkdir -p "$work/$place"
	git archive HEAD | tar -x -C "$work/$place"
	(
		cd "$work/$place"
		GOCACHE=$work/cache/$place PLATFORMS=linux/amd64 VERSION=same COMMIT=same NO_SBOM=1 deploy/release.sh
	)
done
cmp "$work/one/dist/mailaudit_same_linux_amd64" "$work/the/other/dist/mailaudit_same_linux_amd64"
cat "$work/one/dist/SHA256SUMS"
