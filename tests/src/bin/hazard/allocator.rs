//! Allocators that use the library, or hold a lock of their own across a `fork`.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, UnsafeCell};
use std::mem;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, Once, OnceLock};
use std::thread;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use shared_value::{
    Arena, Capacity, DynData, DynValue, Error, LockError, LockKind, RLock, SharedVec, Synchronized, unlink,
};
use shared_value_tests::{SegmentName, end_now, fork, scaled, split};

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Case {
    /// The allocator counts its calls in a value.
    Counts,
    /// The allocator counts its calls in a value that a lock object guards.
    CountsUnderObject,
    /// The allocator counts its calls in a value with a pthread mutex.
    CountsUnderMutex,
    /// The allocator adds values to an arena, also while its thread adds, replaces and removes others there.
    Adds,
    /// The allocator adds elements to a vector, also while its thread adds and removes some.
    Pushes,
    /// The allocator counts its calls in a value that its thread updates by a dynamic handle.
    CountsBesideUpdates,
    /// The allocator counts its calls in a value that its thread updates, and that is too large for the stack.
    CountsBesideLargeUpdates,
    /// The allocator has a lock, which the hooks of a `fork` hold meanwhile.
    Locks,
}

impl Case {
    pub(crate) fn run(self) -> Result<()> {
        let lock = RLock::new()?;
        match self {
            Self::Counts => counts(Synchronized::new(0)?, &lock),
            Self::CountsUnderObject => counts(Synchronized::options().lock(&lock).new(0)?, &lock),
            Self::CountsUnderMutex => counts(Synchronized::options().lock_kind(LockKind::Pthread).new(0)?, &lock),
            Self::Adds => adds(),
            Self::Pushes => pushes(),
            Self::CountsBesideUpdates => counts_beside_updates(),
            Self::CountsBesideLargeUpdates => counts_beside_large_updates(),
            Self::Locks => locks(),
        }
    }
}

/// Passes everything on to the system's allocator. It counts the calls of threads that ask for it, and holds its lock
/// during each call if the program asks for it.
struct Allocator {
    mutex: UnsafeCell<libc::pthread_mutex_t>,
}

#[global_allocator]
static ALLOCATOR: Allocator = Allocator { mutex: UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER) };

// SAFETY: a mutex may be used by several threads at once.
unsafe impl Sync for Allocator {}

static COUNT: OnceLock<Synchronized<u64>> = OnceLock::new();
/// Used instead of `COUNT` if it is set: the first number counts.
static LARGE: OnceLock<Synchronized<[u64; 1024]>> = OnceLock::new();
static CALLS: AtomicU64 = AtomicU64::new(0);
static IS_LOCKING: AtomicBool = AtomicBool::new(false);

static VECTOR: OnceLock<SharedVec<u64>> = OnceLock::new();
static ARENA: OnceLock<Arena> = OnceLock::new();
static ADDED: Mutex<Vec<u64>> = Mutex::new(Vec::new());
static REFUSED: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static IS_COUNTING: Cell<bool> = const { Cell::new(false) };
    static IS_ADDING: Cell<bool> = const { Cell::new(false) };
    static IS_PUSHING: Cell<bool> = const { Cell::new(false) };
}

impl Allocator {
    fn count() {
        if IS_COUNTING.replace(false) {
            let counted = match LARGE.get() {
                Some(large) => large.update_at(0, |count| *count += 1),
                None => COUNT.get().expect("threads count after it was set").update(|count| *count += 1),
            };
            match counted {
                Ok(()) => CALLS.fetch_add(1, Relaxed),
                Err(Error::Borrowed) => REFUSED.fetch_add(1, Relaxed),
                Err(_) => std::process::abort(),
            };
            IS_COUNTING.set(true);
        }
    }

    fn add() {
        if IS_ADDING.replace(false) {
            let (arena, number) = (ARENA.get().expect("threads add after it was set"), CALLS.fetch_add(1, Relaxed));
            match arena.insert(&inner(number), [number; 4]) {
                Ok(_) => ADDED.lock().expect("no thread panics").push(number),
                Err(Error::Lock(LockError::AlreadyHeld)) => drop(REFUSED.fetch_add(1, Relaxed)),
                Err(_) => std::process::abort(),
            }
            IS_ADDING.set(true);
        }
    }

    fn push() {
        if IS_PUSHING.replace(false) {
            match VECTOR.get().expect("threads push after it was set").push(0) {
                Ok(()) => CALLS.fetch_add(1, Relaxed),
                Err(_) => std::process::abort(),
            };
            IS_PUSHING.set(true);
        }
    }

    fn lock() -> bool {
        static HOOKS: Once = Once::new();
        if !IS_LOCKING.load(Relaxed) {
            return false;
        }
        HOOKS.call_once(|| {
            // SAFETY: the hooks are functions of this program.
            let result = unsafe { libc::pthread_atfork(Some(before_fork), Some(after_fork), Some(after_fork)) };
            if result != 0 {
                end_now(1);
            }
        });
        // SAFETY: the mutex is in its initial state, or used by these functions only.
        unsafe { before_fork() };
        true
    }
}

