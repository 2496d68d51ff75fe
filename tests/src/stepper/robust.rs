//! The list of robust mutexes of this thread.
#![allow(unsafe_code)]

use std::ptr;

/// The address of the head of this thread's robust list (`get_robust_list(2)`), where the first lock in it is written.
///
/// # Panics
/// If the C library has registered none.
pub fn robust_list() -> u64 {
    let mut head: *mut u64 = ptr::null_mut();
    let mut length = 0_usize;
    // SAFETY: the call writes one pointer and one length, to locals of these sizes.
    let result = unsafe { libc::syscall(libc::SYS_get_robust_list, 0, &raw mut head, &raw mut length) };
    assert!(result == 0 && !head.is_null(), "the C library registers a robust list");
    head.addr() as u64
}
