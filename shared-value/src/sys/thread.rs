//! Facts about the calling thread, and its end.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::io;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::OnceLock;
use std::time::Duration;

use rustix::rand::{GetRandomFlags, getrandom};
use rustix::thread::futex::Timespec;
use rustix::thread::{NanosleepRelativeResult, nanosleep};

use crate::sys::copies;

/// Returns the kernel's id of the calling thread, in the thread's own PID namespace.
pub(crate) fn id() -> u32 {
    rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs()
}

/// Returns whether this process has a thread with this id of the kernel.
pub(crate) fn exists(id: u32) -> bool {
    // SAFETY: signal 0 is sent to no thread; the call takes numbers only, and checks them.
    let result = unsafe { libc::syscall(libc::SYS_tgkill, std::process::id(), id, 0) };
    result == 0 || io::Error::last_os_error().raw_os_error() != Some(libc::ESRCH)
}

/// A signal handler has run during a sleep.
#[derive(Debug)]
pub(crate) struct Interrupted;

/// Sleeps for this long.
///
/// # Errors
/// `Interrupted` if a signal has ended the sleep.
pub(crate) fn sleep(duration: Duration) -> Result<(), Interrupted> {
    let time = Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: duration.subsec_nanos().into(),
    };
    match nanosleep(&time) {
        NanosleepRelativeResult::Interrupted(_) => Err(Interrupted),
        NanosleepRelativeResult::Ok | NanosleepRelativeResult::Err(_) => Ok(()),
    }
}

/// Returns random bits from the kernel, never all zeros.
pub(crate) fn random() -> io::Result<u128> {
    let mut bytes = [0; 16];
    // Reads of up to 256 bytes are never cut short (`getrandom(2)`).
    getrandom(&mut bytes, GetRandomFlags::empty())?;
    Ok(u128::from_ne_bytes(bytes) | 1)
}

/// Returns 64 random bits from the kernel, never zero.
#[expect(clippy::cast_possible_truncation, reason = "the lower half is as random, and not zero")]
pub(crate) fn random_token() -> io::Result<u64> {
    random().map(|bits| bits as u64)
}

/// The signals that a thread blocked before `block_signals`, until the drop.
#[must_use]
pub(crate) struct BlockedSignals {
    before: libc::sigset_t,
    /// The mask belongs to a thread.
    thread: PhantomData<*mut ()>,
}

impl Drop for BlockedSignals {
    fn drop(&mut self) {
        // SAFETY: the call reads the set, which `block_signals` has got from the same call, and writes nothing.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.before, ptr::null_mut()) };
    }
}

/// Blocks all signals in the calling thread until the drop, except those that the thread itself causes. A thread that it starts
/// meanwhile blocks them forever.
pub(crate) fn block_signals() -> BlockedSignals {
    let mut all = MaybeUninit::uninit();
    // SAFETY: the call writes a whole set there.
    unsafe { libc::sigfillset(all.as_mut_ptr()) };
    // SAFETY: `sigfillset` has written it.
    let mut all: libc::sigset_t = unsafe { all.assume_init() };
    for own in [libc::SIGBUS, libc::SIGSEGV, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP, libc::SIGSYS, libc::SIGABRT] {
        // SAFETY: the set is a local, and whole.
        unsafe { libc::sigdelset(&raw mut all, own) };
    }
    let mut before = MaybeUninit::uninit();
    // SAFETY: the call reads the first set, and writes a whole set to the second place.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const all, before.as_mut_ptr()) };
    // SAFETY: the call has written it: it fails only for an unknown first argument.
    let before = unsafe { before.assume_init() };
    BlockedSignals { before, thread: PhantomData }
}

/// The key whose destructor runs when a thread ends.
static KEY: OnceLock<libc::pthread_key_t> = OnceLock::new();
static FUNCTION: OnceLock<extern "C" fn()> = OnceLock::new();

/// Sets the function that runs at the end of each thread that has called `at_exit`, after the destructors of its
/// thread-locals. It does not run for the thread that leaves `main`.
pub(crate) fn set_up_exit(function: extern "C" fn()) -> io::Result<()> {
    unsafe extern "C" fn destructor(_: *mut c_void) {
        if let Some(function) = FUNCTION.get() {
            function();
        }
    }

    copies::stay_loaded()?;
    FUNCTION.get_or_init(|| function);
    let mut key = 0;
    // SAFETY: `key` is a local of the right type, and `stay_loaded` keeps the destructor loaded.
    match unsafe { libc::pthread_key_create(&raw mut key, Some(destructor)) } {
        0 => {
            KEY.get_or_init(|| key);
            Ok(())
        }
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

/// Makes the function run when the calling thread ends. If a later destructor calls this again, the function runs again.
pub(crate) fn at_exit() -> io::Result<()> {
    let key = KEY.get().ok_or(io::ErrorKind::Unsupported)?;
    // The destructor runs if the value is not null, and does not use the value.
    let value: *const c_void = ptr::without_provenance(1);
    // SAFETY: `set_up_exit` has created the key, which is never deleted.
    match unsafe { libc::pthread_setspecific(*key, value) } {
        0 => Ok(()),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

/// Returns whether the function will run when the calling thread ends. Unlike an access to a thread-local, this never
/// allocates memory.
pub(crate) fn is_at_exit_set() -> bool {
    // SAFETY: `set_up_exit` has created the key, which is never deleted.
    KEY.get().is_some_and(|key| !unsafe { libc::pthread_getspecific(*key) }.is_null())
}
