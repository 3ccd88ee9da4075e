#!/usr/bin/env bash
# Check the workflow files with actionlint, built once from its Go module into the user's cache.
# Without Go the check is left out, and says so; with KEYREC_CHECK_REQUIRE=actionlint it fails.
set -euo pipefail
cd "$(dirname "$0")/.."
version=1.7.12
home=${XDG_CACHE_HOME:-$HOME/.cache}/keyrec-tests/actionlint-$version

if [ ! -x "$home/actionlint" ]; then
  if ! command -v go > /dev/null; then
    echo "Workflows not checked: actionlint is built with Go, and go is not on PATH." >&2
    [ "${KEYREC_CHECK_REQUIRE:-}" != actionlint ]
    exit
  fi
  GOBIN="$home" go install "github.com/rhysd/actionlint/cmd/actionlint@v$version"
fi
workflows=(.github/workflows/*.yml examples/*/.github/workflows/*.yml)
PATH="$PWD/.venv/bin:$PATH" "$home/actionlint" -color "${workflows[@]}"
echo "actionlint $version: ${#workflows[@]} workflows are fine"
