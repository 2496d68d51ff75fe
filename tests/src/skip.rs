//! Tests that need a right or a program that not every machine gives.

use std::env;
use std::fmt::Display;

/// Says that a test, or a part of it, does not run here. Where `SHARED_VALUE_REQUIRE_ALL` is set, as in the gate, that is a
/// failure.
///
/// # Panics
/// If every test is required.
#[track_caller]
pub fn skip(reason: impl Display) {
    println!("skipped: {reason}");
    assert!(
        env::var_os("SHARED_VALUE_REQUIRE_ALL").is_none(),
        "SHARED_VALUE_REQUIRE_ALL is set, but skipped: {reason}"
    );
}
