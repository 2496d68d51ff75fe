//! The limits of the number and the depth of a thread's locks.

use std::mem;
use std::ops::Range;
use std::thread;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use shared_value::{Error, LockError, LockKind, LockState, Synchronized};
use shared_value_tests::{Protocol, RobustMutexes, Taken, fork, held_elsewhere, skip};

use crate::child::{elsewhere, kill_itself};

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Case {
    /// The largest number of locks, and mutexes of the C library besides.
    Held,
    /// More mutexes of the C library than the kernel releases, and locks before and after them.
    Foreign,
    /// One lock, taken as many times as possible.
    Deep,
}

/// The number of locks that a thread may hold.
const MOST: usize = 2_000;
/// The number of times that a thread may take a lock that it holds.
const DEEPEST: usize = 65_535;
/// The number of locks that the kernel releases when a thread dies.
const KERNEL: usize = 2_048;

impl Case {
    pub(crate) fn run(self) -> Result<()> {
        match self {
            Self::Held => held(),
            Self::Foreign => foreign(),
            Self::Deep => deep(),
        }
    }
}

fn held() -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?;
    if limit.maximum.is_some_and(|maximum| maximum < MOST as u64 + 100) {
        skip(format_args!("this process may have only {:?} open files", limit.maximum));
        return Ok(());
    }
    let values = (0..=MOST).map(|_| Synchronized::new(0_u64)).collect::<Result<Vec<_>, _>>()?;
    let (last, others) = values.split_last().context("there are many")?;
    let mutexes = RobustMutexes::new(&[Protocol::Plain; KERNEL - MOST]);

    let hold = |count: usize| {
        for (number, value) in others.iter().enumerate() {
            if number % 100 == 50 {
                let from = number / 100 * count / 20;
                for mutex in from..(number / 100 + 1) * count / 20 {
                    assert_eq!(mutexes.take(mutex), Taken::Free);
                }
            }
            let guard = value.lock().expect("the lock is free");
            guard.set(1).expect("the lock is held");
            mem::forget(guard);
        }
        assert!(matches!(last.lock(), Err(Error::Lock(LockError::TooManyHeld { limit: MOST }))));
        assert!(matches!(last.try_lock(), Err(Error::Lock(LockError::TooManyHeld { limit: MOST }))));
        assert!(matches!(last.update(|number| *number = 1), Err(Error::Lock(LockError::TooManyHeld { limit: MOST }))));
        assert_eq!(last.get(), 0, "a read needs no lock");
        others[0].update(|number| *number += 1).expect("the lock is held");
    };
    let are_recovered = |count: usize, what: &str| -> Result<()> {
        for (number, value) in others.iter().enumerate() {
            let guard = value.try_lock().with_context(|| format!("lock {number}, {count} mutexes, {what}"))?;
            ensure!((guard.load()?, guard.recovered()) == (0, true), "lock {number}, {count} mutexes, {what}");
        }
        for mutex in 0..count {
            ensure!(mutexes.take(mutex) == Taken::OwnerDied, "mutex {mutex} of {count}, {what}");
            mutexes.release(mutex);
        }
        ensure!(!last.try_lock()?.recovered(), "the last lock was never held");
        Ok(())
    };
    // In the last round, the mutexes fill all the room that the kernel has.
    for count in [0, 40, KERNEL - MOST] {
        fork(|| {
            hold(count);
            kill_itself();
        })
        .finish_killed();
        are_recovered(count, "killed")?;
        // Joined, because a scope does not wait for the destructors of a thread's thread-locals.
        thread::scope(|scope| scope.spawn(|| hold(count)).join().expect("the thread did not panic"));
        are_recovered(count, "the thread has ended")?;
    }
    println!("{MOST} locks and up to {} mutexes of one thread, all recovered", KERNEL - MOST);
    Ok(())
}

