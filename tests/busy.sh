#!/usr/bin/env bash
# Runs the tests of the default members again and again while a loop keeps each processor busy, and stops at the first failure: a
# test must not rely on how fast the machine is. Tests that run the compiler are left out, as are the programs of the documents.
# Usage: tests/busy.sh [ROUNDS] [OPTION of cargo test, instead of --tests]...
set -euo pipefail
cd "$(dirname "$0")/.."

rounds=${1:-20}
shift $(($# > 0))
(($# > 0)) || set -- --tests
compiling=(refused accepted refused_by_the_compiler)

cargo test --no-run "$@"

output=$(mktemp)
loops=()
trap 'kill "${loops[@]}"; rm -f "$output"' EXIT
for ((number = 0; number < $(nproc); number++)); do
  # Ends by itself if this script is killed.
  while kill -0 $$; do
    for ((turn = 0; turn < 100000; turn++)); do :; done
  done 2>/dev/null &
  loops+=($!)
done

for ((round = 1; round <= rounds; round++)); do
  started=$SECONDS
  if ! cargo test "$@" -- --exact "${compiling[@]/#/--skip=}" >"$output" 2>&1; then
    cat "$output"
    echo "a test failed on a busy machine, in round $round of $rounds"
    exit 1
  fi
  echo "round $round of $rounds: all tests passed in $((SECONDS - started)) s"
done
