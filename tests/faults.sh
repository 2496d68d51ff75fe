#!/usr/bin/env bash
# Proves that the kill points see what they are for: builds the library with one fault after the other, and asserts that
# each is caught. Usage: tests/faults.sh [FAULT]...
set -euo pipefail

# Cargo calls this file by a link that is named after a fault, in place of the compiler, for the workspace's own crates.
# So the others are built once.
fault=$(basename "$0")
if [[ $fault != faults.sh ]]; then
  exec "$@" --cfg "shared_value_fault=\"$fault\""
fi

cd "$(dirname "$0")/.."
# The fault, and the harm that must be found.
faults=(
  "commit_first torn"        # the commit comes before the stores of the value
  "commit_late torn"         # the commit comes after the release of the lock
  "no_rollback torn"         # whoever takes a lock over does not roll back
  "link_unannounced stuck"   # the lock's word is taken without an announcement to the kernel
  "retract_first stuck"      # the announcement is taken back before the lock is in the robust list
  "unlink_unannounced stuck" # the lock leaves the robust list without an announcement
  "release_first stuck"      # the word is released before the lock has left the robust list
  "sleep_through stuck"      # sleepers rely on being woken
  "keep_leftover torn"       # what a dead owner left in one of several values is gone on with
  "severally torn"           # a transaction commits one value after the other
  "unmarked torn"            # a large value is written without a mark of what differs in the two slots
  "publish_first torn"       # a segment gets its name before it is filled
)
target=${CARGO_TARGET_DIR:-target}/faults
mkdir -p "$target/compilers"
missed=0
for entry in "${faults[@]}"; do
  read -r fault harm <<<"$entry"
  if (($# > 0)) && [[ " $* " != *" $fault "* ]]; then
    continue
  fi
  compiler=$(realpath "$target/compilers")/$fault
  ln -sf "$PWD/tests/faults.sh" "$compiler"
  RUSTC_WORKSPACE_WRAPPER=$compiler CARGO_TARGET_DIR=$target cargo build --quiet -p shared-value-tests --bin victim
  report=$("$target/debug/victim" sweep --points changes --give-up-after 3) || true
  caught=$(awk -v harm=": $harm: " '/^[^ ]/ { operation = $1 } index($0, harm) { print operation }' <<<"$report")
  if [[ -z $caught ]]; then
    printf '%-20s MISSED: nothing is %s\n%s\n' "$fault" "$harm" "$report"
    missed=1
  else
    printf '%-20s %-6s in %2d operations: %s\n' "$fault" "$harm" "$(wc -l <<<"$caught")" "$(head -4 <<<"$caught" | xargs)"
    grep -m1 -F ": $harm: " <<<"$report"
  fi
done
exit "$missed"
