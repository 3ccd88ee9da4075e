#!/usr/bin/env bash
# Run one of the programs beside this file: `ci/run.sh github.plan`. Neither the working folder nor a
# variable of the job decides what is imported.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python=${KEYREC_CI_PYTHON:-python3}
[ -z "${KEYREC_CI_HOME:-}" ] || PATH="$KEYREC_CI_HOME/bin:$PATH"
export PATH
PYTHONPATH="$root" exec "$python" -P -m "ci.$1"
