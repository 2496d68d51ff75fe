//! Handles and locks that a forked child inherits.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::ValueEnum;
use shared_value::{Error, LockError, LockState, Synchronized};
use shared_value_tests::values::{Account, AccountGuard, SynchronizedAccount};
use shared_value_tests::{DEADLINE, SHORT, end_now, eventually, fork, held_elsewhere, say, split};

/// Forks in one situation.
#[derive(Debug, clap::Args)]
pub(crate) struct Fork {
    #[arg(value_enum)]
    case: Case,
    /// A free name, which the test unlinks.
    name: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Case {
    /// Parent and child use a handle that was made before the fork.
    Inherited,
    /// The thread that forks holds the lock.
    Held,
    /// Another thread holds the lock.
    HeldByAnother,
    /// Inside of an `update`.
    InUpdate,
    /// Other threads lock, open and create without pause.
    Busy,
    /// A child forks again.
    Generations,
}

impl Fork {
    pub(crate) fn run(self) -> Result<()> {
        match self.case {
            Case::Inherited => inherited(&self.name),
            Case::Held => held(),
            Case::HeldByAnother => held_by_another(),
            Case::InUpdate => in_update(),
            Case::Busy => busy(&self.name),
            Case::Generations => generations(),
        }?;
        say("done");
        Ok(())
    }
}

fn inherited(name: &str) -> Result<()> {
    const COUNT: u64 = 2_000;
    let counter = Synchronized::new(0_u64)?;
    let named = Synchronized::create(name, 0_u64)?;
    // This thread has locked before the fork. After it, the library must tell its two copies apart.
    counter.update(|count| *count += 1)?;
    let count = || {
        for _ in 0..COUNT {
            counter.update(|count| *count += 1).expect("the value can be locked");
            named.update(|count| *count += 1).expect("the value can be locked");
        }
    };
    let children: Vec<_> = (0..3).map(|_| fork(count)).collect();
    count();
    for child in children {
        child.finish();
    }
    ensure!(counter.get() == 4 * COUNT + 1, "parent and children count together: {counter:?}");
    ensure!(named.get() == 4 * COUNT, "parent and children count together: {named:?}");
    ensure!(counter.recoveries() == 0, "no owner has died: {counter:?}");
    Ok(())
}

fn held() -> Result<()> {
    let account = SynchronizedAccount::new(Account::after(1))?;
    let guard = account.lock()?;
    guard.set_balance(5)?;
    // Each process has a copy of the guard. The first child uses its copy before anything else.
    for check in [guard_of_the_parent, lock_of_the_parent] {
        let Some(child) = split() else {
            let result = panic::catch_unwind(AssertUnwindSafe(|| check(&account, guard)));
            end_now(if result.is_ok() { 0 } else { 101 });
        };
        child.finish();
    }
    ensure!(account.version() == 0, "the child committed: {account:?}");
    ensure!(account.lock_state() == LockState::HeldHere, "the parent has lost the lock: {account:?}");
    ensure!(guard.balance() == 5, "the parent has lost its change: {guard:?}");
    guard.set_deposits(6)?;
    drop(guard);
    ensure!((account.balance(), account.deposits(), account.version()) == (5, 6, 1), "one commit: {account:?}");
    ensure!(!account.lock()?.recovered(), "no owner has died");
    Ok(())
}

/// The parent owns the lock: the child's copy of the guard can read, but neither write nor release.
fn guard_of_the_parent(account: &SynchronizedAccount, guard: AccountGuard<'_>) {
    guard.commit();
    guard.rollback();
    let error = guard.set_balance(6).expect_err("the parent owns the lock");
    assert!(matches!(error, Error::Lock(LockError::NotHeld)), "{error:?}");
    assert!(error.to_string().contains("fork"), "the error does not say why: {error}");
    let updated = guard.update(|account| account.balance = 6);
    assert!(matches!(updated, Err(Error::Lock(LockError::NotHeld))), "{updated:?}");
    assert_eq!(guard.balance(), 10, "the child must see the committed value");
    assert_eq!(guard.load().expect("valid").balance, 10);
    assert!(format!("{guard:?}").contains("balance: 10"), "{guard:?}");
    drop(guard);
    assert!(matches!(account.lock_state(), LockState::Held { .. }), "dropping the guard released the lock");
    assert_eq!((account.balance(), account.version()), (10, 0), "dropping the guard committed");
}

/// The parent owns the lock: the child cannot take it.
fn lock_of_the_parent(account: &SynchronizedAccount, guard: AccountGuard<'_>) {
    assert!(held_elsewhere(account), "the child owns the lock: {account:?}");
    assert!(
        matches!(account.lock_timeout(SHORT), Err(Error::Lock(LockError::TimedOut))),
        "the child owns the lock: {account:?}"
    );
    assert!(matches!(account.lock_state(), LockState::Held { .. }), "{:?}", account.lock_state());
    drop(guard);
    assert!(held_elsewhere(account), "dropping the guard released the lock");
    assert_eq!(account.balance(), 10, "dropping the guard committed");

    // The child can use locks of its own.
    let other = Synchronized::new(1_u64).expect("there is memory");
    other.update(|number| *number += 1).expect("the value can be locked");
    assert_eq!(other.get(), 2);
}

fn held_by_another() -> Result<()> {
    let value = Synchronized::new(1_u64)?;
    let is_held = AtomicBool::new(false);
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let guard = value.lock().expect("the lock is free");
            guard.set(2).expect("the lock is held");
            is_held.store(true, Ordering::Release);
            while !is_over.load(Ordering::Acquire) {
                thread::yield_now();
            }
        });
        while !is_held.load(Ordering::Acquire) {
            thread::yield_now();
        }
        fork(|| {
            assert!(held_elsewhere(&value), "a thread of the parent holds the lock, but the child could take it");
            assert_eq!(value.get(), 1, "the child must see the committed value");
        })
        .finish();
        // A child gets the lock when the owner releases it.
        let child = fork(|| {
            let guard = value.lock_timeout(DEADLINE).expect("the owner releases it");
            assert_eq!((guard.load().expect("valid"), guard.recovered()), (2, false));
        });
        thread::sleep(Duration::from_millis(5));
        is_over.store(true, Ordering::Release);
        child.finish();
    });
    Ok(())
}

