#!/usr/bin/env bash
# An arena under churn by six processes that are killed at random moments: prints what is used every five seconds.
# Usage: tests/soak.sh [SECONDS]
# `cargo run -p benches -- soak FILE` draws benches/charts/soak.svg from what it has printed, which is kept beside the picture.
set -euo pipefail
cd "$(dirname "$0")/.."
SHARED_VALUE_SOAK_SECONDS=${1:-600} cargo test --release -p shared-value-tests --test arena_soak -- --nocapture