unsafe extern "C" fn before_fork() {
    // SAFETY: the mutex is a static, in its initial state or used by these functions only.
    unsafe { libc::pthread_mutex_lock(ALLOCATOR.mutex.get()) };
}

unsafe extern "C" fn after_fork() {
    // SAFETY: the mutex is a static, and `before_fork` has locked it in this thread.
    unsafe { libc::pthread_mutex_unlock(ALLOCATOR.mutex.get()) };
}

// SAFETY: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Self::count();
        Self::add();
        Self::push();
        let locked = Self::lock();
        // SAFETY: promised by the caller.
        let memory = unsafe { System.alloc(layout) };
        if locked {
            // SAFETY: `lock` has locked the mutex.
            unsafe { after_fork() };
        }
        memory
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        Self::count();
        Self::add();
        Self::push();
        let locked = Self::lock();
        // SAFETY: promised by the caller.
        unsafe { System.dealloc(memory, layout) };
        if locked {
            // SAFETY: `lock` has locked the mutex.
            unsafe { after_fork() };
        }
    }
}

/// Counts what the allocator is asked for meanwhile.
fn counting<R>(work: impl FnOnce() -> R) -> R {
    IS_COUNTING.set(true);
    let result = work();
    IS_COUNTING.set(false);
    result
}

fn counts(count: Synchronized<u64>, lock: &RLock) -> Result<()> {
    let count = COUNT.get_or_init(|| count);
    let all = (0..20).map(|_| Synchronized::new(0_u64)).collect::<Result<Vec<_>, _>>()?;
    let mutexes = || Synchronized::options().lock_kind(LockKind::Pthread);
    let behind_mutexes = (0..20).map(|_| mutexes().new(0_u64)).collect::<Result<Vec<_>, _>>()?;
    let under_one = (0..20).map(|_| Synchronized::options().lock(lock).new(0_u64)).collect::<Result<Vec<_>, _>>()?;

    // Several threads at once, each of which locks for the first time while it counts.
    thread::scope(|scope| {
        let threads: Vec<_> = (0..20).map(|_| scope.spawn(|| counting(|| all[0].lock().map(|_| ())))).collect();
        threads.into_iter().try_for_each(|thread| thread.join().expect("the thread did not panic"))
    })?;
    println!("first locks: {count:?}");
    // The record of a new thread has room for a few locks, and gets more room when it needs it.
    for values in [&all, &behind_mutexes] {
        let hold = || counting(|| values.iter().map(Synchronized::lock).collect::<Result<Vec<_>, _>>().map(mem::drop));
        thread::scope(|scope| scope.spawn(hold).join().expect("the thread did not panic"))?;
    }
    println!("many locks: {count:?}");
    // A thread notes the values that it writes under a lock object.
    counting(|| -> Result<()> {
        let _guard = lock.lock()?;
        under_one.iter().try_for_each(|value| value.set(1))?;
        under_one.iter().try_for_each(|value| value.update(|number| *number += 1))?;
        Ok(())
    })?;
    ensure!(under_one.iter().all(|value| value.get() == 2 && value.version() == 1), "{under_one:?}");
    println!("lock objects: {count:?}");
    // A process registers the segments that it maps.
    let name = SegmentName::new("allocator");
    counting(|| -> Result<()> {
        let mut values = Vec::new();
        for number in 0..100_u64 {
            values.push(Synchronized::new(number)?);
        }
        for _ in 0..10 {
            let created = Synchronized::create(&*name, 1_u64)?;
            ensure!(Synchronized::create(&*name, 1_u64).is_err(), "the name is taken");
            let opened = Synchronized::<u64>::open(&*name)?;
            drop(created);
            mem::forget(values[7].lock()?);
            mem::forget(opened.lock()?);
            drop(opened);
            ensure!(Synchronized::<u64>::open(&*name)?.get() == 1, "the lock is held");
            drop(values.split_off(values.len() / 2));
            unlink(&*name)?;
            values.push(Synchronized::new(0)?);
            while values.len() < 10 {
                values.push(Synchronized::new(0)?);
            }
        }
        Ok(())
    })?;
    println!("segments: {count:?}");
    let calls = CALLS.load(Relaxed);
    ensure!(calls > 1_000, "only {calls} calls");
    ensure!((count.get(), count.recoveries(), REFUSED.load(Relaxed)) == (calls, 0, 0), "{calls} calls: {count:?}");
    Ok(())
}

fn inner(number: u64) -> String {
    format!("inner-{number}")
}

