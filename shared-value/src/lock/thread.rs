//! `Thread`: the calling thread, with the record of the locks that it holds.
//!
//! Lock words and list pointers lie in memory that other processes can write. A thread's record does not, so only the record
//! decides which locks the thread holds.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::io;
use std::iter;
use std::marker::PhantomData;
use std::ops::Range;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering::Relaxed};
use std::sync::{MutexGuard, OnceLock};

use crate::lock::held::{Held, HeldList};
use crate::lock::line::LockLine;
use crate::lock::{Refusal, lanes, process, storage};
use crate::protocol::fault;
use crate::protocol::lock_word::{self, owner_of};
use crate::sys;
use crate::sys::fork::ForkMutex;
use crate::sys::robust::{RobustList, RobustListCell};

/// The facts that this process keeps about one of its threads.
///
/// When a thread ends, its record is reused by another thread. Records are never freed. Only the thread itself writes to its
/// record; other threads only ask which locks it holds.
///
/// The fields that the fast paths use lie in one cache line.
#[derive(Debug, Default)]
#[repr(C, align(64))]
struct ThreadRecord {
    /// The owner token: 64 random bits, new for every thread and for a forked child; 0 while no thread uses the record.
    token: AtomicU64,
    /// Names the thread in lock words: the kernel's id of the thread, and the random id of the process.
    owner: AtomicU64,
    list: RobustListCell,
    held: HeldList,
    /// The pthread mutexes that the thread holds. The C library adds them to the robust list.
    mutexes: HeldList,
    /// The next one of all records.
    next: Link,
    /// The next unused record, while this one is unused.
    next_unused: Link,
}

/// A place for a record, or for none. Only a thread that has locked the records uses it.
#[derive(Debug, Default)]
struct Link {
    record: AtomicPtr<ThreadRecord>,
}

impl Link {
    const fn new() -> Self {
        Self { record: AtomicPtr::new(ptr::null_mut()) }
    }

    fn set(&self, record: Option<&'static ThreadRecord>) {
        self.record.store(record.map_or(ptr::null_mut(), |record| ptr::from_ref(record).cast_mut()), Relaxed);
    }

    fn get(&self) -> Option<&'static ThreadRecord> {
        // SAFETY: `set` stores a null pointer, or a reference that lasts for ever.
        unsafe { self.record.load(Relaxed).as_ref() }
    }
}

/// The calling thread: a pointer to its record, which cannot be sent to another thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Thread {
    record: &'static ThreadRecord,
    not_send: PhantomData<*const ()>,
}

thread_local! {
    /// It has no destructor, so an access is a single load, and works until the thread is gone.
    static CURRENT: Cell<Option<Thread>> = const { Cell::new(None) };
}

impl Thread {
    /// Returns the calling thread.
    ///
    /// # Errors
    /// - `NoRobustList` if the C library does not register a robust list of the expected form, `RobustListRefused` if the
    ///   kernel does not tell where it is.
    /// - `NoThread` if the system gives no random bits or no memory, or refuses the hooks for `fork` and for the end of the
    ///   thread.
    #[inline(always)]
    pub(crate) fn current() -> Result<Self, Refusal> {
        match CURRENT.get() {
            Some(thread) => Ok(thread),
            None => Self::enter(),
        }
    }

    /// Returns the calling thread, if it has ever taken a lock.
    #[inline(always)]
    pub(crate) fn known() -> Option<Self> {
        CURRENT.get()
    }

    /// Returns the native locks that the thread holds.
    #[inline(always)]
    pub(super) fn held(self) -> &'static HeldList {
        &self.record.held
    }

    /// Returns the pthread mutexes that the thread holds.
    #[inline(always)]
    pub(super) fn mutexes(self) -> &'static HeldList {
        &self.record.mutexes
    }

    /// Returns the entry of a lock of either kind, if the thread holds the lock.
    pub(super) fn find(self, line: &LockLine) -> Option<&'static Held> {
        let find_in = |held: &'static HeldList| held.find(line).map(|index| held.get(index));
        find_in(self.held()).or_else(|| find_in(self.mutexes()))
    }

    /// Returns the thread's robust list.
    #[inline(always)]
    pub(super) fn list(self) -> RobustList {
        // SAFETY: this thread has set the list in `enter`: only `enter` makes a `Thread`, and a `Thread` cannot be sent.
        unsafe { self.record.list.get() }
    }

    /// Returns what names the thread in lock words.
    #[inline(always)]
    pub(crate) fn owner(self) -> u64 {
        self.record.owner.load(Relaxed)
    }

    /// Returns the thread's owner token. A forked child gets a new token, because it does not hold its parent's locks.
    #[inline(always)]
    pub(crate) fn token(self) -> u64 {
        self.record.token.load(Relaxed)
    }

    #[cold]
    fn enter() -> Result<Self, Refusal> {
        set_up()?;
        let list = RobustList::of_this_thread().map_err(Refusal::from)?;
        let token = sys::thread::random_token().map_err(|_| Refusal::NoThread)?;
        sys::thread::at_exit().map_err(|_| Refusal::NoThread)?;
        let owner = owner_of(process::enter().map_err(|_| Refusal::NoThread)?, sys::thread::id());

        let record = threads().enter(owner).map_err(|_| Refusal::NoThread)?;
        record.list.set(list);
        record.owner.store(owner, Relaxed);
        record.token.store(token, Relaxed);
        let thread = Self { record, not_send: PhantomData };
        CURRENT.set(Some(thread));
        Ok(thread)
    }
}

