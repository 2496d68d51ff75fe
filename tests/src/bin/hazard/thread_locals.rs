//! Destructors of thread-locals that lock, hold locks, or fork.

use std::cell::{Cell, RefCell};
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, mpsc};
use std::thread;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use shared_value::{Error, Guard, LockError, LockState, Synchronized};
use shared_value_tests::{AT_ONCE, DEADLINE, Forked, fork, held_elsewhere, split};

use crate::child::elsewhere;
use crate::thread_key::{AtEnd, ROUNDS, ThreadKey};

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Case {
    /// A thread-local's destructor locks. It was registered before the thread's first lock, or after it, or makes the first
    /// lock.
    Locks,
    /// A destructor of a thread key locks in every round.
    KeyLocks,
    /// A destructor of a thread key locks in every round, and leaks the guard of the last round.
    KeyLeaks,
    /// A destructor of a thread key holds a lock while a new thread begins.
    KeyMeets,
    /// A destructor of a thread key drops a guard.
    KeyHolds,
    /// A thread-local holds a guard, and its destructor forks.
    Forks,
    /// A destructor of a thread key forks after the library has released the thread's locks.
    KeyForks,
}

impl Case {
    pub(crate) fn run(self) -> Result<()> {
        match self {
            Self::Locks => locks(),
            Self::KeyLocks => key_locks(),
            Self::KeyLeaks => key_leaks(),
            Self::KeyMeets => key_meets(),
            Self::KeyHolds => key_holds(),
            Self::Forks => forks(),
            Self::KeyForks => key_forks(),
        }
    }
}

static VALUE: LazyLock<Synchronized<u64>> = LazyLock::new(|| Synchronized::new(0).expect("there is memory"));

fn add(number: u64) {
    VALUE.update(|value| *value += number).expect("the value can be locked");
}

/// Adds to the value when its thread ends, under nested guards of this and another value.
struct Adds(Cell<u64>);

impl Drop for Adds {
    fn drop(&mut self) {
        let guard = VALUE.lock_timeout(DEADLINE).expect("the value can be locked");
        let sum = guard.load().expect("the bits are valid") + self.0.get();
        guard.set(sum).expect("the lock is held");
        let other = Synchronized::new(1_u64).expect("there is memory");
        let both = (other.lock().expect("the lock is free"), VALUE.lock().expect("this thread holds the lock"));
        elsewhere(|| assert!(held_elsewhere(&VALUE)));
        drop((guard, both));
    }
}

thread_local! {
    static EARLY: Adds = const { Adds(Cell::new(0)) };
    static LATE: Adds = const { Adds(Cell::new(0)) };
}

fn locks() -> Result<()> {
    const THREADS: u64 = 5;
    for _ in 0..THREADS {
        thread::spawn(|| EARLY.with(|adds| adds.0.set(1))).join().expect("the thread did not panic");
        thread::spawn(|| {
            EARLY.with(|adds| adds.0.set(10));
            add(100);
            LATE.with(|adds| adds.0.set(1_000));
        })
        .join()
        .expect("the thread did not panic");
    }
    ensure!((VALUE.get(), VALUE.recoveries()) == (1_111 * THREADS, 0), "{:?}", *VALUE);
    ensure!(VALUE.version() == 4 * THREADS, "{:?}", *VALUE);
    Ok(())
}

/// Locks in the next rounds of destructors.
struct Rounds {
    left: usize,
    then: fn(),
}

static ROUND: LazyLock<ThreadKey<Rounds>> = LazyLock::new(ThreadKey::new);
static RAN: AtomicU64 = AtomicU64::new(0);

impl AtEnd for Rounds {
    fn at_end(self) {
        RAN.fetch_add(1, Ordering::Relaxed);
        add(1);
        match self.left {
            1 => (self.then)(),
            left => ROUND.put(Self { left: left - 1, ..self }),
        }
    }
}

