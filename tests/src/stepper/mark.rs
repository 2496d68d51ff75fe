//! Marks at which a traced process stops.
#![allow(unsafe_code)]

/// Runs an operation between two marks. A sweep kills victims between the marks.
#[inline(always)]
pub fn marked<R>(operation: impl FnOnce() -> R) -> R {
    mark();
    let result = operation();
    mark();
    result
}

/// Stops this process if it is traced, and ends it otherwise.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn mark() {
    // SAFETY: the instruction raises SIGTRAP, and changes neither registers nor memory. Because `nomem` is missing, the
    // compiler moves no access to memory across it.
    unsafe { core::arch::asm!("int3", options(nostack)) };
}

/// Stops this process if it is traced, and ends it otherwise.
#[cfg(target_arch = "aarch64")]
#[inline(always)]
fn mark() {
    // SAFETY: the instruction raises SIGTRAP, and changes neither registers nor memory. Because `nomem` is missing, the
    // compiler moves no access to memory across it. The tracer goes on behind it.
    unsafe { core::arch::asm!("brk #0", options(nostack)) };
}
