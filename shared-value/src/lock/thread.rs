//! `Thread`: the calling thread, as its locks know it.
//!
//! Lock words, list pointers and owner tokens lie in memory that other processes can write. A thread's record does
//! not, so it alone decides what the thread holds.

use std::cell::Cell;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use crate::error::Error;
use crate::lock::held::HeldList;
use crate::lock::line::LockLine;
use crate::sys;
use crate::sys::robust::RobustList;

/// What a thread shares with the other threads of its process.
///
/// Records are used again when their thread ends, and never freed.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// The owner token: 64 random bits, new for every thread and for a forked child; 0 while nobody uses the record.
    token: AtomicU64,
    pub(super) held: HeldList,
}

/// The calling thread. It cannot be sent to another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Thread {
    pub(super) record: &'static Record,
    pub(super) list: RobustList,
    pub(super) id: u32,
    pub(super) token: u64,
}

thread_local! {
    /// Without a destructor, so that getting at it costs one load.
    static CURRENT: Cell<Option<Thread>> = const { Cell::new(None) };
    static AT_EXIT: AtExit = const { AtExit };
    /// Held from before a `fork` until after it.
    static ACROSS_FORK: Cell<Option<MutexGuard<'static, Registry>>> = const { Cell::new(None) };
}

impl Thread {
    /// The calling thread.
    ///
    /// # Errors
    /// `Unsupported` where the C library does not register a robust list of the expected form.
    #[inline]
    pub(crate) fn current() -> Result<Self, Error> {
        match CURRENT.get() {
            Some(thread) => Ok(thread),
            None => Self::enter(),
        }
    }

    /// The calling thread, if it has ever taken a lock.
    #[inline]
    pub(crate) fn known() -> Option<Self> {
        CURRENT.get()
    }

    /// Whether this is still the thread that it was: not so in a child that it forked.
    #[inline]
    pub(crate) fn is_current(&self) -> bool {
        self.record.token.load(Relaxed) == self.token
    }

    #[cold]
    fn enter() -> Result<Self, Error> {
        static HOOK: OnceLock<Result<(), i32>> = OnceLock::new();
        let list = RobustList::of_this_thread().map_err(|_| Error::Unsupported {
            what: "the native lock needs the robust list that 64-bit glibc registers for each thread; \
                   this C library has none of that form",
        })?;
        HOOK.get_or_init(|| {
            sys::fork::register(before_fork, after_fork_in_parent, after_fork_in_child)
                .map_err(|error| error.raw_os_error().unwrap_or(0))
        })
        .map_err(|code| {
            Error::io(
                "register a fork hook",
                std::io::Error::from_raw_os_error(code),
            )
        })?;
        let token =
            sys::thread::random_token().map_err(|error| Error::io("get random bits", error))?;

        let record = registry().enter();
        record.token.store(token, Relaxed);
        let thread = Self {
            record,
            list,
            id: sys::thread::id(),
            token,
        };
        CURRENT.set(Some(thread));
        // Runs `AtExit::drop` when the thread ends. It fails where that has begun; then the record stays in use.
        let _ = AT_EXIT.try_with(|_| ());
        Ok(thread)
    }
}

/// Whether any thread of this process holds a lock that lies in this range of addresses, or ended holding it.
pub(crate) fn is_any_held_within(range: &Range<usize>) -> bool {
    registry()
        .all
        .iter()
        .any(|record| record.held.any_within(range))
}

/// Whether the calling thread holds the lock.
#[inline]
pub(crate) fn holds(line: &LockLine) -> bool {
    Thread::known().is_some_and(|thread| thread.record.held.find(line).is_some())
}

/// All records of this process.
struct Registry {
    all: Vec<&'static Record>,
    unused: Vec<&'static Record>,
}

static REGISTRY: Mutex<Registry> = Mutex::new(Registry {
    all: Vec::new(),
    unused: Vec::new(),
});

fn registry() -> MutexGuard<'static, Registry> {
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Registry {
    fn enter(&mut self) -> &'static Record {
        self.unused.pop().unwrap_or_else(|| {
            let record: &'static Record = Box::leak(Box::default());
            self.all.push(record);
            // So that no hook that runs in a forked child or an ending thread needs memory.
            self.unused.reserve(self.all.len());
            record
        })
    }

    fn leave(&mut self, record: &'static Record) {
        record.token.store(0, Relaxed);
        self.unused.push(record);
    }
}

struct AtExit;

impl Drop for AtExit {
    fn drop(&mut self) {
        let Some(thread) = CURRENT.take() else { return };
        // The kernel releases what the thread still holds, from the list, after this. Until then and for ever, the
        // record says that the memory of these locks must stay.
        if thread.record.held.length() == 0 {
            registry().leave(thread.record);
        }
    }
}

extern "C" fn before_fork() {
    let _ = ACROSS_FORK.try_with(|guard| guard.set(Some(registry())));
}

extern "C" fn after_fork_in_parent() {
    let _ = ACROSS_FORK.try_with(Cell::take);
}

/// In the child, the thread that forked lives on, with an empty robust list and no lock; the others do not exist.
extern "C" fn after_fork_in_child() {
    CURRENT.set(None);
    let Ok(Some(mut registry)) = ACROSS_FORK.try_with(Cell::take) else {
        return;
    };
    let Registry { all, unused } = &mut *registry;
    unused.clear();
    for record in all {
        record.held.clear();
        record.token.store(0, Relaxed);
        unused.push(record);
    }
}
