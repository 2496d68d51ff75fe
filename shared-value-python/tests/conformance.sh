#!/usr/bin/env bash
# Runs CPython's tests, and this package's, on each Python that is there:
#
#     conformance.sh [python..]        without arguments: all of pyenv from 3.11 on, else python3
#
# Each Python gets an environment of its own, into which the package is built. The last lines are a table.
set -euo pipefail
cd "$(dirname "$0")"

pythons=("$@")
if [[ ${#pythons[@]} == 0 ]]; then
  shopt -s nullglob
  for python in "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.*/bin/python; do
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then pythons+=("$python"); fi
  done
  [[ ${#pythons[@]} != 0 ]] || pythons=(python3)
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/../../target}
table="| Python | fork | spawn | forkserver | own tests |"$'\n'"|---|---|---|---|---|"
failed=0
for python in "${pythons[@]}"; do
  version=$("$python" -c 'import platform; print(platform.python_version())')
  "$python" -m venv "$scratch/$version"
  "$scratch/$version/bin/pip" install --quiet "..[test]"
  row="| $version |"
  for method in fork spawn forkserver; do
    log=$scratch/$version.$method
    if timeout 300 "$scratch/$version/bin/python" conformance.py "$method" >"$log" 2>&1; then
      row+=" $(sed -n 's/^Ran \([0-9]*\) tests.*/\1 passed/p' "$log") |"
    else
      cat "$log"
      row+=" failed |"
      failed=1
    fi
  done
  if timeout 900 "$scratch/$version/bin/python" -m pytest -q . >"$scratch/own" 2>&1; then
    row+=" $(tail -n 1 "$scratch/own") |"
  else
    cat "$scratch/own"
    row+=" failed |"
    failed=1
  fi
  table+=$'\n'$row
done
printf '%s\n' "$table"
exit "$failed"
