#!/usr/bin/env bash
# Re-make requirements/*.lock from pyproject.toml: every package with its hashes, one file that
# holds for every supported Python version. No registry and no path stands in a lock.
#
#   tools/lock.sh PATH_TO_UV
set -euo pipefail
cd "$(dirname "$0")/.."
uv=$1
oldest=3.11

# pip's registry is the machine's registry; uv has its own name for the same setting.
if [ -n "${PIP_INDEX_URL:-}" ] && [ -z "${UV_DEFAULT_INDEX:-}" ]; then
  export UV_DEFAULT_INDEX=$PIP_INDEX_URL
fi

new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT

compile() { # compile NAME ARGUMENT...
  local name=$1
  shift
  # What is locked already stays: a re-made lock changes what pyproject.toml asks for, and no more.
  if [ -z "${UPGRADE:-}" ] && [ -f "requirements/$name.lock" ]; then
    cp "requirements/$name.lock" "$new/$name.txt"
  fi
  "$uv" pip compile pyproject.toml --quiet --universal --python-version "$oldest" \
    --generate-hashes --no-annotate --no-header --no-emit-index-url --no-emit-find-links \
    --output-file "$new/$name.txt" "$@" > /dev/null
  {
    echo "# Made by \`make lock\` from pyproject.toml; \`UPGRADE=1 make lock\` takes newer versions."
    cat "$new/$name.txt"
  } > "$new/$name.lock"
}

compile dev --extra oidc --extra postgres --extra server --group dev
compile runtime --constraint "$new/dev.txt"
compile ci --extra oidc --extra postgres --group build --constraint "$new/dev.txt"
compile bench --extra server --group bench --constraint "$new/dev.txt"

mkdir -p requirements
mv "$new/dev.lock" requirements/dev.lock
mv "$new/runtime.lock" requirements/runtime.lock
mv "$new/ci.lock" requirements/ci.lock
mv "$new/bench.lock" requirements/bench.lock
echo "requirements/dev.lock      $(grep -c '==' requirements/dev.lock) packages"
echo "requirements/runtime.lock  $(grep -c '==' requirements/runtime.lock) packages"
echo "requirements/ci.lock       $(grep -c '==' requirements/ci.lock) packages"
echo "requirements/bench.lock    $(grep -c '==' requirements/bench.lock) packages"
