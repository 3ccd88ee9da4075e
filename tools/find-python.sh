#!/usr/bin/env bash
# Print the path of the newest Python on PATH that keyrec supports and that can make a virtual
# environment. A name that stands on PATH but does not run (a version manager's shim) is passed by.
#
#   tools/find-python.sh [INTERPRETER]     where one is named, only that one will do
set -euo pipefail

suits() {
  "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' > /dev/null 2>&1
}

if [ -n "${1:-}" ]; then
  found=$(command -v "$1" || true)
  if [ -n "$found" ] && suits "$found"; then
    echo "$found"
    exit 0
  fi
  echo "PYTHON=$1 cannot be used: it has to be Python 3.11 or newer, with its venv module." >&2
  exit 1
fi

IFS=: read -r -a folders <<< "$PATH"
for name in python3.14 python3.13 python3.12 python3.11 python3 python; do
  for folder in "${folders[@]}"; do
    if [ -x "$folder/$name" ] && suits "$folder/$name"; then
      echo "$folder/$name"
      exit 0
    fi
  done
done
cat >&2 << 'END'
No Python 3.11 or newer with its venv module is on PATH.
Install one (Debian and Ubuntu: apt-get install python3 python3-venv) or name one:
  make test PYTHON=/path/to/python3.12
END
exit 1
