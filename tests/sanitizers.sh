#!/usr/bin/env bash
# Runs the tests in `threads.rs` under AddressSanitizer and ThreadSanitizer, and fails if a sanitizer reports anything. Without a
# nightly toolchain it does nothing, or fails if SHARED_VALUE_REQUIRE_ALL is set.
# Usage: tests/sanitizers.sh [address|thread]...
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}/sanitizers
host=$(rustc -vV | sed -n 's/^host: //p')

skip() {
  echo "SKIPPED: $1"
  [[ -z ${SHARED_VALUE_REQUIRE_ALL:-} ]]
  exit
}

cargo +nightly --version >/dev/null 2>&1 || skip "sanitizers need a nightly toolchain"
[[ $host == *-linux-gnu ]] || skip "no sanitizers are known to work on $host"

# The toolchain's standard library is not instrumented, so ThreadSanitizer does not see the order that its mutexes and reference
# counts create. Data that only those guard is left out: the records of threads, where a thread enters and leaves them, and the
# test that does little else. Locks and commits of this library are its own atomics, which ThreadSanitizer sees.
mkdir -p "$target"
suppressions=$(realpath "$target")/suppressions
cat >"$suppressions" <<'END'
race:shared_value::lock::thread::Threads
race:shared_value::lock::thread::Thread>::enter
race:std::sync::mpmc
END

run() {
  local sanitizer=$1 flags=$2
  shift 2
  echo "=== $sanitizer"
  # Sanitizers do not see what assembly accesses.
  RUSTFLAGS="-Zsanitizer=$sanitizer --cfg shared_value_word_by_word $flags" \
    TSAN_OPTIONS="halt_on_error=0 suppressions=$suppressions" \
    cargo +nightly test --quiet --target "$host" --target-dir "$target/$sanitizer" \
    -p shared-value-tests --test threads -- "$@"
}

(($# > 0)) || set -- address thread
for sanitizer in "$@"; do
  case $sanitizer in
    # One test at a time: two would use the records of threads at once.
    thread)
      run thread "-Cunsafe-allow-abi-mismatch=sanitizer" --test-threads=1 --skip handles_and_threads_come_and_go
      ;;
    *) run "$sanitizer" "" ;;
  esac
done
echo "no sanitizer has reported anything"
