#!/usr/bin/env bash
# Proves that the sweep over the kill points sees what it is for: builds the library with one fault after the other, and
# asserts that each is caught. Usage: tests/faults.sh [FAULT]...
set -euo pipefail

# Cargo calls this file by a link that is named after a fault, as the compiler of the workspace's own crates: so the
# other crates are built once.
fault=$(basename "$0")
if [[ $fault != faults.sh ]]; then
  exec "$@" --cfg "shared_value_fault=\"$fault\""
fi

cd "$(dirname "$0")/.."
# The fault, and what the sweep must find.
faults=(
  "commit_first torn"              # the commit before the stores of the value
  "commit_late torn"               # the commit after the release of the lock
  "no_rollback torn"               # no rollback when a lock is taken over
  "link_unannounced stuck"         # the lock's word is taken before the kernel knows of the lock
  "retract_first stuck"            # the announcement is taken back before the lock is in the list
  "unlink_unannounced stuck"       # the lock is out of the list before its word is released
  "release_first stuck"            # the word is released before the lock is out of the list
  "sleep_through stuck"            # sleepers rely on being woken
  "publish_first torn"             # a segment gets its name before it is filled
)
target=${CARGO_TARGET_DIR:-target}/faults
mkdir -p "$target/wrappers"
failed=0
for entry in "${faults[@]}"; do
  read -r fault kind <<<"$entry"
  if (($# > 0)) && [[ " $* " != *" $fault "* ]]; then
    continue
  fi
  wrapper=$(realpath "$target/wrappers")/$fault
  ln -sf "$PWD/tests/faults.sh" "$wrapper"
  RUSTC_WORKSPACE_WRAPPER=$wrapper CARGO_TARGET_DIR=$target \
    cargo build --quiet -p shared-value-tests --bin victim
  if report=$("$target/debug/victim" sweep --points changes --give-up-after 3); then
    echo "$fault: NOT CAUGHT"
    failed=1
  else
    caught=$(grep -B4 "^    .*: $kind: " <<<"$report" | grep -v '^ ' | awk '{ print $1 }' | xargs)
    if [[ -z $caught ]]; then
      echo "$fault: caught, but nothing is $kind"
      failed=1
    fi
    echo "$fault: $kind in $caught"
    grep -m1 "^    .*: $kind: " <<<"$report"
  fi
done
exit "$failed"
