#!/usr/bin/env bash
# Measures what the derive costs its users: the processor time of `cargo check`, or of `cargo build` with `build` as the
# argument, for 200 structs of 10 fields, next to serde's `Serialize` and `Deserialize` for the same structs.
#
#   benches/compile_time.sh [check|build] [RUNS]
#
# Dependencies are compiled in advance, and no run reuses output of an earlier one. Runs of the two alternate, and the medians
# are compared, so that other load on the machine hits both alike. The last line is the ratio of the medians.
set -euo pipefail
export CARGO_INCREMENTAL=0

command=${1:-check}
runs=${2:-9}
library=$(cd "$(dirname "$0")/.." && pwd)/shared-value
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# Prints 200 structs, each of which derives what the arguments say.
structs() {
    local derives=$1 number
    for number in $(seq 200); do
        cat <<STRUCT
/// A struct.
#[derive($derives, Clone, Copy)]
#[repr(C)]
pub struct S$number {
    /// A field.
    pub alpha: i64,
    /// A field.
    pub beta: u64,
    /// A field.
    pub gamma: f64,
    /// A field.
    pub delta: [f64; 3],
    /// A field.
    pub epsilon: [u32; 4],
    /// A field.
    pub zeta: Inner,
    /// A field.
    pub eta: u32,
    /// A field.
    pub theta: i32,
    /// A field.
    pub iota: u16,
    /// A field.
    pub kappa: bool,
}

STRUCT
    done
    cat <<STRUCT
/// What the structs hold.
#[derive($derives, Clone, Copy)]
#[repr(C)]
pub struct Inner {
    /// A field.
    pub x: f64,
    /// A field.
    pub y: f64,
}
STRUCT
}

# Makes a package: its name, its dependency, the import, and what its structs derive.
package() {
    mkdir -p "$folder/$1/src"
    cat >"$folder/$1/Cargo.toml" <<TOML
[package]
name = "$1"
version = "0.0.0"
edition = "2024"

[dependencies]
$2
TOML
    {
        echo '//! Structs.'
        echo "use $3;"
        structs "$4"
    } >"$folder/$1/src/lib.rs"
}

package with-serde 'serde = { version = "1", features = ["derive"] }' 'serde::{Deserialize, Serialize}' 'Serialize, Deserialize'
package with-shared-value "shared-value = { path = \"$library\" }" 'shared_value::SharedValue' 'SharedValue'
printf '[workspace]\nmembers = ["with-serde", "with-shared-value"]\nresolver = "2"\n' >"$folder/Cargo.toml"
cd "$folder"
cargo "$command" --quiet 2>/dev/null

# The processor time in seconds that cargo and the compiler take for a package.
measure() {
    touch "$1/src/lib.rs"
    local TIMEFORMAT=%U
    { time cargo "$command" --quiet --package "$1" >/dev/null 2>&1; } 2>&1
}

median() {
    sort -n | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'
}

for _ in $(seq "$runs"); do
    measure with-serde >>serde.times
    measure with-shared-value >>own.times
done
serde=$(median <serde.times)
own=$(median <own.times)
printf 'serde         %s s\nshared-value  %s s\n' "$serde" "$own"
awk -v serde="$serde" -v own="$own" 'BEGIN { printf "%.2f\n", own / serde }'