/// Makes other copies of the library in this process know this one, and installs the hooks that run around `fork` and at the
/// end of a thread.
pub(crate) fn set_up() -> Result<(), Refusal> {
    static DONE: OnceLock<Result<(), Refusal>> = OnceLock::new();
    *DONE.get_or_init(|| {
        sys::copies::register(has_linked).map_err(|_| Refusal::Unregistered)?;
        sys::fork::register(before_fork, after_fork_in_parent, after_fork_in_child).map_err(|_| Refusal::NoThread)?;
        sys::thread::set_up_exit(at_exit).map_err(|_| Refusal::NoThread)
    })
}

/// Returns whether the calling thread has locks of this copy of the library in its robust list.
fn has_linked() -> bool {
    Thread::known().is_some_and(|thread| thread.held().length() != 0)
}

/// Returns whether a thread of this process holds a lock that lies in this range of addresses.
pub(crate) fn is_any_held_within(range: &Range<usize>) -> bool {
    threads().all().any(|record| record.held.any_within(range) || record.mutexes.any_within(range))
}

/// Returns whether the calling thread holds any lock.
#[inline(always)]
pub(crate) fn holds_any() -> bool {
    Thread::known().is_some_and(|thread| !thread.held().is_clear())
}

/// Returns whether the calling thread holds the lock.
pub(crate) fn holds(line: &LockLine) -> bool {
    Thread::known().is_some_and(|thread| thread.find(line).is_some())
}

/// Returns whether the calling thread holds a lock that lies in this range of addresses.
pub(crate) fn holds_within(range: &Range<usize>) -> bool {
    Thread::known().is_some_and(|thread| thread.held().any_within(range) || thread.mutexes().any_within(range))
}

/// The records of all threads of this process, in lists that need no memory of their own. See `lock/storage.rs`.
struct Threads {
    first: Link,
    first_unused: Link,
}

/// The records that are made at once: about a page.
const CHUNK: usize = 4_096 / size_of::<ThreadRecord>();

static THREADS: ForkMutex<Threads> = ForkMutex::new(Threads { first: Link::new(), first_unused: Link::new() });

fn threads() -> MutexGuard<'static, Threads> {
    THREADS.lock()
}

impl Threads {
    fn all(&self) -> impl Iterator<Item = &'static ThreadRecord> {
        iter::successors(self.first.get(), |record| record.next.get())
    }

    fn enter(&self, owner: u64) -> io::Result<&'static ThreadRecord> {
        self.end_unheard(owner);
        if self.first_unused.get().is_none() {
            for record in storage::leaked(CHUNK)? {
                self.add(record);
                self.reuse(record);
            }
        }
        let record = self.first_unused.get().ok_or(io::ErrorKind::OutOfMemory)?;
        self.first_unused.set(record.next_unused.get());
        Ok(record)
    }

    /// Ends a thread that has had the same id as this new one, and ended without its exit function, by the system call alone.
    /// The kernel has released its locks, unless its list was damaged.
    fn end_unheard(&self, owner: u64) {
        let is_unheard =
            |record: &&ThreadRecord| record.token.load(Relaxed) != 0 && record.owner.load(Relaxed) == owner;
        let Some(record) = self.all().find(is_unheard) else { return };
        while let Some(index) = record.held.length().checked_sub(1) {
            // SAFETY: the record holds the lock, so the caller of `acquire` keeps it mapped. A lock consists of atomics.
            let line = unsafe { &*record.held.get(index).line() };
            lock_word::bury(&line.word, owner);
            record.held.remove(index);
        }
        self.leave(record);
    }

    fn leave(&self, record: &'static ThreadRecord) {
        record.token.store(0, Relaxed);
        // The kernel releases pthread mutexes only later. Until then they must stay mapped, so the record must keep them.
        if record.mutexes.length() == 0 {
            self.reuse(record);
        }
    }

    fn add(&self, record: &'static ThreadRecord) {
        record.next.set(self.first.get());
        self.first.set(Some(record));
    }

    fn reuse(&self, record: &'static ThreadRecord) {
        record.next_unused.set(self.first_unused.get());
        self.first_unused.set(Some(record));
    }

    /// Forgets all records.
    fn clear(&self) {
        self.first.set(None);
        self.first_unused.set(None);
    }
}

/// Runs when a thread ends, after the destructors of its thread-locals, which may still take locks.
///
/// Marks the locks that leaked guards hold as left by a dead owner. If this were left to the kernel, the locks would have to
/// stay mapped, and the kernel would follow pointers through shared memory while the rest of the process lives.
extern "C" fn at_exit() {
    let Some(thread) = CURRENT.take() else { return };
    super::die_with_all(thread);
    if lanes::forget() && !fault::is_chosen("keep_lanes") {
        process::give_back_lanes(thread.owner());
    }
    threads().leave(thread.record);
}

extern "C" fn before_fork() {
    THREADS.before_fork();
}

extern "C" fn after_fork_in_parent() {
    // SAFETY: the C library runs this hook in the thread that has run `before_fork`.
    drop(unsafe { THREADS.after_fork() });
}

/// In the child, only the thread that forked exists. It has an empty robust list, and holds no lock.
///
/// The records of the other threads are not touched: each thread may have been changing its record at the moment of the
/// fork.
extern "C" fn after_fork_in_child() {
    // SAFETY: the C library runs this hook in the copy of the thread that has run `before_fork`.
    let Some(threads) = (unsafe { THREADS.after_fork() }) else { return };
    threads.clear();
    process::leave();
    // A thread that has not entered must not access the thread-local, which may allocate.
    if sys::thread::is_at_exit_set()
        && let Some(thread) = CURRENT.take()
    {
        if !fault::is_chosen("keep_hints") {
            lanes::forget();
        }
        thread.record.held.clear();
        thread.record.mutexes.clear();
        threads.add(thread.record);
        threads.leave(thread.record);
    }
}
