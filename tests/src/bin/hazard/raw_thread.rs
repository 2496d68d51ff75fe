//! `RawThread`: a thread of the C library, which can end in ways that the standard library does not support.
//!
//! The C library ends a thread by unwinding its stack. Rust allows this only if no frame has a value to drop: the functions
//! that run in these threads must forget their guards before the end.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr;

/// A thread of the C library.
#[derive(Debug)]
pub(crate) struct RawThread {
    id: libc::pthread_t,
}

unsafe extern "C-unwind" {
    fn pause() -> c_int;
    fn pthread_exit(value: *mut c_void) -> !;
    fn pthread_create(
        thread: *mut libc::pthread_t,
        attributes: *const libc::pthread_attr_t,
        start: extern "C-unwind" fn(*mut c_void) -> *mut c_void,
        argument: *mut c_void,
    ) -> c_int;
}

extern "C-unwind" fn start(body: *mut c_void) -> *mut c_void {
    // SAFETY: `RawThread::start` has made the pointer from a function of this type.
    let body = unsafe { std::mem::transmute::<*mut c_void, fn()>(body) };
    body();
    ptr::null_mut()
}

impl RawThread {
    /// Starts a thread that runs a function.
    #[track_caller]
    pub(crate) fn start(body: fn()) -> Self {
        let mut id = MaybeUninit::uninit();
        // SAFETY: the id is written to a local, and `start` turns the argument back into a function.
        let error = unsafe { pthread_create(id.as_mut_ptr(), ptr::null(), start, body as *mut c_void) };
        assert_eq!(error, 0, "the thread was refused");
        // SAFETY: the call has written it.
        Self { id: unsafe { id.assume_init() } }
    }

    /// Cancels the thread: it ends at its next cancellation point.
    #[track_caller]
    pub(crate) fn cancel(&self) {
        // SAFETY: the thread was not joined, because joining consumes `self`.
        let error = unsafe { libc::pthread_cancel(self.id) };
        assert_eq!(error, 0, "the thread cannot be cancelled");
    }

    /// Waits until the thread has ended.
    #[track_caller]
    pub(crate) fn join(self) {
        // SAFETY: the thread was not joined before, because joining consumes `self`.
        let error = unsafe { libc::pthread_join(self.id, ptr::null_mut()) };
        assert_eq!(error, 0, "the thread cannot be joined");
    }
}

/// Waits until this thread is cancelled.
pub(crate) fn await_cancellation() -> ! {
    loop {
        // SAFETY: the call has no preconditions; the frames that a cancellation unwinds have no values to drop.
        unsafe { pause() };
    }
}

/// Ends this thread as C programs do.
pub(crate) fn exit_thread() -> ! {
    // SAFETY: the callers' frames have no values to drop; see the head of this file.
    unsafe { pthread_exit(ptr::null_mut()) }
}

/// Ends this thread without any of its destructors. Its stack is never freed.
pub(crate) fn vanish() -> ! {
    // SAFETY: the system call ends the thread; no code of the thread runs after it.
    unsafe { libc::syscall(libc::SYS_exit, 0) };
    unreachable!("the thread has ended");
}
