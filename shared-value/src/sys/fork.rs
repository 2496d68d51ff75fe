//! Hooks that run around `fork` (`pthread_atfork(3)`).
#![allow(unsafe_code)]

use std::io;

use crate::sys::copies;

/// Calls the functions before every `fork` of this process, and after it in the parent and in the child.
///
/// They run in the thread that forks. A `fork` that bypasses the C library does not call them.
pub(crate) fn register(
    prepare: unsafe extern "C" fn(),
    parent: unsafe extern "C" fn(),
    child: unsafe extern "C" fn(),
) -> io::Result<()> {
    copies::stay_loaded()?;
    // SAFETY: the C library calls these functions at any later `fork`, and `stay_loaded` keeps them loaded.
    let result = unsafe { libc::pthread_atfork(Some(prepare), Some(parent), Some(child)) };
    if result == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(result)) }
}
