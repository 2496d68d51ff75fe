//! Destructors of a thread's own values that lock, hold locks, or fork.

use std::cell::{Cell, RefCell};
use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, mpsc};
use std::thread;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use shared_value::{Error, Guard, LockState, Synchronized};
use shared_value_tests::{AT_ONCE, DEADLINE, Forked, fork, split};

use crate::child::elsewhere;
use crate::thread_key::{AtEnd, ROUNDS, ThreadKey};

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Case {
    /// A thread-local locks, whose destructor was registered before the thread's first lock, or behind it, or that is
    /// the first to lock in its thread.
    Locks,
    /// A destructor of the C library locks, in every round of them.
    KeyLocks,
    /// The last one of these leaks its guard.
    KeyLeaks,
    /// A destructor of the C library holds a lock while a new thread begins.
    KeyMeets,
    /// A guard is kept where a destructor of the C library drops it.
    KeyHolds,
    /// A thread-local holds a guard and forks.
    Forks,
    /// A destructor of the C library forks, when the thread has left its locks.
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
    VALUE.update(|value| *value += number).expect("it can be locked");
}

/// Adds to the value when its thread ends, under two guards and with another value.
struct Adds(Cell<u64>);

impl Drop for Adds {
    fn drop(&mut self) {
        let mut guard = VALUE.lock_timeout(DEADLINE).expect("it can be locked");
        let sum = guard.load().expect("valid") + self.0.get();
        guard.set(sum);
        let other = Synchronized::new(1_u64).expect("there is memory");
        let both = (other.lock().expect("it is free"), VALUE.lock().expect("this thread holds it"));
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
        thread::spawn(|| EARLY.with(|adds| adds.0.set(1))).join().expect("it did not panic");
        thread::spawn(|| {
            EARLY.with(|adds| adds.0.set(10));
            add(100);
            LATE.with(|adds| adds.0.set(1_000));
        })
        .join()
        .expect("it did not panic");
    }
    ensure!((VALUE.get(), VALUE.recoveries()) == (1_111 * THREADS, 0), "{:?}", *VALUE);
    ensure!(VALUE.version() == 4 * THREADS, "{:?}", *VALUE);
    Ok(())
}

/// Locks in so many rounds of destructors from now on.
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
            .expect("it did not panic");
            expected += rounds as u64;
            ensure!(RAN.load(Ordering::Relaxed) == expected, "the C library makes {ROUNDS} rounds");
            ensure!((VALUE.get(), VALUE.recoveries()) == (expected, 0), "{rounds} rounds: {:?}", *VALUE);
        }
    }
    // What was one thread's is free for others.
    elsewhere(|| drop(VALUE.try_lock().expect("it is free")));
    Ok(())
}

fn key_leaks() -> Result<()> {
    for rounds in 1..=ROUNDS {
        let before = VALUE.get();
        let then = || {
            let mut guard = VALUE.lock().expect("it is free");
            guard.set(1_000_000);
            mem::forget(guard);
        };
        thread::spawn(move || ROUND.put(Rounds { left: rounds, then })).join().expect("it did not panic");
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
        let guard = VALUE.lock().expect("it is free");
        thread::spawn(|| {
            assert!(held_elsewhere(&VALUE), "the new thread owns it");
            assert!(matches!(VALUE.lock_state(), LockState::Held { .. }), "the new thread owns it");
            OTHER.set(1).expect("it is free");
        })
        .join()
        .expect("it does not panic");
        assert_eq!(VALUE.lock_state(), LockState::HeldHere, "the new thread has made it forget what it holds");
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
        .expect("it did not panic");
    }
    ensure!(RAN.load(Ordering::Relaxed) == 2, "a destructor did not run to its end");
    ensure!(VALUE.recoveries() == 0, "{:?}", *VALUE);
    elsewhere(|| drop(VALUE.try_lock().expect("it is free")));
    Ok(())
}

