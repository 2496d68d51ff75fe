//! `Thread`: the calling thread, as its locks know it.
//!
//! Lock words, list pointers and owner tokens lie in memory that other processes can write. A thread's record does
//! not, so it alone decides what the thread holds.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::Range;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use crate::lock::Refusal;
use crate::lock::held::{Held, HeldList};
use crate::lock::line::LockLine;
use crate::sys;
use crate::sys::robust::{RobustList, RobustListCell};

/// What this process knows of one of its threads.
///
/// Records are used again when their thread ends, and never freed. Only the thread itself writes to its record; other
/// threads look only at the locks that it holds.
///
/// What taking a lock needs lies in one cache line.
#[derive(Debug, Default)]
#[repr(C, align(64))]
struct ThreadRecord {
    /// The owner token: 64 random bits, new for every thread and for a forked child; 0 while nobody uses the record.
    token: AtomicU64,
    /// The kernel's id of the thread.
    id: AtomicU32,
    list: RobustListCell,
    held: HeldList,
    /// The pthread mutexes that it holds. The C library puts those into the robust list.
    mutexes: HeldList,
}

/// The calling thread: one pointer, which cannot be sent to another thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Thread {
    record: &'static ThreadRecord,
    not_send: PhantomData<*const ()>,
}

thread_local! {
    /// Without a destructor, so that getting at it costs one load, and works until the thread is gone.
    static CURRENT: Cell<Option<Thread>> = const { Cell::new(None) };
    /// Held from before a `fork` until after it. Without a destructor, for the same reason.
    static ACROSS_FORK: Cell<Option<ManuallyDrop<MutexGuard<'static, Threads>>>> = const { Cell::new(None) };
}

impl Thread {
    /// The calling thread.
    ///
    /// # Errors
    /// `NoRobustList` where the C library does not register one of the expected form; `NoThread` where the system
    /// lacks what a thread needs besides.
    #[inline(always)]
    pub(crate) fn current() -> Result<Self, Refusal> {
        match CURRENT.get() {
            Some(thread) => Ok(thread),
            None => Self::enter(),
        }
    }

    /// The calling thread, if it has ever taken a lock.
    #[inline(always)]
    pub(crate) fn known() -> Option<Self> {
        CURRENT.get()
    }

    /// The native locks that it holds.
    #[inline(always)]
    pub(super) fn held(self) -> &'static HeldList {
        &self.record.held
    }

    /// The pthread mutexes that it holds.
    #[inline(always)]
    pub(super) fn mutexes(self) -> &'static HeldList {
        &self.record.mutexes
    }

    /// The lock of either kind, if it holds it.
    pub(super) fn find(self, line: &LockLine) -> Option<&'static Held> {
        [self.held(), self.mutexes()].into_iter().find_map(|held| held.find(line).map(|index| held.get(index)))
    }

    /// Its robust list.
    #[inline(always)]
    pub(super) fn list(self) -> RobustList {
        // SAFETY: `enter` put the list in, in this thread: a `Thread` is made there only, and cannot be sent.
        unsafe { self.record.list.get() }
    }

    /// The kernel's id of it.
    #[inline(always)]
    pub(super) fn id(self) -> u32 {
        self.record.id.load(Relaxed)
    }

    /// Its owner token. It is another one in a forked child, where what the thread held is held no more.
    #[inline(always)]
    pub(crate) fn token(self) -> u64 {
        self.record.token.load(Relaxed)
    }

    #[cold]
    fn enter() -> Result<Self, Refusal> {
        set_up()?;
        let list = RobustList::of_this_thread().map_err(|_| Refusal::NoRobustList)?;
        let token = sys::thread::random_token().map_err(|_| Refusal::NoThread)?;
        sys::thread::at_exit().map_err(|_| Refusal::NoThread)?;

        let record = threads().enter();
        record.list.set(list);
        record.id.store(sys::thread::id(), Relaxed);
        record.token.store(token, Relaxed);
        let thread = Self { record, not_send: PhantomData };
        CURRENT.set(Some(thread));
        Ok(thread)
    }
}

/// Sees to it that what has to be done around `fork` and at the end of a thread is done.
pub(crate) fn set_up() -> Result<(), Refusal> {
    static DONE: OnceLock<bool> = OnceLock::new();
    let done = DONE.get_or_init(|| {
        sys::fork::register(before_fork, after_fork_in_parent, after_fork_in_child).is_ok()
            && sys::thread::set_up_exit(at_exit).is_ok()
    });
    if *done { Ok(()) } else { Err(Refusal::NoThread) }
}

/// Whether any thread of this process holds a lock that lies in this range of addresses.
pub(crate) fn is_any_held_within(range: &Range<usize>) -> bool {
    threads().all.iter().any(|record| record.held.any_within(range) || record.mutexes.any_within(range))
}

/// Whether the calling thread holds any lock.
#[inline(always)]
pub(crate) fn holds_any() -> bool {
    Thread::known().is_some_and(|thread| !thread.held().is_clear())
}

/// Whether the calling thread holds the lock.
pub(crate) fn holds(line: &LockLine) -> bool {
    Thread::known().is_some_and(|thread| thread.find(line).is_some())
}

/// All records of this process.
struct Threads {
    all: Vec<&'static ThreadRecord>,
    unused: Vec<&'static ThreadRecord>,
}

static THREADS: Mutex<Threads> = Mutex::new(Threads { all: Vec::new(), unused: Vec::new() });

fn threads() -> MutexGuard<'static, Threads> {
    THREADS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Threads {
    fn enter(&mut self) -> &'static ThreadRecord {
        self.unused.pop().unwrap_or_else(|| {
            let record: &'static ThreadRecord = Box::leak(Box::default());
            self.all.push(record);
            // So that no hook that runs in a forked child or an ending thread needs memory.
            self.unused.reserve(self.all.len());
            record
        })
    }

    fn leave(&mut self, record: &'static ThreadRecord) {
        record.token.store(0, Relaxed);
        // The kernel releases mutexes only after this, so they have to stay mapped, and this record has to say so.
        if record.mutexes.length() == 0 {
            self.unused.push(record);
        }
    }
}

/// Runs when a thread ends, after the destructors of its thread-locals, which may still lock.
///
/// What it holds then, because guards were leaked, it leaves as if it had died. Left to the kernel, the locks would have
/// to stay mapped, and it would follow pointers through shared memory while the rest of the process lives.
extern "C" fn at_exit() {
    let Some(thread) = CURRENT.take() else { return };
    super::die_with_all(thread);
    threads().leave(thread.record);
}

extern "C" fn before_fork() {
    ACROSS_FORK.set(Some(ManuallyDrop::new(threads())));
}

extern "C" fn after_fork_in_parent() {
    ACROSS_FORK.take().map(ManuallyDrop::into_inner);
}

/// In the child, the thread that forked lives on, with an empty robust list and no lock; the others do not exist.
///
/// Their records are left alone: a thread may have been anywhere in its own when the fork cut it off.
extern "C" fn after_fork_in_child() {
    let Some(mut threads) = ACROSS_FORK.take().map(ManuallyDrop::into_inner) else {
        return;
    };
    threads.all.clear();
    threads.unused.clear();
    if let Some(thread) = CURRENT.take() {
        thread.record.held.clear();
        thread.record.mutexes.clear();
        threads.all.push(thread.record);
        threads.leave(thread.record);
    }
}
