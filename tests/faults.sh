#!/usr/bin/env bash
# Proves that the kill points, storms and tests find faults: builds the library with faults, chooses one after the other, and
# asserts that each one is found. Usage: tests/faults.sh [FAULT]...
set -euo pipefail

# Processes that die in the middle of a faulty operation leave names, and so does this script if it is interrupted. Here they are
# names in a /dev/shm that only the processes of this script see. The kernel removes it with the last of them.
if [[ -z ${SHARED_VALUE_OWN_MEMORY:-} ]]; then
  namespaces=(--mount)
  ((EUID == 0)) || namespaces+=(--map-root-user)
  SHARED_VALUE_OWN_MEMORY=1 exec unshare "${namespaces[@]}" "$BASH" "$0" "$@"
fi
unset SHARED_VALUE_OWN_MEMORY
mount -t tmpfs -o mode=1777 shared-value /dev/shm
TMPDIR=$(mktemp -d)
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT

cd "$(dirname "$0")/.."

# Each line: the fault, the harm that must be found, and the operations that are tried. More operations would find more, but a
# victim that is stuck is noticed only after a second.
faults=(
  # the commit comes before the stores of the value
  "commit_first torn set-8 update-64 guard-4096 object arena-create array-write"
  # the commit comes after the release of the lock
  "commit_late torn guard-8 guard-64 nested"
  # a thread that takes a lock over does not roll back
  "no_rollback torn guard-8 recursive-64 take-over-8 wait-for-dying array-commit"
  # a large value is written without marks of the blocks that differ in the two slots
  "unmarked torn set-4096 update-4096 array-places array-rollback"
  # a write of a whole value leaves bytes of other versions as they were one commit ago
  "stale_reserved torn version-set-64 version-update-4096 version-take-over-64 version-dynamic-64"
  # the lock word is taken without an announcement to the kernel
  "link_unannounced stuck first-lock set-8 nested"
  # the announcement is withdrawn before the lock is in the robust list
  "retract_first stuck set-8 nested"
  # the only lock of a thread is not added to the robust list
  "unlinked stuck guard-8 update-8 update-nesting"
  # the lock is removed from the robust list without an announcement
  "unlink_unannounced stuck set-8 update-8 nested"
  # the word is released before the lock is removed from the robust list
  "release_first stuck nested nested-crosswise nested-meddled nested-crosswise-meddled mutex-between mutex-between-crosswise"
  # sleepers rely on being woken
  "sleep_through stuck wait woken woken-by-dying unlock-with-waiter"
  # the draft that a dead owner left in one of several values is committed
  "keep_leftover torn object object-take-over object-update"
  # a transaction commits one value after the other
  "severally torn transaction-first transaction transaction-take-over"
  # a segment gets its name before it is filled
  "publish_first torn create create-file open-or-create-absent"
  # a value that replaces another gets the name after the other has lost it
  "remove_and_name lost replace replace-file"
  # a thread that takes the lock of a replaced value over does not look at the name
  "keep_replaced lost replace replace-by-hand"
  # an addition to a lane takes the sum away before it stores the new one
  "add_in_steps lost count count-first count-take-over"
  # a forked child ends the pin of values that it has inherited
  "unpin_open lost arena-fork"
)
# Each line: the fault, the program that must fail, and the test of it that is run.
tests=(
  # a waiter never asks whether the owner of a lock exists
  "no_backstop kill_storm six_processes_that_end_in_every_way"
  # see above
  "no_rollback kill_storm six_processes_on_one_value"
  # a forked child ends the pin of its parent while a process searches for claims
  "unpin_early arena_claims children::a_child_keeps_its_pin_until_searches_have_ended"
  # a forked child goes on in the lane of its parent
  "keep_hints counters owners::a_forked_child_has_a_lane_of_its_own"
  # a thread keeps its lane when it ends
  "keep_lanes counters owners::a_thread_that_ends_gives_its_lane_back"
  # a process keeps its lanes when it drops its last handle
  "keep_all_lanes counters owners::the_last_handle_gives_the_lanes_back"
  # a thread takes each lane that has an owner for its own
  "any_owner counters owners::threads_without_a_lane_share"
  # threads that share a lane add to it by a load and a store
  "share_alone counters owners::threads_without_a_lane_share"
  # the lane of a dead owner is never taken over
  "keep_dead_lanes counters deaths::a_dead_owner_leaves_its_sum_and_its_lane"
)
# In a directory of its own: the programs that tests start are found there by their names.
export RUSTFLAGS="--cfg shared_value_faulty" CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/faults
# A storm ends when the fault is found.
export SHARED_VALUE_STORM_SECONDS=${SHARED_VALUE_STORM_SECONDS:-60}
faulty() {
  cargo test --quiet -p shared-value-tests "$@"
}
read -ra programs < <(printf '%s\n' "${tests[@]}" | awk '{ print "--test", $2 }' | sort -u | xargs)
faulty --no-run "${programs[@]}"
victim=$CARGO_TARGET_DIR/debug/victim
missed=0
for entry in "${faults[@]}"; do
  read -r fault harm operations <<<"$entry"
  if (($# > 0)) && [[ " $* " != *" $fault "* ]]; then
    continue
  fi
  read -ra operations <<<"$operations"
  report=$(SHARED_VALUE_FAULT=$fault "$victim" sweep --points changes --give-up-after 3 "${operations[@]}") || true
  caught=$(awk -v harm=": $harm: " '/^[^ ]/ { operation = $1 } index($0, harm) { print operation }' <<<"$report")
  if [[ -z $caught ]]; then
    printf '%-20s MISSED: nothing is %s\n%s\n' "$fault" "$harm" "$report"
    missed=1
  else
    printf '%-20s %-6s in %2d operations: %s\n' "$fault" "$harm" "$(wc -l <<<"$caught")" "$(head -4 <<<"$caught" | xargs)"
    grep -m1 -F ": $harm: " <<<"$report" | cut -c 1-160
  fi
done
for entry in "${tests[@]}"; do
  read -r fault program test <<<"$entry"
  if (($# > 0)) && [[ " $* " != *" $fault "* ]]; then
    continue
  fi
  if output=$(SHARED_VALUE_FAULT=$fault faulty --test "$program" -- --exact "$test" 2>&1); then
    printf '%-20s MISSED: %s::%s passes\n%s\n' "$fault" "$program" "$test" "$output"
    missed=1
  else
    printf '%-20s failed by %s::%s\n' "$fault" "$program" "$test"
    grep -m1 -A2 -F " panicked at " <<<"$output"
  fi
done
exit "$missed"
