#!/usr/bin/env bash
# Proves that on a platform that is not supported the only error is the library's own, in one line.
set -euo pipefail
cd "$(dirname "$0")/.."

if output=$(RUSTFLAGS="--cfg shared_value_unsupported" CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/platforms" \
  cargo check --message-format short -p shared-value --all-features 2>&1); then
  echo "shared-value compiles where it is not supported"
  exit 1
fi
errors=$(grep -E '(^|: )error(\[|:)' <<<"$output" | grep -v 'could not compile' || true)
if [[ $(wc -l <<<"$errors") != 1 || $errors != *"64-bit little-endian Linux only"* ]]; then
  printf 'expected one error, that of lib.rs, found:\n%s\n' "$output"
  exit 1
fi
echo "$errors"
