#!/usr/bin/env bash
# Find or build the Vault server that the tests run against; print where it is.
#
# In this order: KEYREC_TEST_VAULT, `vault` or `bao` on PATH, the user's cache, a build from source
# (wants Go; some minutes, once). Two builds at the same time do not disturb each other: each works
# in a folder of its own and the last step is one rename.
set -euo pipefail

version=1.21.1
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
cache="${XDG_CACHE_HOME:-$HOME/.cache}/keyrec-tests/vault-$version"

if [[ -n "${KEYREC_TEST_VAULT:-}" ]]; then
    [[ -x "$KEYREC_TEST_VAULT" ]] || { echo "KEYREC_TEST_VAULT=$KEYREC_TEST_VAULT cannot be run" >&2; exit 1; }
    echo "$KEYREC_TEST_VAULT"
    exit 0
fi
for name in vault bao; do
    if command -v "$name"; then
        exit 0
    fi
done
if [[ -x "$cache/vault" ]]; then
    echo "$cache/vault"
    exit 0
fi
if ! command -v go > /dev/null; then
    echo "There is no Vault and no Go to build it with: install one of them, or set KEYREC_TEST_VAULT." >&2
    exit 1
fi

mkdir -p "$cache"
work="$(mktemp -d "$cache/build.XXXXXX")"
trap 'rm -rf "$work"' EXIT
cp "$here"/vault/go.mod "$here"/vault/go.sum "$here"/vault/main.go "$work"
echo "Building Vault $version; this takes some minutes, once." >&2
(cd "$work" && go build -tags minimal -ldflags '-s -w' -o vault.new .)
mv "$work/vault.new" "$cache/vault"
echo "$cache/vault"
