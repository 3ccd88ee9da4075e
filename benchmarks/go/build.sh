#!/usr/bin/env bash
# Build what keyrec is measured beside, into the user's cache, and print the folder: the writer, the
# provider, and OpenTofu itself from the Go module proxy. The first build takes some minutes.
set -euo pipefail

version=v1.10.10
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/keyrec-bench
bin=$cache/bin

if ! command -v go > /dev/null; then
  echo "Go is not installed; it builds the writer, the provider and OpenTofu" >&2
  exit 1
fi
mkdir -p "$bin"
go build -C "$here/writer" -o "$bin/writer" .
go build -C "$here/provider" -o "$bin/terraform-provider-kv" .
if [ ! -x "$bin/tofu" ]; then
  module="github.com/opentofu/opentofu@$version"
  source=$(cd "$cache" && go mod download -json "$module" | sed -n 's/.*"Dir": "\(.*\)",*/\1/p')
  # The downloaded folder is read-only, and a build may want to complete go.sum.
  cp "$source/go.mod" "$cache/tofu.mod"
  cp "$source/go.sum" "$cache/tofu.sum"
  chmod u+w "$cache/tofu.mod" "$cache/tofu.sum"
  go build -C "$source" -modfile="$cache/tofu.mod" -o "$bin/tofu" ./cmd/tofu
fi
echo "$bin"
