//! Arrays whose length is known at run time.

mod changes;
mod cost;
mod elements;
mod fields;
mod length;
mod like_a_vec;
mod opening;
mod processes;

use std::panic::{self, AssertUnwindSafe};

/// The message of a panic.
#[track_caller]
pub(crate) fn panicked<R>(body: impl FnOnce() -> R) -> String {
    let Err(panicked) = panic::catch_unwind(AssertUnwindSafe(body)) else { panic!("it should panic") };
    match panicked.downcast_ref::<&str>() {
        Some(message) => (*message).to_owned(),
        None => panicked.downcast_ref::<String>().expect("a message").clone(),
    }
}