/// A guard that outlives its thread's locks.
struct Kept(Guard<'static, u64>);

static KEPT: LazyLock<ThreadKey<Kept>> = LazyLock::new(ThreadKey::new);
/// What the destructor says and hears.
static TALK: Mutex<Option<(mpsc::Sender<()>, mpsc::Receiver<()>)>> = Mutex::new(None);

impl AtEnd for Kept {
    fn at_end(mut self) {
        let (say, hear) = TALK.lock().expect("nobody panics").take().expect("it was put in");
        say.send(()).expect("it is awaited");
        hear.recv_timeout(DEADLINE).expect("the lock has another owner");
        assert!(held_elsewhere(&VALUE));
        assert_eq!(self.0.load().expect("valid"), 7, "it reads what is committed");
        self.0.commit();
        self.0.rollback();
        let written = panic::catch_unwind(AssertUnwindSafe(|| self.0.set(3)));
        assert!(written.is_err(), "it has written to what is another's");
        drop(self);
        assert!(held_elsewhere(&VALUE), "it has released what is another's");
        say.send(()).expect("it is awaited");
    }
}

fn key_holds() -> Result<()> {
    VALUE.set(7)?;
    // The first of these has books of its own; the others are new threads, which use those that the ending one has left.
    key_holds_beside(|owner| owner(0))?;
    key_holds_beside(|owner| thread::scope(|scope| scope.spawn(|| owner(1)).join().expect("it did not panic")))?;
    ensure!((VALUE.get(), VALUE.version(), VALUE.recoveries()) == (7, 3, 2), "{:?}", *VALUE);
    Ok(())
}

fn key_holds_beside(run: impl FnOnce(&(dyn Fn(u64) -> Result<()> + Sync)) -> Result<()>) -> Result<()> {
    let (say, heard) = mpsc::channel();
    let (tell, told) = mpsc::channel();
    *TALK.lock().expect("nobody panics") = Some((say, told));
    let ending = thread::spawn(|| {
        let mut guard = VALUE.lock().expect("it is free");
        guard.set(8);
        KEPT.put(Kept(guard));
    });
    heard.recv_timeout(DEADLINE)?;
    let heard = Mutex::new(heard);
    run(&|number| {
        let mut guard = VALUE.lock_timeout(AT_ONCE)?;
        ensure!((guard.load()?, guard.recovered()) == (7, true), "the thread counts as dead: {guard:?}");
        guard.set(9);
        tell.send(())?;
        heard.lock().expect("nobody panics").recv_timeout(DEADLINE)?;
        ensure!(VALUE.lock_state() == LockState::HeldHere && guard.load()? == 9, "{guard:?}");
        ensure!(VALUE.version() == 1 + number, "it has committed what is another's: {guard:?}");
        guard.set(7);
        Ok(())
    })?;
    ending.join().expect("it did not panic");
    Ok(())
}

/// Forks when its thread ends; the child ends its copy of the thread, and with it the process.
struct Forks(RefCell<Option<Guard<'static, u64>>>);

/// Waits for a child before the thread is gone, because the child dies with the thread that made it.
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
                elsewhere(|| assert!(held_elsewhere(&VALUE), "the child has released it"));
            },
            || {
                assert!(held_elsewhere(&VALUE), "the child owns it");
                // Its own thread ends with a lock held, and without one.
                mem::forget(OTHER.lock().expect("it is free"));
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
        let mut guard = VALUE.lock().expect("it is free");
        guard.set(5);
        FORKS.with(|forks| forks.0.replace(Some(guard)));
    })
    .join()
    .expect("it did not panic");
    let other = OTHER.try_lock()?;
    ensure!(other.recovered(), "the child ended with it");
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
                assert!(VALUE.try_lock().expect("the thread has left it").recovered());
                add(1);
                fork(|| add(1)).finish();
            },
        );
    }
}

fn key_forks() -> Result<()> {
    thread::spawn(|| {
        mem::forget(VALUE.lock().expect("it is free"));
        FORKS_LATE.put(ForksLate);
    })
    .join()
    .expect("it did not panic");
    ensure!((VALUE.get(), VALUE.recoveries()) == (3, 1), "{:?}", *VALUE);
    Ok(())
}