fn key_locks() -> Result<()> {
    let mut expected = 0;
    for rounds in 1..=ROUNDS {
        for is_first in [true, false] {
            thread::spawn(move || {
                if is_first {
                    add(0);
                }
                ROUND.put(Rounds { left: rounds, then: || {} });
            })
            .join()
            .expect("the thread did not panic");
            expected += rounds as u64;
            ensure!(RAN.load(Ordering::Relaxed) == expected, "the C library makes {ROUNDS} rounds");
            ensure!((VALUE.get(), VALUE.recoveries()) == (expected, 0), "{rounds} rounds: {:?}", *VALUE);
        }
    }
    // The threads have released the lock.
    elsewhere(|| drop(VALUE.try_lock().expect("the lock is free")));
    Ok(())
}

fn key_leaks() -> Result<()> {
    for rounds in 1..=ROUNDS {
        let before = VALUE.get();
        let then = || {
            let guard = VALUE.lock().expect("the lock is free");
            guard.set(1_000_000).expect("the lock is held");
            mem::forget(guard);
        };
        thread::spawn(move || ROUND.put(Rounds { left: rounds, then })).join().expect("the thread did not panic");
        let guard = VALUE.lock_timeout(AT_ONCE).with_context(|| format!("leaked in round {rounds}"))?;
        ensure!((guard.load()?, guard.recovered()) == (before + rounds as u64, true), "{guard:?}");
    }
    Ok(())
}

/// Holds a lock while another thread begins.
struct Meets;

static MEETS: LazyLock<ThreadKey<Meets>> = LazyLock::new(ThreadKey::new);

impl AtEnd for Meets {
    fn at_end(self) {
        let guard = VALUE.lock().expect("the lock is free");
        thread::spawn(|| {
            assert!(held_elsewhere(&VALUE), "the new thread owns the lock of the old one");
            assert!(
                matches!(VALUE.lock_state(), LockState::Held { .. }),
                "the new thread owns the lock of the old one"
            );
            OTHER.set(1).expect("the lock is free");
        })
        .join()
        .expect("the thread did not panic");
        assert_eq!(VALUE.lock_state(), LockState::HeldHere, "the old thread has lost its lock to the new one");
        drop(guard);
        assert_eq!(VALUE.lock_state(), LockState::Free);
        RAN.fetch_add(1, Ordering::Relaxed);
    }
}

fn key_meets() -> Result<()> {
    for is_first in [true, false] {
        thread::spawn(move || {
            if is_first {
                add(0);
            }
            MEETS.put(Meets);
        })
        .join()
        .expect("the thread did not panic");
    }
    ensure!(RAN.load(Ordering::Relaxed) == 2, "a destructor did not run to its end");
    ensure!(VALUE.recoveries() == 0, "{:?}", *VALUE);
    elsewhere(|| drop(VALUE.try_lock().expect("the lock is free")));
    Ok(())
}

