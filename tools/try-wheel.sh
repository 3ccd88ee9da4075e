#!/usr/bin/env bash
# Build the distributions and try the wheel as a user would: in a new virtual environment with the
# locked runtime packages and nothing else.
set -euo pipefail
cd "$(dirname "$0")/.."
rm -rf dist
.venv/bin/python -m hatchling build
trial=$(mktemp -d)
trap 'rm -rf "$trial"' EXIT
.venv/bin/python -m venv "$trial/venv"
"$trial/venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
  --only-binary :all: --requirement requirements/runtime.lock
"$trial/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-index --no-deps \
  dist/keyrec-*.whl
(cd "$trial" && venv/bin/python -m pip check && venv/bin/keyrec --version && venv/bin/keyrec --help > /dev/null)
