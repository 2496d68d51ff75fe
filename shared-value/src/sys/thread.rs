//! Facts about the calling thread.

use std::io;

use rustix::rand::{GetRandomFlags, getrandom};

/// The kernel's id of the calling thread, in its own PID namespace.
pub(crate) fn id() -> u32 {
    rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs()
}

/// 64 random bits from the kernel, never zero.
pub(crate) fn random_token() -> io::Result<u64> {
    let mut bytes = [0; 8];
    // Reads of up to 256 bytes are never cut short (`getrandom(2)`).
    getrandom(&mut bytes, GetRandomFlags::empty())?;
    Ok(u64::from_ne_bytes(bytes) | 1)
}
