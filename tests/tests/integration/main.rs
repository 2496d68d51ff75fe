//! Tests of the promises of `shared-value`, between real processes.
//!
//! Each module tests one feature. The first line of a test says what would break without the code that it guards.

mod accessors;
mod atomic;
mod auto_traits;
mod borrow;
mod counting;
mod create;
mod damage;
mod death;
mod forget;
mod fork;
mod format;
mod golden;
mod invalid_bits;
mod lock_errors;
mod many;
mod mismatch;
mod misuse;
mod no_space;
mod padding;
mod panic;
mod recursion;
mod robust_list;
mod snapshot;
mod surroundings;
mod timeout;
mod typecode;
mod update;

use shared_value_tests::Worker;

/// Starts the program `worker` in a role.
#[track_caller]
fn worker<A: ToString>(role: &str, arguments: impl IntoIterator<Item = A>) -> Worker {
    Worker::start(env!("CARGO_BIN_EXE_worker"), role, arguments)
}
