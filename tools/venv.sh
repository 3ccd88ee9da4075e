#!/usr/bin/env bash
# Make .venv what requirements/dev.lock and pyproject.toml say, and do nothing where it is that
# already. A mark is written last, so an interrupted run is simply done again.
#
#   tools/venv.sh [INTERPRETER]
set -euo pipefail
cd "$(dirname "$0")/.."
asked=${1:-}
venv=.venv

version_of() { "$1" -c 'import sys; print(sys.version.split()[0])' 2> /dev/null || true; }
fingerprint() { git hash-object --stdin --no-filters < <(cat "$@"); }

locked=$(fingerprint requirements/dev.lock)
installed=$(fingerprint pyproject.toml reconciler/__init__.py)
have=$(version_of "$venv/bin/python")

is_locked() {
  [ -n "$have" ] && [ "$(cat "$venv/.locked" 2> /dev/null)" = "$locked" ] &&
    { [ -z "$asked" ] || [ "$have" = "$(version_of "$asked")" ]; }
}

if ! is_locked; then
  python=$(tools/find-python.sh "$asked")
  echo "Making $venv with Python $(version_of "$python") from requirements/dev.lock" >&2
  rm -f "$venv/.locked" "$venv/.installed"
  "$python" -m venv --clear "$venv"
  # Wheels only: a package built here would bring build tools that no lock names. The lock is
  # complete, so nothing is resolved again: pip would look for newer ones of what wants an extra.
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
    --only-binary :all: --requirement requirements/dev.lock
  echo "$locked" > "$venv/.locked"
fi

if [ "$(cat "$venv/.installed" 2> /dev/null)" != "$installed" ]; then
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-index --no-deps \
    --no-build-isolation --editable .
  echo "$installed" > "$venv/.installed"
fi
