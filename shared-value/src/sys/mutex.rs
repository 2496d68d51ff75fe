//! Robust pthread mutexes that processes share, C programs too.
//!
//! A mutex is initialized here, because `raw_sync` would make it neither robust nor an error to take twice, and attached
//! to by `raw_sync`. It is taken with the C library's own functions, because `raw_sync` loses the one result that matters:
//! that the last owner died.
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
use raw_sync::locks::{LockImpl, LockInit};

/// The bytes of a mutex.
pub(crate) const SIZE: usize = size_of::<pthread_mutex_t>();

/// Which mutexes these are: their size, and the C library that they belong to.
#[expect(clippy::cast_possible_truncation, reason = "mutexes are small")]
pub(crate) const ABI: u32 = {
    let library = if cfg!(target_env = "gnu") {
        1
    } else if cfg!(target_env = "musl") {
        2
    } else {
        0
    };
    library << 16 | SIZE as u32
};

const _: () = assert!(SIZE <= 64 && align_of::<pthread_mutex_t>() <= 64, "a mutex must fit into its cache line");

/// A mutex that lies in shared memory.
pub(crate) struct Mutex {
    attached: Box<dyn LockImpl>,
}

// SAFETY: what the mutex refers to is made for any thread of any process, and `attached` is a pointer to it.
unsafe impl Send for Mutex {}
// SAFETY: as above; nothing here changes the pointer.
unsafe impl Sync for Mutex {}

// A panic leaves nothing half done: `attached` is a pointer.
impl UnwindSafe for Mutex {}
impl RefUnwindSafe for Mutex {}

/// How an attempt to take a mutex ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Taken,
    /// Taken, from an owner that died with it. It counts as consistent already.
    TakenOver,
    /// Somebody else holds it.
    Busy,
    /// The C library's error number.
    Failed(c_int),
}

/// Makes a free mutex.
///
/// # Safety
/// `SIZE` bytes are mapped at `at`, aligned to 64, and nobody else uses them.
pub(crate) unsafe fn initialize(at: NonNull<u8>) -> io::Result<()> {
    let mut attributes = MaybeUninit::<pthread_mutexattr_t>::uninit();
    let attributes = attributes.as_mut_ptr();
    // SAFETY: a local to write to.
    check(unsafe { libc::pthread_mutexattr_init(attributes) })?;
    // SAFETY: they were initialized; so in the two lines below.
    let made = check(unsafe { libc::pthread_mutexattr_setpshared(attributes, libc::PTHREAD_PROCESS_SHARED) })
        // SAFETY: as above.
        .and_then(|()| check(unsafe { libc::pthread_mutexattr_setrobust(attributes, libc::PTHREAD_MUTEX_ROBUST) }))
        // Recursion is counted elsewhere. To take it twice by mistake is an error, where it could wait for ever.
        // SAFETY: as above.
        .and_then(|()| check(unsafe { libc::pthread_mutexattr_settype(attributes, libc::PTHREAD_MUTEX_ERRORCHECK) }))
        // SAFETY: the caller gives the memory.
        .and_then(|()| check(unsafe { libc::pthread_mutex_init(at.as_ptr().cast(), attributes) }));
    // SAFETY: they were initialized, and are not used again.
    unsafe { libc::pthread_mutexattr_destroy(attributes) };
    made
}

fn check(result: c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(result)) }
}

impl Mutex {
    /// The mutex that lies there.
    ///
    /// # Safety
    /// `SIZE` bytes are mapped at `at`, aligned to 64, while this lives and while the mutex is held.
    ///
    /// Whether a mutex lies there depends on all who may write to it. Whoever takes the mutex trusts them in that: this is
    /// what choosing `LockKind::Pthread` says.
    pub(crate) unsafe fn attach(at: NonNull<u8>) -> io::Result<Self> {
        // SAFETY: only the address is kept. The mutex guards nothing of `raw_sync`'s, so there are no data.
        let attached = unsafe { raw_sync::locks::Mutex::from_existing(at.as_ptr(), std::ptr::null_mut()) };
        let (attached, _) = attached.map_err(|error| io::Error::other(error.to_string()))?;
        Ok(Self { attached })
    }

