//! `RawThread`: a thread of the C library, which can end in ways that the standard library does not know.
//!
//! The C library ends a thread by unwinding its stack, which Rust allows where no frame has anything to drop. So the
//! functions here must forget what they hold before they end so.
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
    // SAFETY: `RawThread::start` passes a function of this type, and functions are pointers.
    let body = unsafe { std::mem::transmute::<*mut c_void, fn()>(body) };
    body();
    ptr::null_mut()
}

impl RawThread {
    /// Starts a thread that runs a function.
    #[track_caller]
    pub(crate) fn start(body: fn()) -> Self {
        let mut id = MaybeUninit::uninit();
        // SAFETY: the place for the id is a local, and `start` takes what is passed to it.
        let error = unsafe { pthread_create(id.as_mut_ptr(), ptr::null(), start, body as *mut c_void) };
        assert_eq!(error, 0, "no thread");
        // SAFETY: the call has written it.
        Self { id: unsafe { id.assume_init() } }
    }

    /// Asks the thread to end where it next may.
    #[track_caller]
    pub(crate) fn cancel(&self) {
        // SAFETY: nobody has joined the thread.
        let error = unsafe { libc::pthread_cancel(self.id) };
        assert_eq!(error, 0, "it cannot be cancelled");
    }

    /// Waits until the thread is gone.
    #[track_caller]
    pub(crate) fn join(self) {
        // SAFETY: nobody else joins the thread, because that takes this.
        let error = unsafe { libc::pthread_join(self.id, ptr::null_mut()) };
        assert_eq!(error, 0, "it cannot be joined");
    }
}

/// Waits until this thread is cancelled.
pub(crate) fn await_cancellation() -> ! {
    loop {
        // SAFETY: the call has no preconditions; its unwinding meets nothing to drop.
        unsafe { pause() };
    }
}

/// Ends this thread as C programs do.
pub(crate) fn exit_thread() -> ! {
    // SAFETY: the caller's frames have nothing to drop, as the head of this file says.
    unsafe { pthread_exit(ptr::null_mut()) }
}

/// Ends this thread without any of its destructors. Its stack is never freed.
pub(crate) fn vanish() -> ! {
    // SAFETY: the system call ends the thread, and nothing after it runs.
    unsafe { libc::syscall(libc::SYS_exit, 0) };
    unreachable!("the thread has ended");
}