fn foreign() -> Result<()> {
    const MANY: usize = KERNEL + 52;
    let value = Synchronized::new(0_u64)?;
    let other = Synchronized::options().lock_kind(LockKind::Pthread).new(0_u64)?;
    let take = |mutexes: &RobustMutexes, range: Range<usize>| {
        range.for_each(|mutex| assert_eq!(mutexes.take(mutex), Taken::Free));
    };
    let are_recovered = |mutexes: &RobustMutexes, range: Range<usize>| {
        for mutex in range {
            assert_eq!(mutexes.take(mutex), Taken::OwnerDied, "mutex {mutex}");
            mutexes.release(mutex);
        }
    };

    // Too many mutexes: every lock is refused, and the list stays whole.
    let mutexes = RobustMutexes::new(&[Protocol::Plain; MANY]);
    fork(|| {
        take(&mutexes, 0..MANY);
        for value in [&value, &other] {
            let refused = [value.lock().err(), value.try_lock().err(), value.update(|number| *number = 1).err()];
            for error in refused {
                assert!(matches!(error, Some(Error::Lock(LockError::TooManyHeld { limit: MOST }))), "{error:?}");
            }
            assert_eq!((value.get(), value.lock_state()), (0, LockState::Free));
        }
        // With one mutex less than the kernel releases, there is room for one lock.
        (KERNEL - 1..MANY).for_each(|mutex| mutexes.release(mutex));
        value.set(1).expect("there is room");
        mem::forget(value.lock().expect("there is room"));
        assert!(matches!(other.lock(), Err(Error::Lock(LockError::TooManyHeld { limit: MOST }))));
        kill_itself();
    })
    .finish_killed();
    are_recovered(&mutexes, 0..KERNEL - 1);
    ensure!(value.try_lock()?.recovered(), "{value:?}");

    // A refusal must not consume the note that the last owner died.
    fork(|| {
        mem::forget(value.lock().expect("the lock is free"));
        kill_itself();
    })
    .finish_killed();
    let refused = thread::scope(|scope| {
        let refused = scope.spawn(|| {
            take(&mutexes, 0..KERNEL);
            let refused = value.lock().is_err();
            (0..KERNEL).for_each(|mutex| mutexes.release(mutex));
            refused
        });
        refused.join().expect("the thread did not panic")
    });
    ensure!(refused && value.try_lock()?.recovered(), "{value:?}");

    // Mutexes that were taken after the lock: its release must leave all of them in the list.
    let mutexes = RobustMutexes::new(&[Protocol::Plain; MANY]);
    fork(|| {
        let guard = value.lock().expect("the lock is free");
        take(&mutexes, 0..MANY);
        drop(guard);
        (MANY - 100..MANY).for_each(|mutex| mutexes.release(mutex));
        kill_itself();
    })
    .finish_killed();
    are_recovered(&mutexes, 0..MANY - 100);
    ensure!(!value.try_lock()?.recovered(), "{value:?}");
    println!("{MANY} mutexes of one thread");
    Ok(())
}

fn deep() -> Result<()> {
    let value = Synchronized::new(1_u64)?;
    let mut guards = Vec::new();
    for _ in 0..DEEPEST {
        guards.push(value.lock()?);
    }
    for _ in 0..2 {
        let refused = value.lock();
        ensure!(matches!(refused, Err(Error::Lock(LockError::TooDeep { limit: 65_535 }))), "{refused:?}");
        ensure!(matches!(value.try_lock(), Err(Error::Lock(LockError::TooDeep { .. }))));
        ensure!(matches!(value.set(2), Err(Error::Lock(LockError::TooDeep { .. }))));
        ensure!(matches!(value.update(|_| ()), Err(Error::Lock(LockError::TooDeep { .. }))));
        // After one release, the lock can be taken once more.
        guards.pop();
        guards.push(value.lock()?);
    }
    guards[0].set(3)?;
    guards[DEEPEST - 1].commit();
    guards[1].set(4)?;
    ensure!((value.get(), value.version()) == (4, 1), "{value:?}");
    elsewhere(|| {
        assert!(held_elsewhere(&value), "the refused guards have released the lock");
        assert_eq!(value.get(), 3);
    });
    // Dropped from both ends.
    while guards.len() > 1 {
        drop(guards.swap_remove(0));
        if guards.len() > 1 {
            guards.pop();
        }
    }
    ensure!(value.lock_state() == LockState::HeldHere && value.version() == 1, "{value:?}");
    drop(guards);
    ensure!((value.lock_state(), value.get(), value.version()) == (LockState::Free, 4, 2), "{value:?}");
    elsewhere(|| value.update(|number| *number += 1).expect("the lock is free"));
    value.update(|number| *number += 1)?;
    ensure!((value.get(), value.recoveries()) == (6, 0), "{value:?}");
    Ok(())
}
