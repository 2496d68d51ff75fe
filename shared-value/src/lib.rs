//! One typed object in shared memory, with a recursive lock that survives SIGKILL and reads that take no lock.

#[cfg(all(not(loom), not(all(target_os = "linux", target_pointer_width = "64"))))]
compile_error!(
    "shared-value needs 64-bit Linux: robust futexes, memfd_create and O_TMPFILE are Linux's, and its words are 64 bits"
);

#[cfg_attr(loom, allow(dead_code, reason = "the models use a part of it"))]
mod primitive;
#[cfg_attr(loom, allow(dead_code, reason = "the models use a part of it"))]
mod slots;

#[cfg(all(loom, test))]
mod models;
#[cfg(all(loom, test))]
#[path = "lock/word.rs"]
#[expect(dead_code, reason = "the models use a part of it")]
mod word;

#[cfg(not(loom))]
#[doc(hidden)]
pub mod __private;
#[cfg(not(loom))]
mod access;
#[cfg(not(loom))]
mod cell;
#[cfg(not(loom))]
mod element;
#[cfg(not(loom))]
mod error;
#[cfg(not(loom))]
mod format;
#[cfg(not(loom))]
mod guard;
#[cfg(not(loom))]
mod hold;
#[cfg(not(loom))]
mod layout;
#[cfg(not(loom))]
mod lock;
#[cfg(not(loom))]
mod options;
#[cfg(not(loom))]
mod read;
#[cfg(not(loom))]
mod segment;
#[cfg(not(loom))]
mod synchronized;
#[cfg(not(loom))]
mod sys;
#[cfg(not(loom))]
mod words;

#[cfg(not(loom))]
pub use crate::{
    access::{Access, ReadWrite},
    error::Error,
    guard::Guard,
    layout::{AtomicInteger, Field, FixedStr, FixedStrError, Kind, Layout, Pod, SharedValue, Variant},
    lock::LockState,
    options::Options,
    synchronized::{Synchronized, unlink},
};

/// Derives [`SharedValue`](trait@SharedValue), the handle `SynchronizedX` and the guard `XGuard`.
#[cfg(not(loom))]
pub use shared_value_derive::SharedValue;