/// A guard that is dropped after the library has released its thread's locks.
struct Kept(Guard<'static, u64>);

static KEPT: LazyLock<ThreadKey<Kept>> = LazyLock::new(ThreadKey::new);
/// The channels between the destructor and the test.
static TALK: Mutex<Option<(mpsc::Sender<()>, mpsc::Receiver<()>)>> = Mutex::new(None);

impl AtEnd for Kept {
    fn at_end(self) {
        let (say, hear) = TALK.lock().expect("no owner of the mutex panics").take().expect("the test has set it");
        say.send(()).expect("the other thread waits for it");
        hear.recv_timeout(DEADLINE).expect("the lock has another owner");
        assert!(held_elsewhere(&VALUE));
        assert_eq!(self.0.load().expect("the bits are valid"), 7, "it must read the committed value");
        self.0.commit();
        self.0.rollback();
        let written = self.0.set(3);
        assert!(matches!(written, Err(Error::Lock(LockError::NotHeld))), "it has written to a lost lock: {written:?}");
        drop(self);
        assert!(held_elsewhere(&VALUE), "it has released the lock of another owner");
        say.send(()).expect("the other thread waits for it");
    }
}

fn key_holds() -> Result<()> {
    VALUE.set(7)?;
    // First in this thread, which has a record of its own in the library; then in a new thread, which reuses the record of
    // the ending thread.
    key_holds_beside(|owner| owner(0))?;
    key_holds_beside(|owner| {
        thread::scope(|scope| scope.spawn(|| owner(1)).join().expect("the thread did not panic"))
    })?;
    ensure!((VALUE.get(), VALUE.version(), VALUE.recoveries()) == (7, 3, 2), "{:?}", *VALUE);
    Ok(())
}

fn key_holds_beside(run: impl FnOnce(&(dyn Fn(u64) -> Result<()> + Sync)) -> Result<()>) -> Result<()> {
    let (say, heard) = mpsc::channel();
    let (tell, told) = mpsc::channel();
    *TALK.lock().expect("no owner of the mutex panics") = Some((say, told));
    let ending = thread::spawn(|| {
        let guard = VALUE.lock().expect("the lock is free");
        guard.set(8).expect("the lock is held");
        KEPT.put(Kept(guard));
    });
    heard.recv_timeout(DEADLINE)?;
    let heard = Mutex::new(heard);
    run(&|number| {
        let guard = VALUE.lock_timeout(AT_ONCE)?;
        ensure!((guard.load()?, guard.recovered()) == (7, true), "the ending thread must count as dead: {guard:?}");
        guard.set(9)?;
        tell.send(())?;
        heard.lock().expect("no owner of the mutex panics").recv_timeout(DEADLINE)?;
        ensure!(VALUE.lock_state() == LockState::HeldHere && guard.load()? == 9, "{guard:?}");
        ensure!(VALUE.version() == 1 + number, "the ending thread has committed: {guard:?}");
        guard.set(7)?;
        Ok(())
    })?;
    ending.join().expect("the thread did not panic");
    Ok(())
}

/// Forks when its thread ends. The child returns from its copy of the thread, which ends the child.
struct Forks(RefCell<Option<Guard<'static, u64>>>);

/// Forks, and runs a closure in each process. The parent's closure must wait for the child, which dies together with the
/// thread that made it.
fn in_both(parent: impl FnOnce(Forked), child: impl FnOnce()) {
    match split() {
        Some(forked) => parent(forked),
        None => child(),
    }
}

impl Drop for Forks {
    fn drop(&mut self) {
        let guard = self.0.take();
        in_both(
            |child| {
                child.finish();
                elsewhere(|| assert!(held_elsewhere(&VALUE), "the child has released the lock"));
            },
            || {
                assert!(held_elsewhere(&VALUE), "the child owns the lock");
                // The child's thread ends while it holds a lock of its own.
                mem::forget(OTHER.lock().expect("the lock is free"));
            },
        );
        drop(guard);
    }
}

static OTHER: LazyLock<Synchronized<u64>> = LazyLock::new(|| Synchronized::new(0).expect("there is memory"));

thread_local! {
    static FORKS: Forks = const { Forks(RefCell::new(None)) };
}

fn forks() -> Result<()> {
    LazyLock::force(&OTHER);
    thread::spawn(|| {
        let guard = VALUE.lock().expect("the lock is free");
        guard.set(5).expect("the lock is held");
        FORKS.with(|forks| forks.0.replace(Some(guard)));
    })
    .join()
    .expect("the thread did not panic");
    let other = OTHER.try_lock()?;
    ensure!(other.recovered(), "the child has ended with the lock held");
    ensure!((VALUE.get(), VALUE.version(), VALUE.recoveries()) == (5, 1, 0), "{:?}", *VALUE);
    Ok(())
}

struct ForksLate;

static FORKS_LATE: LazyLock<ThreadKey<ForksLate>> = LazyLock::new(ThreadKey::new);

impl AtEnd for ForksLate {
    fn at_end(self) {
        in_both(
            |child| {
                child.finish();
                add(1);
            },
            || {
                assert!(VALUE.try_lock().expect("the library has released it").recovered());
                add(1);
                fork(|| add(1)).finish();
            },
        );
    }
}

fn key_forks() -> Result<()> {
    thread::spawn(|| {
        mem::forget(VALUE.lock().expect("the lock is free"));
        FORKS_LATE.put(ForksLate);
    })
    .join()
    .expect("the thread did not panic");
    ensure!((VALUE.get(), VALUE.recoveries()) == (3, 1), "{:?}", *VALUE);
    Ok(())
}