fn in_update() -> Result<()> {
    let value = Synchronized::new(1_u64)?;
    value.update(|number| {
        *number = 2;
        fork(|| {
            assert!(held_elsewhere(&value), "the child owns the lock");
            assert_eq!(value.get(), 1, "the child must see the committed value");
        })
        .finish();
    })?;
    ensure!(value.get() == 2, "the parent's update was lost: {value:?}");

    // This child returns from the closure, and must not commit the parent's update. It is told so, by all kinds of updates.
    let not_held = |result: Result<(), Error>| matches!(result, Err(Error::Lock(LockError::NotHeld)));
    let child = Cell::new(None);
    let updated = value.update(|number| {
        *number += 1;
        child.set(split());
    });
    let Some(child) = child.take() else { end_now(i32::from(!not_held(updated))) };
    child.finish();
    updated?;
    for is_failing in [false, true] {
        let child = Cell::new(None);
        let updated = value.try_update(|_| {
            child.set(split());
            if is_failing { Err(Error::Borrowed) } else { Ok(()) }
        });
        let is_told = if is_failing { matches!(updated, Err(Error::Borrowed)) } else { not_held(updated) };
        match child.take() {
            Some(child) => child.finish(),
            None => end_now(i32::from(!is_told)),
        }
    }
    let guard = value.lock()?;
    let child = Cell::new(None);
    let updated = guard.update(|number| {
        *number += 1;
        child.set(split());
    });
    let Some(child) = child.take() else { end_now(i32::from(!not_held(updated))) };
    child.finish();
    guard.rollback();
    drop(guard);
    ensure!((value.get(), value.version()) == (3, 3), "the child committed too: {value:?}");
    ensure!(!value.try_lock()?.recovered(), "no owner has died");

    // The parent's closure panics after the child has returned from its copy of the closure. The child's change must not
    // become a part of the commit of the parent's outer guard.
    let account = SynchronizedAccount::new(Account::after(1))?;
    let guard = account.lock()?;
    guard.set_balance(5)?;
    let result = panic::catch_unwind(AssertUnwindSafe(|| {
        account.update_deposits(|deposits| {
            let Some(child) = split() else {
                *deposits = 99;
                return;
            };
            child.finish();
            panic!("as planned");
        })
    }));
    if result.is_ok() {
        end_now(0);
    }
    drop(guard);
    ensure!((account.balance(), account.deposits()) == (5, 1), "the child has changed the value: {account:?}");
    Ok(())
}

fn busy(name: &str) -> Result<()> {
    let shared = Synchronized::new(0_u64)?;
    let named = Synchronized::create(name, 0_u64)?;
    let is_over = AtomicBool::new(false);
    let rounds = AtomicU64::new(0);
    let forks = shared_value_tests::scaled(300, 100);
    thread::scope(|scope| {
        for number in 0..3 {
            let (shared, is_over, rounds) = (&shared, &is_over, &rounds);
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    match number {
                        0 => drop(Synchronized::new([7_u64; 16]).expect("there is memory")),
                        1 => drop(Synchronized::<u64>::open(name).expect("the value exists")),
                        // A new thread is a new owner.
                        _ => thread::scope(|scope| {
                            scope.spawn(|| shared.update(|count| *count += 1).expect("the value can be locked"));
                        }),
                    }
                    rounds.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for _ in 0..forks {
            fork(|| {
                let value = Synchronized::new(1_u64).expect("there is memory");
                value.update(|number| *number += 1).expect("the value can be locked");
                let opened = Synchronized::<u64>::open(name).expect("the value exists");
                opened.update(|count| *count += 1).expect("the value can be locked");
                // Not in a thread of the child: the standard library cannot start one if a thread of the parent was
                // starting one during the fork.
                named.update(|count| *count += 1).expect("the value can be locked");
                drop((value, opened));
            })
            .finish();
        }
        is_over.store(true, Ordering::Relaxed);
    });
    ensure!(named.get() == 2 * forks, "not every child has counted twice: {named:?}");
    ensure!(rounds.load(Ordering::Relaxed) > 30, "the other threads did too little meanwhile");
    Ok(())
}

fn generations() -> Result<()> {
    let value = Synchronized::new(0_u64)?;
    let progress = Synchronized::new(0_u64)?;
    let is_held = || assert!(held_elsewhere(&value), "the grandchild owns the lock");
    let guard = value.lock()?;
    let child = fork(|| {
        fork(is_held).finish();
        progress.set(1).expect("the lock is free");
        let guard = value.lock_timeout(DEADLINE).expect("the parent releases it");
        fork(is_held).finish();
        drop(guard);
        fork(|| value.update(|number| *number += 1).expect("the value can be locked")).finish();
    });
    eventually("the first grandchild has looked", || progress.get() == 1);
    drop(guard);
    child.finish();
    ensure!(value.get() == 1, "the grandchild's change is lost: {value:?}");
    Ok(())
}
