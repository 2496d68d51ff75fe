//! Pthread mutexes, by the C library and `raw_sync`.
//!
//! This file initializes mutexes itself, because a mutex of `raw_sync` is not robust and deadlocks if its owner takes it
//! twice. It uses `raw_sync` only to attach to a mutex. It calls the C library directly to take the mutex, because
//! `raw_sync` loses the one result that matters: that the last owner died. It calls it directly to release the mutex, because each
//! call of `raw_sync` is an indirect one, which a short update would notice.
#![allow(unsafe_code)]

use std::fmt;
use std::io;
use std::mem::MaybeUninit;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::ptr::NonNull;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use libc::{c_int, clockid_t, pthread_mutex_t, pthread_mutexattr_t, timespec};
use raw_sync::locks::LockInit;

use crate::sys::mutex::Outcome;

/// A mutex in shared memory.
pub(crate) struct Mutex {
    raw: *mut pthread_mutex_t,
}

// SAFETY: `raw` points to a process-shared mutex, which any thread of any process may use.
unsafe impl Send for Mutex {}
// SAFETY: no method changes the pointer `raw`, and it points to a process-shared mutex, which several threads may use at once.
unsafe impl Sync for Mutex {}

// A panic cannot leave a `Mutex` half changed: it is a pointer that no method changes.
impl UnwindSafe for Mutex {}
impl RefUnwindSafe for Mutex {}

/// Looks up the function that takes a mutex before a deadline. Otherwise a forked child could wait forever for a look-up that
/// another thread of its parent had begun.
pub(crate) fn set_up() {
    timed_lock();
}

/// Initializes a mutex. It is free.
///
/// # Safety
/// `mutex::SIZE` bytes are mapped at `at`, aligned to 64, and no other thread or process uses them.
pub(crate) unsafe fn initialize(at: NonNull<u8>) -> io::Result<()> {
    let mut attributes = MaybeUninit::<pthread_mutexattr_t>::uninit();
    let attributes = attributes.as_mut_ptr();
    // SAFETY: `attributes` points to a local, which the call may write.
    check(unsafe { libc::pthread_mutexattr_init(attributes) })?;
    // SAFETY: `attributes` points to attributes that were initialized above.
    let made = check(unsafe { libc::pthread_mutexattr_setpshared(attributes, libc::PTHREAD_PROCESS_SHARED) })
        // SAFETY: `attributes` points to attributes that were initialized above.
        .and_then(|()| check(unsafe { libc::pthread_mutexattr_setrobust(attributes, libc::PTHREAD_MUTEX_ROBUST) }))
        // SAFETY: `attributes` points to attributes that were initialized above.
        // Recursion is counted elsewhere. If a thread takes the mutex twice by mistake, it gets an error, and does not
        // deadlock.
        .and_then(|()| check(unsafe { libc::pthread_mutexattr_settype(attributes, libc::PTHREAD_MUTEX_ERRORCHECK) }))
        // SAFETY: the caller promises mapped, aligned and otherwise unused memory at `at`; the attributes were initialized
        // above.
        .and_then(|()| check(unsafe { libc::pthread_mutex_init(at.as_ptr().cast(), attributes) }));
    // SAFETY: the attributes were initialized above, and are not used again.
    unsafe { libc::pthread_mutexattr_destroy(attributes) };
    made
}

fn check(result: c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(result)) }
}

impl Mutex {
    /// Attaches to the mutex at `at`.
    ///
    /// # Safety
    /// `mutex::SIZE` bytes are mapped at `at`, aligned to 64, while this lives and while the mutex is held.
    ///
    /// Whether these bytes are a mutex is up to all processes that may write to them. A program that chooses
    /// `LockKind::Pthread` trusts those processes.
    pub(crate) unsafe fn attach(at: NonNull<u8>) -> io::Result<Self> {
        // SAFETY: the caller promises mapped and aligned memory at `at`. `raw_sync` only stores the two pointers. The null
        // pointer is in place of the data that the mutex guards: `raw_sync` hands it out only when it takes a lock, which
        // this file never lets it do.
        let attached = unsafe { raw_sync::locks::Mutex::from_existing(at.as_ptr(), std::ptr::null_mut()) };
        let (attached, _) = attached.map_err(|error| io::Error::other(error.to_string()))?;
        Ok(Self { raw: attached.as_raw().cast() })
    }

    pub(crate) fn try_lock(&self) -> Outcome {
        // SAFETY: `attach`'s caller promised that the memory is mapped and aligned; the program trusts that it holds a
        // mutex.
        self.outcome(unsafe { libc::pthread_mutex_trylock(self.raw) })
    }

