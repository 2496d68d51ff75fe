//! Values that are guarded by a pthread mutex, which C programs can take too.

mod c_programs;
mod header;
mod processes;
mod value;

use shared_value::{LockKind, Options, SharedValue, Synchronized};

/// Options for a value that is guarded by a pthread mutex.
fn guarded<T: SharedValue>() -> Options<Synchronized<T>> {
    Synchronized::options().lock_kind(LockKind::Pthread)
}
