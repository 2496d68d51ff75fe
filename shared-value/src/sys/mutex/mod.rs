//! Robust pthread mutexes that this library shares with other processes, also with C programs.
//!
//! They need the feature `pthread`, because they come with the crate `raw_sync`. Without the feature, `Mutex` is a type
//! without values, and the code of `lock::pthread` is never reached.

#[cfg(not(feature = "pthread"))]
mod absent;
#[cfg(feature = "pthread")]
mod attached;

use libc::pthread_mutex_t;

#[cfg(not(feature = "pthread"))]
pub(crate) use absent::{Mutex, initialize, set_up};
#[cfg(feature = "pthread")]
pub(crate) use attached::{Mutex, initialize, set_up};

/// Whether this build can use such mutexes.
pub(crate) const IS_SUPPORTED: bool = cfg!(feature = "pthread");

/// The number of bytes of a mutex.
pub(crate) const SIZE: usize = size_of::<pthread_mutex_t>();

/// Identifies the kind of these mutexes: their size, and their C library.
#[expect(clippy::cast_possible_truncation, reason = "mutexes are small")]
pub(crate) const ABI: u32 = {
    let library = if cfg!(target_env = "gnu") {
        1
    } else if cfg!(target_env = "musl") {
        2
    } else {
        0
    };
    library << 16 | SIZE as u32
};

const _: () = assert!(SIZE <= 64 && align_of::<pthread_mutex_t>() <= 64, "a mutex must fit into its cache line");

/// How an attempt to take a mutex ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "pthread"), expect(dead_code, reason = "no attempt is made without the feature"))]
pub(crate) enum Outcome {
    Taken,
    /// Taken, after the last owner had died with it. It is marked as consistent already.
    TakenOver,
    /// Another thread holds it.
    Busy,
    /// The C library's error number.
    Failed(libc::c_int),
}
