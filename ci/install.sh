#!/usr/bin/env bash
# Install keyrec for one job: this very commit with locked and hashed packages, or a release by its
# number. The rights of the job are not handed to the installer, and nothing of the repository under
# review is run: no step of it stands in that folder.
#
#   KEYREC_CI_VERSION  empty: the commit that holds this script; else a release such as 0.2.0
#   KEYREC_CI_HOME     the folder to install into
set -euo pipefail
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
home=${KEYREC_CI_HOME:?says where to install}
version=${KEYREC_CI_VERSION:-}
cd "$source"

for name in KEYREC_STORE_URL PGPASSWORD PGPASSFILE VAULT_TOKEN BAO_TOKEN VAULT_ID_TOKEN KEYREC_VAULT_JWT \
  KEYREC_VAULT_SECRET_ID KEYREC_IDENTITY_TOKEN KEYREC_GITLAB_TOKEN CI_JOB_TOKEN GITHUB_TOKEN \
  ACTIONS_ID_TOKEN_REQUEST_TOKEN PYTHONPATH; do
  unset "$name"
done

if [ -n "$version" ] && [[ ! "$version" =~ ^[0-9]+(\.[0-9]+)*([a-z]+[0-9]+)?$ ]]; then
  echo "The input version is a number such as 0.2.0, or empty." >&2
  exit 3
fi

python=${KEYREC_CI_PYTHON:-python3}
if ! "$python" -I -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo "keyrec needs Python 3.11 or newer; this machine's $python is older." >&2
  exit 3
fi

"$python" -I -m venv "$home"
pip=("$home/bin/python" -I -m pip install --quiet --disable-pip-version-check --no-input)
if [ -n "$version" ]; then
  "${pip[@]}" --only-binary :all: "keyrec[oidc,postgres]==$version"
else
  "${pip[@]}" --require-hashes --no-deps --only-binary :all: --requirement requirements/ci.lock
  "${pip[@]}" --no-index --no-deps --no-build-isolation "$source"
fi
"$home/bin/keyrec" --version
