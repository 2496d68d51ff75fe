//! Calls of the operating system: no other folder calls libc or rustix. `build.rs` says which platforms are supported.

pub(crate) mod copies;
pub(crate) mod descriptor;
pub(crate) mod entrance;
pub(crate) mod file;
pub(crate) mod fork;
pub(crate) mod futex;
pub(crate) mod memory;
pub(crate) mod mutex;
pub(crate) mod presence;
pub(crate) mod robust;
pub(crate) mod socket;
pub(crate) mod thread;
