#!/usr/bin/env bash
# Builds dist/: the binary for each platform, an SBOM of each (CycloneDX, from what is inside the binary), the licences of
# what is in them, and SHA256SUMS over all. The same commit gives the same binaries. VERSION is the tag, else the commit.
set -euo pipefail
cd "$(dirname "$0")/.."

CYCLONEDX=github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.9.0
COMMIT=${COMMIT:-$(git rev-parse HEAD)}
VERSION=${VERSION:-$(git describe --tags --always)}
PLATFORMS=${PLATFORMS:-linux/amd64 linux/arm64 darwin/amd64 darwin/arm64}

export CGO_ENABLED=0
rm -rf dist
mkdir dist
for platform in $PLATFORMS; do
	name=mailaudit_${VERSION}_${platform/\//_}
	GOOS=${platform%/*} GOARCH=${platform#*/} go build -trimpath -buildvcs=false \
		-ldflags "-s -w -buildid= -X main.version=$VERSION -X main.commit=$COMMIT" \
		-o "dist/$name" ./cmd/mailaudit
	if [ -z "${NO_SBOM:-}" ]; then
		go run "$CYCLONEDX" bin -json -noserial -output "dist/$name.cdx.json" "dist/$name" 2>/dev/null
	fi
done
deploy/licences.sh >dist/LICENSES.txt
(cd dist && sha256sum -- * >../SHA256SUMS.new && mv ../SHA256SUMS.new SHA256SUMS)
