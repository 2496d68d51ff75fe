#!/usr/bin/env bash
# Runs the tests of the default members again and again while a loop keeps each processor busy, and stops at the first failure: a
# test must not rely on how fast the machine is. The programs of the documents are left out.
# A round that takes longer than SHARED_VALUE_BUSY_SECONDS (default: 900) is a failure too.
# Usage: tests/busy.sh [ROUNDS] [OPTION of cargo test, instead of --tests]...
set -euo pipefail
cd "$(dirname "$0")/.."

rounds=${1:-20}
shift $(($# > 0))
(($# > 0)) || set -- --tests
most=${SHARED_VALUE_BUSY_SECONDS:-900}

cargo test --quiet --no-run "$@"

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
  status=0
  timeout -k 10 "$most" cargo test "$@" >"$output" 2>&1 || status=$?
  if ((status != 0)); then
    cat "$output"
    ((status != 124)) || echo "round $round of $rounds did not end in $most s"
    echo "a test failed on a busy machine, in round $round of $rounds"
    exit 1
  fi
  printf 'round %d of %d: all tests passed in %d s: ' "$round" "$rounds" "$((SECONDS - started))"
  # The number of tests, and the programs that took longest.
  awk '/^ +Running / { program = $NF; sub(/.*\//, "", program); sub(/-[0-9a-f]+\)$/, "", program) }
    /^test result: ok/ { passed += $4; seconds = $NF; sub(/s$/, "", seconds); print seconds, program }
    END { print 1e9, passed " tests" }' "$output" | sort -rn | head -9 |
    awk 'NR == 1 { printf "%s", $2 " " $3; next } { printf ", %s %.0f s", $2, $1 } END { print "" }'
done