    fn raw(&self) -> *mut pthread_mutex_t {
        self.attached.as_raw().cast()
    }

    pub(crate) fn try_lock(&self) -> Outcome {
        // SAFETY: the memory is mapped, as `attach` was promised, and the program trusts that a mutex lies there.
        self.outcome(unsafe { libc::pthread_mutex_trylock(self.raw()) })
    }

    /// Waits for it, at most for `timeout` by the monotonic clock.
    pub(crate) fn lock_within(&self, timeout: Duration) -> Outcome {
        let (clock, function) = timed_lock();
        let deadline = after(clock, timeout);
        // SAFETY: as above; the time is a local.
        self.outcome(unsafe { function(self.raw(), clock, &raw const deadline) })
    }

    /// Lets go of it.
    pub(crate) fn unlock(&self) -> Result<(), ()> {
        self.attached.release().map_err(|_| ())
    }

    /// The kernel's id of the thread that holds it, where the C library is known to write it down.
    pub(crate) fn owner(&self) -> Option<u32> {
        if !cfg!(target_env = "gnu") {
            return None;
        }
        // SAFETY: the first word of glibc's mutex is its lock word, which every process accesses atomically.
        let word = unsafe { AtomicU32::from_ptr(self.raw().cast()) };
        let owner = word.load(Relaxed) & 0x3fff_ffff;
        (owner != 0).then_some(owner)
    }

    fn outcome(&self, result: c_int) -> Outcome {
        match result {
            0 => Outcome::Taken,
            libc::EBUSY | libc::ETIMEDOUT => Outcome::Busy,
            libc::EOWNERDEAD => {
                // If this thread dies from here on, the next one learns of that death, and so of this one.
                // SAFETY: this thread holds the mutex.
                match unsafe { libc::pthread_mutex_consistent(self.raw()) } {
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

/// The clock to give deadlines by, and the function that takes them.
///
/// `pthread_mutex_clocklock` takes the monotonic clock; glibc has it since 2.30, musl does not. Without it, a change of the
/// system's time changes how long a wait takes.
pub(crate) fn timed_lock() -> (clockid_t, TimedLock) {
    unsafe extern "C" fn by_system_time(mutex: *mut pthread_mutex_t, _: clockid_t, deadline: *const timespec) -> c_int {
        // SAFETY: promised by the caller.
        unsafe { libc::pthread_mutex_timedlock(mutex, deadline) }
    }

    static FOUND: OnceLock<Option<TimedLock>> = OnceLock::new();
    let found = FOUND.get_or_init(|| {
        // SAFETY: a name that ends with a NUL.
        let symbol = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"pthread_mutex_clocklock".as_ptr()) };
        // SAFETY: `None` is the null pointer, and the function of this name has this type.
        unsafe { std::mem::transmute::<*mut libc::c_void, Option<TimedLock>>(symbol) }
    });
    match found {
        Some(function) => (libc::CLOCK_MONOTONIC, *function),
        None => (libc::CLOCK_REALTIME, by_system_time),
    }
}

/// The time of the clock after a while.
fn after(clock: clockid_t, timeout: Duration) -> timespec {
    let mut now = MaybeUninit::<timespec>::zeroed();
    // SAFETY: a local to write to. The two clocks that this is called for cannot fail.
    unsafe { libc::clock_gettime(clock, now.as_mut_ptr()) };
    // SAFETY: zeros are a time too.
    let now = unsafe { now.assume_init() };
    let nanoseconds = now.tv_nsec + i64::from(timeout.subsec_nanos());
    let carried = nanoseconds / 1_000_000_000;
    let seconds = i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX);
    timespec {
        tv_sec: now.tv_sec.saturating_add(seconds).saturating_add(carried),
        tv_nsec: nanoseconds % 1_000_000_000,
    }
}
