//! Threads that end while they hold locks, in a process that lives on.

use std::mem;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use shared_value::{Guard, Synchronized};
use shared_value_tests::{AT_ONCE, DEADLINE, Protocol, RobustMutexes, SHORT, Taken, end_now, eventually, say};

use crate::raw_thread::{RawThread, await_cancellation, exit_thread, vanish};

/// The end of the thread.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Case {
    /// It returns, with many locks held, each of them twice, among mutexes of the C library.
    Returns,
    /// Another thread cancels it.
    Cancelled,
    /// It is cancelled while it waits for the lock, and ends when it has the lock.
    CancelledWaiting,
    /// It calls `pthread_exit`.
    Exits,
    /// It makes the system call `exit`, which skips all destructors.
    Vanishes,
    /// It makes the system call inside of an `update`.
    VanishesInUpdate,
    /// It is the first thread of the process, which lives on without it.
    First,
}

// Statics, because functions for the C library cannot capture values.
static VALUE: LazyLock<Synchronized<u64>> = LazyLock::new(value);
static MANY: LazyLock<Vec<Synchronized<u64>>> = LazyLock::new(|| (0..30).map(|_| value()).collect());
static MUTEXES: LazyLock<RobustMutexes> =
    LazyLock::new(|| RobustMutexes::new(&[Protocol::Plain, Protocol::InheritPriority]));
static IS_READY: AtomicBool = AtomicBool::new(false);
static MAY_END: AtomicBool = AtomicBool::new(false);

fn value() -> Synchronized<u64> {
    Synchronized::new(1).expect("there is memory")
}

impl Case {
    pub(crate) fn run(self) -> Result<()> {
        match self {
            Self::Returns => {
                ends(return_with_many, |thread| thread)?;
                for value in &*MANY {
                    let guard = value.try_lock()?;
                    ensure!((guard.load()?, guard.recovered()) == (1, true), "{guard:?}");
                }
                ensure!(
                    (MUTEXES.take(0), MUTEXES.take(1)) == (Taken::OwnerDied, Taken::OwnerDied),
                    "the thread held both mutexes"
                );
                Ok(())
            }
            Self::Cancelled => ends(hold_until_cancelled, |thread| {
                thread.cancel();
                thread
            }),
            Self::CancelledWaiting => cancelled_waiting(),
            Self::Exits => ends(exit_with_it, |thread| thread),
            Self::Vanishes => ends(vanish_with_it, |thread| thread),
            Self::VanishesInUpdate => ends(vanish_in_update, |thread| thread),
            Self::First => first(),
        }
    }
}

/// Takes the lock, writes, takes the lock again, and forgets both guards.
fn hold() {
    let guard = VALUE.lock().expect("the owner releases the lock");
    guard.set(2).expect("the lock is held");
    mem::forget(guard);
    mem::forget(VALUE.lock().expect("this thread holds the lock"));
}

fn await_the_end() {
    IS_READY.store(true, Ordering::Release);
    eventually("the test goes on", || MAY_END.load(Ordering::Acquire));
}

fn return_with_many() {
    let hold_many = |values: &'static [Synchronized<u64>]| {
        for value in values {
            let guard = value.lock().expect("the lock is free");
            guard.set(2).expect("the lock is held");
            mem::forget((guard, value.lock().expect("this thread holds the lock")));
        }
    };
    let (some, others) = MANY.split_at(10);
    hold_many(some);
    assert_eq!(MUTEXES.take(0), Taken::Free);
    hold();
    assert_eq!(MUTEXES.take(1), Taken::Free);
    hold_many(others);
    await_the_end();
}

fn hold_until_cancelled() {
    hold();
    IS_READY.store(true, Ordering::Release);
    await_cancellation();
}

fn exit_with_it() {
    hold();
    await_the_end();
    exit_thread();
}

fn vanish_with_it() {
    hold();
    await_the_end();
    vanish();
}

fn vanish_in_update() {
    let updated = VALUE.update(|number| {
        *number = 2;
        await_the_end();
        vanish();
    });
    unreachable!("the thread has ended: {updated:?}");
}

/// Starts a thread that takes the lock, and lets it end while another one waits for the lock.
fn ends(body: fn(), end: impl FnOnce(RawThread) -> RawThread) -> Result<()> {
    let ending = RawThread::start(body);
    eventually("the thread holds the lock", || IS_READY.load(Ordering::Acquire));
    let waiter = thread::spawn(take);
    thread::sleep(SHORT);
    ensure!(!waiter.is_finished(), "two threads had the lock");
    let ended = Instant::now();
    MAY_END.store(true, Ordering::Release);
    end(ending).join();
    let taken = waiter.join().expect("the thread did not panic")?;
    let late = taken.saturating_duration_since(ended);
    ensure!(late < AT_ONCE, "the next owner had to wait {late:?}");
    ensure!((VALUE.version(), VALUE.recoveries()) == (1, 1), "{:?}", *VALUE);
    VALUE.update(|number| *number += 1)?;
    ensure!(VALUE.get() == 4, "{:?}", *VALUE);
    Ok(())
}

/// Takes the lock from an owner that dies.
fn take() -> Result<Instant> {
    let guard = VALUE.lock_timeout(DEADLINE)?;
    let taken = Instant::now();
    check(&guard, 1)?;
    guard.set(3)?;
    Ok(taken)
}

fn check(guard: &Guard<'_, u64>, expected: u64) -> Result<()> {
    ensure!((guard.load()?, guard.recovered()) == (expected, true), "{guard:?}");
    Ok(())
}

fn cancelled_waiting() -> Result<()> {
    fn wait_and_hold() {
        IS_READY.store(true, Ordering::Release);
        hold();
        await_cancellation();
    }

    let guard = VALUE.lock()?;
    let waiting = RawThread::start(wait_and_hold);
    eventually("the thread runs", || IS_READY.load(Ordering::Acquire));
    thread::sleep(SHORT);
    waiting.cancel();
    thread::sleep(SHORT);
    guard.set(5)?;
    drop(guard);
    waiting.join();
    check(&VALUE.try_lock().context("the lock of an ended thread")?, 5)
}

fn first() -> Result<()> {
    hold();
    thread::spawn(|| {
        let result = take().and_then(|_| {
            // The process has lost its first thread, but the locks of its other threads work.
            VALUE.update(|number| *number += 1)?;
            ensure!(VALUE.get() == 4, "{:?}", *VALUE);
            Ok(())
        });
        if let Err(error) = result {
            eprintln!("{error:?}");
            end_now(1);
        }
        say("done");
        end_now(0);
    });
    thread::sleep(SHORT);
    vanish();
}