    /// Waits for the mutex, for at most `timeout` by the monotonic clock.
    pub(crate) fn lock_within(&self, timeout: Duration) -> Outcome {
        let (clock, function) = timed_lock();
        let deadline = after(clock, timeout);
        // SAFETY: `attach`'s caller promised that the memory is mapped and aligned; the program trusts that it holds a
        // mutex. The deadline is a local.
        self.outcome(unsafe { function(self.raw, clock, &raw const deadline) })
    }

    /// Releases the mutex.
    pub(crate) fn unlock(&self) -> Result<(), ()> {
        // SAFETY: `attach`'s caller promised that the memory is mapped and aligned; the program trusts that it holds a
        // mutex.
        match unsafe { libc::pthread_mutex_unlock(self.raw) } {
            0 => Ok(()),
            _ => Err(()),
        }
    }

    /// Returns the kernel's id of the thread that holds the mutex, if the C library is known to store the id.
    pub(crate) fn owner(&self) -> Option<u32> {
        if !cfg!(target_env = "gnu") {
            return None;
        }
        // SAFETY: `attach`'s caller promised that the memory is mapped and aligned. The first word of glibc's mutex is its
        // lock word, which all processes access atomically, in this size.
        let word = unsafe { AtomicU32::from_ptr(self.raw.cast()) };
        let owner = word.load(Relaxed) & 0x3fff_ffff;
        (owner != 0).then_some(owner)
    }

    fn outcome(&self, result: c_int) -> Outcome {
        match result {
            0 => Outcome::Taken,
            libc::EBUSY | libc::ETIMEDOUT => Outcome::Busy,
            libc::EOWNERDEAD => {
                // If this thread dies from here on, the next owner learns of this thread's death, and recovers from both.
                // SAFETY: `attach`'s caller promised that the memory is mapped and aligned; this thread holds the mutex.
                match unsafe { libc::pthread_mutex_consistent(self.raw) } {
                    0 => Outcome::TakenOver,
                    error => Outcome::Failed(error),
                }
            }
            error => Outcome::Failed(error),
        }
    }
}

impl fmt::Debug for Mutex {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Mutex").field("owner", &self.owner()).finish_non_exhaustive()
    }
}

type TimedLock = unsafe extern "C" fn(*mut pthread_mutex_t, clockid_t, *const timespec) -> c_int;

/// Returns the clock for deadlines, and the function that takes a mutex before a deadline.
///
/// `pthread_mutex_clocklock` takes the monotonic clock. glibc has it since 2.30, musl does not. Without it, a change of the
/// system's time changes how long a wait takes.
fn timed_lock() -> (clockid_t, TimedLock) {
    unsafe extern "C" fn by_system_time(mutex: *mut pthread_mutex_t, _: clockid_t, deadline: *const timespec) -> c_int {
        // SAFETY: the caller promises a mutex and a time, as for `pthread_mutex_clocklock`.
        unsafe { libc::pthread_mutex_timedlock(mutex, deadline) }
    }

    static FOUND: OnceLock<Option<TimedLock>> = OnceLock::new();
    let found = FOUND.get_or_init(|| {
        // SAFETY: the name ends with a NUL, and `RTLD_DEFAULT` needs no open library.
        let symbol = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"pthread_mutex_clocklock".as_ptr()) };
        // SAFETY: the symbol is null, which is `None`, or the C library's function of this name, which has this type.
        unsafe { std::mem::transmute::<*mut libc::c_void, Option<TimedLock>>(symbol) }
    });
    match found {
        Some(function) => (libc::CLOCK_MONOTONIC, *function),
        None => (libc::CLOCK_REALTIME, by_system_time),
    }
}

/// Returns the time `timeout` from now, by this clock.
fn after(clock: clockid_t, timeout: Duration) -> timespec {
    let mut now = MaybeUninit::<timespec>::zeroed();
    // SAFETY: `now` is a local, which the call may write. The call cannot fail for the two clocks of `timed_lock`.
    unsafe { libc::clock_gettime(clock, now.as_mut_ptr()) };
    // SAFETY: the call has written a time; and the zeros from before are a time too.
    let now = unsafe { now.assume_init() };
    let nanoseconds = now.tv_nsec + i64::from(timeout.subsec_nanos());
    let carried = nanoseconds / 1_000_000_000;
    let seconds = i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX);
    timespec {
        tv_sec: now.tv_sec.saturating_add(seconds).saturating_add(carried),
        tv_nsec: nanoseconds % 1_000_000_000,
    }
}
