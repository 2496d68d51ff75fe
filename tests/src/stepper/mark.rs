//! Marks that stop a traced process.
#![allow(unsafe_code)]

/// Runs the operation that a sweep kills in, between two marks.
#[inline(always)]
pub fn marked<R>(operation: impl FnOnce() -> R) -> R {
    mark();
    let result = operation();
    mark();
    result
}

/// Stops this process, if it is traced; otherwise it ends.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn mark() {
    // SAFETY: the instruction raises SIGTRAP and touches neither registers nor memory. Without `nomem`, the compiler
    // moves no access to memory across it.
    unsafe { core::arch::asm!("int3", options(nostack)) };
}

/// Stops this process, if it is traced; otherwise it ends. Some instructions of the C library lie between the marks.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn mark() {
    // SAFETY: the call has no preconditions.
    unsafe { libc::raise(libc::SIGTRAP) };
}
