#!/usr/bin/env bash
# Kills many holders of locks, in each way and with each start method:
#
#     deaths.sh [holders] [methods]        without arguments: 1,000 holders, "fork spawn forkserver"
#
# The package and pytest are those of $PYTHON, or of python3. The last lines are a table. With 1,000 holders, `fork` takes about a
# minute for each way, and so does `forkserver`. `spawn` takes several times as long: an interpreter starts for each holder.
set -euo pipefail
cd "$(dirname "$0")"

python=${PYTHON:-python3}
export SHARED_VALUE_HOLDERS=${1:-1000}
# For the server of `forkserver`, which imports the module of the holders.
export PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}"
ways=("killed" "terminated" "segmentation fault" "aborted" "left" "replaced" "ended")
table="| start method | way | holders | seconds |"$'\n'"|---|---|---|---|"
failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for method in ${2:-fork spawn forkserver}; do
  for way in "${ways[@]}"; do
    started=$SECONDS
    test="test_multiprocessing_deaths.py::test_row_33_the_locks_of_a_holder_that_dies_are_free[$way-$method]"
    if "$python" -m pytest -q -p no:cacheprovider "$test" >"$log" 2>&1; then
      table+=$'\n'"| $method | $way | $SHARED_VALUE_HOLDERS | $((SECONDS - started)) |"
    else
      cat "$log"
      table+=$'\n'"| $method | $way | failed | $((SECONDS - started)) |"
      failed=1
    fi
  done
done
printf '%s\n' "$table"
exit "$failed"
