//! `Refusal`: why an operation on a lock failed, small enough for the fastest paths.

use crate::error::{Error, LockError};
use crate::lock::held::{MAX_DEPTH, MAX_HELD};
use crate::sys;
use crate::sys::robust::Unfit;

/// Another process had overwritten the lock, or a pointer of the list. The list is repaired.
#[derive(Debug)]
pub(crate) struct Overwritten;

/// Why an operation on a lock failed. It is small, because the fastest paths return it.
///
/// Its tag is as large as a pointer. Results of these paths are either this error or a hold, whose first field is a pointer.
/// With a smaller tag in place of the pointer, the compiler would store that field in two halves, and a load of the whole
/// field would then wait until both stores have left the processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Refusal {
    WouldBlock,
    /// `interruptible` has ended the wait.
    Interrupted,
    TimedOut,
    TooManyHeld,
    TooDeep,
    Borrowed,
    Unwound,
    Corrupted,
    /// Another segment has taken the place of the value's own.
    Retired,
    /// A lock that is not recursive, taken twice.
    AlreadyHeld,
    /// A guard that was taken before a fork, used in the child.
    NotHeld,
    /// The C library's error number for a pthread mutex.
    Mutex(i64),
    NoRobustList,
    RobustListRefused,
    NoThread,
    NoMemory,
    /// The thread holds locks of another copy of the library.
    OtherCopy,
    /// The other copies of the library in this process cannot be found.
    Unregistered,
}

impl From<Unfit> for Refusal {
    #[cold]
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::Refused => Self::RobustListRefused,
            Unfit::Form => Self::NoRobustList,
        }
    }
}

impl From<Overwritten> for Refusal {
    #[inline(always)]
    fn from(_: Overwritten) -> Self {
        Self::Corrupted
    }
}

impl From<Refusal> for Error {
    #[cold]
    #[inline(never)]
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::WouldBlock => LockError::WouldBlock.into(),
            Refusal::TimedOut => LockError::TimedOut.into(),
            Refusal::Interrupted => LockError::Interrupted.into(),
            Refusal::TooManyHeld => LockError::TooManyHeld { limit: MAX_HELD }.into(),
            Refusal::TooDeep => LockError::TooDeep { limit: MAX_DEPTH }.into(),
            Refusal::Borrowed => Self::Borrowed,
            Refusal::Unwound => Self::Unwound,
            Refusal::Retired => Self::Retired,
            Refusal::Corrupted => LockError::Corrupted.into(),
            Refusal::AlreadyHeld => LockError::AlreadyHeld.into(),
            Refusal::NotHeld => LockError::NotHeld.into(),
            Refusal::Mutex(code) => Self::io("take a pthread mutex", os_error(code)),
            Refusal::NoRobustList => LockError::Unsupported {
                what: "the native lock needs the robust list that 64-bit glibc registers for each thread; \
                       this C library has none of that form",
            }
            .into(),
            Refusal::RobustListRefused => LockError::Unsupported {
                what: "the kernel refused `get_robust_list`, which the native lock needs in each thread: \
                       let the filter of system calls (seccomp) allow it",
            }
            .into(),
            Refusal::NoThread => LockError::Unsupported {
                what: "a thread that locks needs 8 random bytes (getrandom), a fork hook (pthread_atfork) and a page of memory",
            }
            .into(),
            Refusal::OtherCopy => {
                let other = sys::copies::holder();
                LockError::OtherCopy {
                    version: other.map_or("unknown", |other| other.version),
                    object: other.map_or("", |other| other.object),
                }
                .into()
            }
            Refusal::Unregistered => LockError::Unsupported {
                what: "copies of this library in one process must find each other and stay loaded, but the dynamic linker \
                       (dl_iterate_phdr, dlopen) refused, or another copy registers in a way that this version does not \
                       know: let the program and its plugins use one version",
            }
            .into(),
            Refusal::NoMemory => Self::io("record one more lock of this thread", std::io::ErrorKind::OutOfMemory),
        }
    }
}

fn os_error(code: i64) -> std::io::Error {
    i32::try_from(code).map_or_else(std::io::Error::other, std::io::Error::from_raw_os_error)
}
