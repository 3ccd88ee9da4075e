#!/usr/bin/env bash
# The first five minutes of a key: in a temporary copy of examples/01-first-key, with a HOME of its
# own, so that nothing outside is read or written. Asks no question, and fails where a step fails or
# anything that looks like a secret reaches the screen.
set -euo pipefail
repository=$(cd "$(dirname "$0")/.." && pwd)

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
mkdir "$place/home"
cp -R "$repository/examples/01-first-key" "$place/first-key"
cd "$place/first-key"

# No variable of the caller takes part but what every program needs.
clean=(env -i "HOME=$place/home" "PATH=$repository/.venv/bin:$PATH" LANG=C.UTF-8 NO_COLOR=1
  "USER=$(id -un)" "LOGNAME=$(id -un)")
identity=.config/keyrec/age/identity.txt
age=age
if ! command -v age > /dev/null; then
  age="python tools/age_decrypt.py"
  mkdir tools && cp "$repository/tools/age_decrypt.py" tools/
fi

secret='[a-z]{2,8}_[a-z0-9]{1,16}_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}|AGE-SECRET-KEY-1'
step=$place/step # what the last command said
stop() {
  echo "The demo stops: $*" >&2
  exit 1
}
run() { # run COMMAND: show it as a person types it, then what it says
  local failed=
  printf '\n$ %s\n' "$1"
  "${clean[@]}" bash -o pipefail -c "$1" > "$step" 2>&1 < /dev/null || failed=yes
  ! grep -qE "$secret" "$step" || stop "this step would have shown something like a secret."
  sed "s#$place/home#~#g" "$step"
  [ -z "$failed" ] || stop "this step failed."
}
says() { # says TEXT: the last command has to have said it
  grep -qF -- "$1" "$step" || stop "this step should have said '$1'."
}
asked() { # asked EXPRESSION: something about the first key, from keyrec's own JSON
  "${clean[@]}" keyrec status --format json |
    "${clean[@]}" python -c "import json, sys; key = json.load(sys.stdin)['keys'][0]; print($1)"
}

run "keyrec init"
run "keyrec plan"
says " to create"
run "keyrec apply --auto-approve"
says "applied"
run "keyrec status"
run "keyrec apply --auto-approve"
says "No changes."

key=$(asked "key['address']")
path=$(asked "key['fields']['sinkPath']")
scope=$(asked "':'.join(next(iter(key['fields']['scopes'].items())))")

run "keyrec rotate $key"
run "keyrec get $key"
says "retiring"
run "$age -d -i ~/$identity .keyrec/secrets/$path.age | keyrec explain --scope $scope"
says "Allowed"

printf '\nThe key was declared, made, rotated and proven, and its secret was never shown.\n'
