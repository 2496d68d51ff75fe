//! Two programs, each with its own copy of a struct, and one segment.

use std::process::{self, Command, Output};

/// A segment of the original program. Dropping this unlinks it.
struct Segment {
    name: String,
}

impl Segment {
    fn new(label: &str) -> Self {
        let name = format!("shared-value-copies-{}-{label}", process::id());
        let created = run(env!("CARGO_BIN_EXE_original"), "create", &name);
        assert!(created.status.success(), "{created:?}");
        Self { name }
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        let _ = shared_value::unlink(&self.name);
    }
}

fn run(program: &str, operation: &str, name: &str) -> Output {
    Command::new(program).args([operation, name]).env_remove("RUST_BACKTRACE").output().expect("the program starts")
}

/// Checks that the program refuses the original's segment, with an error that explains the difference.
#[track_caller]
fn refused(program: &str, label: &str, explanation: &str) {
    let segment = Segment::new(label);
    let opened = run(program, "open", &segment.name);
    assert!(!opened.status.success(), "{label} has opened the segment");
    let message = String::from_utf8(opened.stderr).unwrap();
    let beginning = format!("Error: `{}` holds another layout: {explanation}; open it with", segment.name);
    assert!(message.starts_with(&beginning), "{message}");
    let fingerprints = [env!("CARGO_BIN_EXE_original"), program]
        .map(|program| String::from_utf8(run(program, "fingerprint", "-").stdout).unwrap());
    assert_ne!(fingerprints[0], fingerprints[1]);
}

/// Without this, two programs could not share a value whose struct each of them declares.
#[test]
fn an_equal_copy_opens() {
    let segment = Segment::new("equal");
    let opened = run(env!("CARGO_BIN_EXE_equal"), "open", &segment.name);
    assert!(opened.status.success(), "{opened:?}");
}

/// If this fails, segments and pins of earlier builds no longer fit.
#[test]
#[cfg(target_endian = "little")]
fn the_fingerprint_is_the_same_in_every_build() {
    for program in [env!("CARGO_BIN_EXE_original"), env!("CARGO_BIN_EXE_equal")] {
        let fingerprint = run(program, "fingerprint", "-").stdout;
        assert_eq!(String::from_utf8(fingerprint).unwrap(), "0x51699e27b21c0ac4\n");
    }
}

/// Without this, a program would read the bytes of one field as another field.
#[test]
fn every_mutation_is_refused() {
    macro_rules! refused {
        ($($program:literal: $explanation:literal;)*) => {
            $(refused(env!(concat!("CARGO_BIN_EXE_", $program)), $program, $explanation);)*
        };
    }
    refused! {
        "renamed_type": "the type is another: expected `Konto`, found `Account`";
        "renamed_field": "the segment has no field `amount`, which this program expects as `amount: i64 at byte 0`";
        "swapped_fields": "expected `number: u32 at byte 8`, found `branch: u32 at byte 8`";
        "added_field": "the segment has no field `is_new`, which this program expects as `is_new: bool at byte 33`";
        "removed_field": "the segment has a field `number`, as `number: u32 at byte 12`, which this program does not have";
        "other_sign": "expected `balance: u64 at byte 0`, found `balance: i64 at byte 0`";
        "longer_array": "expected `limits: [Limit; 3] at byte 16`, found `limits: [Limit; 2] at byte 16`";
        "aligned": "expected `Account: 64 bytes, align 64`, found `Account: 48 bytes, align 8`";
        "nested_field": "the segment has no field `limits[].hours`, which this program expects as `limits[].hours: u32 at byte 20`";
        "renamed_variant": "expected `state: State(u8: Open=1, Closed=2) at byte 32`, found `state: State(u8: Open=1, Frozen=2) at byte 32`";
        "other_discriminant": "expected `state: State(u8: Open=1, Frozen=3) at byte 32`, found `state: State(u8: Open=1, Frozen=2) at byte 32`";
        "not_atomic": "expected `requests: u64 at byte 40`, found `requests: atomic u64 at byte 40`";
    }
}