fn adds() -> Result<()> {
    let arena = ARENA.get_or_init(|| Arena::new(1 << 26).expect("there is memory"));
    let outer = |number: u64| format!("outer-{number}");
    let adding = |work: &dyn Fn() -> Result<(), Error>| {
        IS_ADDING.set(true);
        let result = work();
        IS_ADDING.set(false);
        result
    };
    for number in 0..100_u64 {
        adding(&|| arena.insert(&outer(number), vec![number; 20]).map(drop))?;
        adding(&|| arena.replace(&outer(number / 2), vec![number / 2; 20]).map(drop))?;
        adding(&|| {
            arena.transaction(|tx| {
                tx.insert(&outer(1_000 + number), vec![1_000 + number; 20])?;
                tx.remove(&*outer(1_000 + number / 2)).map(drop)?;
                tx.insert(&outer(1_000 + number / 2), vec![1_000 + number / 2; 20]).map(drop)
            })
        })?;
    }
    let added = ADDED.lock().expect("no thread panics");
    for number in (0..100).chain(1_000..1_100) {
        let found = arena.get::<[u64]>(&*outer(number))?.context("it was added")?.to_vec()?;
        ensure!(found == [number; 20], "{}: {found:?}", outer(number));
    }
    for number in &*added {
        let found = arena.get::<[u64; 4]>(&*inner(*number))?.with_context(|| inner(*number))?;
        ensure!(found.get() == [*number; 4], "{}: {:?}", inner(*number), found.get());
    }
    ensure!(arena.len() == 200 + added.len(), "{} values, of which the allocator added {}", arena.len(), added.len());
    let refused = REFUSED.load(Relaxed);
    ensure!(added.len() > 100 && refused > 100, "{} added, {refused} refused", added.len());
    Ok(())
}

fn pushes() -> Result<()> {
    const EACH: u64 = 20_000;
    let name = SegmentName::new("allocator");
    let vector = VECTOR.get_or_init(|| SharedVec::create(&*name, Capacity(1 << 20)).expect("there is memory"));
    let mut left = 0;
    for number in 1..=EACH {
        IS_PUSHING.set(true);
        let result = vector.push(number).and_then(|()| if number % 4 == 0 { vector.pop() } else { Ok(None) });
        IS_PUSHING.set(false);
        left += u64::from(result?.is_none());
    }
    let (length, calls) = (vector.len() as u64, CALLS.load(Relaxed));
    ensure!(calls > EACH / 4, "only {calls} calls");
    ensure!(
        length == left + calls,
        "{length} elements, of {left} that the thread and {calls} that its allocator added"
    );
    Ok(())
}

fn counts_beside_updates() -> Result<()> {
    const UPDATES: u64 = 10_000;
    let name = SegmentName::new("allocator");
    let count = COUNT.get_or_init(|| Synchronized::create(&*name, 0).expect("there is memory"));
    let same = DynValue::open(&*name)?;
    let increment = |data: &mut DynData| {
        if let DynData::Unsigned(number) = data {
            *number += 1;
        }
    };
    for number in 0..UPDATES {
        counting(|| if number % 2 == 0 { same.update("", increment) } else { same.lock()?.update("", increment) })?;
    }
    is_counted(count.get(), UPDATES)
}

fn counts_beside_large_updates() -> Result<()> {
    const UPDATES: u64 = 10_000;
    let name = SegmentName::new("allocator");
    let large = LARGE.get_or_init(|| Synchronized::create(&*name, [0; 1024]).expect("there is memory"));
    let increment = |numbers: &mut [u64; 1024]| numbers[0] += 1;
    for number in 0..UPDATES {
        counting(|| if number % 2 == 0 { large.update(increment) } else { large.lock()?.update(increment) })?;
    }
    is_counted(large.at(0), UPDATES)
}

/// Checks that no update is lost, and none of the allocator's calls that it was told to be counted.
fn is_counted(count: u64, updates: u64) -> Result<()> {
    let (calls, refused) = (CALLS.load(Relaxed), REFUSED.load(Relaxed));
    ensure!(count == updates + calls, "{count} of {updates} updates and {calls} calls, {refused} refused");
    ensure!(calls > 0 && refused > 0, "{calls} calls, {refused} refused");
    Ok(())
}

fn locks() -> Result<()> {
    // Installed now: after the hooks of the library, and so run before them when a process forks.
    IS_LOCKING.store(true, Relaxed);
    let name = SegmentName::new("allocator");
    let named = Synchronized::create(&*name, 0_u64)?;
    let forks = scaled(4_000, 1_000);
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| -> Result<()> {
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_over.load(Relaxed) {
                    let values: Vec<_> = (0..8_u64).map(|number| Synchronized::new(number).expect("memory")).collect();
                    // Each new thread needs a record, and then more room in it.
                    thread::scope(|scope| {
                        scope.spawn(|| values.iter().chain(&values).map(Synchronized::lock).collect::<Vec<_>>().len());
                    });
                    drop(Synchronized::<u64>::open(&*name).expect("the value exists"));
                }
            });
        }
        for number in 0..forks {
            if number % 8 == 0 {
                fork(|| {
                    let value = Synchronized::new(1_u64).expect("there is memory");
                    value.update(|number| *number += 1).expect("the lock is free");
                    Synchronized::<u64>::open(&*name).expect("the value exists").set(number).expect("it can be locked");
                })
                .finish();
            } else if let Some(child) = split() {
                child.finish();
            } else {
                end_now(0);
            }
        }
        is_over.store(true, Relaxed);
        Ok(())
    })?;
    ensure!(named.get() > 0, "{named:?}");
    Ok(())
}
