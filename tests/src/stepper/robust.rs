//! The robust list of this thread.
#![allow(unsafe_code)]

use std::ptr;

/// Returns the addresses of two words in the head of this thread's robust list (`get_robust_list(2)`): the pointer to the
/// first lock in the list, and the pointer to the lock that is about to be taken or released.
///
/// # Panics
/// If the C library has registered no list.
pub fn robust_list() -> [u64; 2] {
    const PENDING: u64 = 16;
    let mut head: *mut u64 = ptr::null_mut();
    let mut length = 0_usize;
    // SAFETY: the call writes one pointer and one length, to locals of these sizes.
    let result = unsafe { libc::syscall(libc::SYS_get_robust_list, 0, &raw mut head, &raw mut length) };
    assert!(result == 0 && !head.is_null(), "the C library registers a robust list");
    let head = head.addr() as u64;
    [head, head + PENDING]
}
