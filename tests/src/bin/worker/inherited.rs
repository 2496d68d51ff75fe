//! Forking, in a process whose threads are known.

use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::ValueEnum;
use shared_value::{Error, LockState, Synchronized};
use shared_value_tests::values::{Account, AccountGuard, SynchronizedAccount};
use shared_value_tests::{DEADLINE, SHORT, end_now, eventually, fork, say, split};

/// Forks in one of the situations that matter.
#[derive(Debug, clap::Args)]
pub(crate) struct Fork {
    #[arg(value_enum)]
    case: Case,
    /// A free name, which the test unlinks.
    name: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Case {
    /// Parent and child go on with a handle that was made before.
    Inherited,
    /// The thread that forks holds the lock.
    Held,
    /// Another thread holds the lock.
    HeldByAnother,
    /// Inside of an `update`.
    InUpdate,
    /// Other threads lock, open and create all the time.
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
    // The thread is known to the library before the fork, and both must be told apart after it.
    counter.update(|count| *count += 1)?;
    let count = || {
        for _ in 0..COUNT {
            counter.update(|count| *count += 1).expect("it can be locked");
            named.update(|count| *count += 1).expect("it can be locked");
        }
    };
    let children: Vec<_> = (0..3).map(|_| fork(count)).collect();
    count();
    for child in children {
        child.finish();
    }
    ensure!(counter.get() == 4 * COUNT + 1, "parent and children count together: {counter:?}");
    ensure!(named.get() == 4 * COUNT, "parent and children count together: {named:?}");
    ensure!(counter.recoveries() == 0, "nobody died holding the lock: {counter:?}");
    Ok(())
}

fn held() -> Result<()> {
    let account = SynchronizedAccount::new(Account::after(1))?;
    let guard = account.lock()?;
    guard.set_balance(5);
    // Both go on with the guard, each with its own copy. The first child uses it before anything else.
    for check in [guard_of_the_parent, lock_of_the_parent] {
        let Some(child) = split() else {
            let result = panic::catch_unwind(AssertUnwindSafe(|| check(&account, guard)));
            end_now(if result.is_ok() { 0 } else { 101 });
        };
        child.finish();
    }
    ensure!(account.version() == 0, "the child committed: {account:?}");
    ensure!(account.lock_state() == LockState::HeldHere, "the parent lost the lock: {account:?}");
    ensure!(guard.balance() == 5, "the parent lost what it wrote: {guard:?}");
    guard.set_deposits(6);
    drop(guard);
    ensure!((account.balance(), account.deposits(), account.version()) == (5, 6, 1), "one commit: {account:?}");
    ensure!(!account.lock()?.recovered(), "nobody died holding the lock");
    Ok(())
}

/// The lock is the parent's, so its guard does nothing here.
fn guard_of_the_parent(account: &SynchronizedAccount, mut guard: AccountGuard<'_>) {
    guard.commit();
    guard.rollback();
    let write = panic::catch_unwind(AssertUnwindSafe(|| guard.set_balance(6)));
    let message = write.expect_err("the guard holds nothing here");
    let message = message.downcast_ref::<&str>().copied().unwrap_or_default();
    assert!(message.contains("fork"), "the panic says why: {message}");
    let update = panic::catch_unwind(AssertUnwindSafe(|| guard.update(|account| account.balance = 6)));
    assert!(update.is_err(), "the guard holds nothing here");
    assert_eq!(guard.balance(), 10, "the child sees what is committed");
    assert_eq!(guard.load().expect("valid").balance, 10);
    assert!(format!("{guard:?}").contains("balance: 10"), "{guard:?}");
    drop(guard);
    assert!(matches!(account.lock_state(), LockState::Held { .. }), "dropping the guard released the lock");
    assert_eq!((account.balance(), account.version()), (10, 0), "dropping the guard committed");
}

/// The lock is the parent's, so it cannot be had here.
fn lock_of_the_parent(account: &SynchronizedAccount, guard: AccountGuard<'_>) {
    assert!(held_elsewhere(&account), "the child owns the lock: {account:?}");
    assert!(matches!(account.lock_timeout(SHORT), Err(Error::Lock(LockError::TimedOut))), "the child owns the lock: {account:?}");
    assert!(matches!(account.lock_state(), LockState::Held { .. }), "{:?}", account.lock_state());
    drop(guard);
    assert!(held_elsewhere(&account), "dropping the guard released the lock");
    assert_eq!(account.balance(), 10, "dropping the guard committed");

    // Locks of its own work, and go with it.
    let other = Synchronized::new(1_u64).expect("it can be created");
    other.update(|number| *number += 1).expect("it can be locked");
    assert_eq!(other.get(), 2);
}

fn held_by_another() -> Result<()> {
    let value = Synchronized::new(1_u64)?;
    let is_held = AtomicBool::new(false);
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut guard = value.lock().expect("it is free");
            guard.set(2);
            is_held.store(true, Ordering::Release);
            while !is_over.load(Ordering::Acquire) {
                thread::yield_now();
            }
        });
        while !is_held.load(Ordering::Acquire) {
            thread::yield_now();
        }
        fork(|| {
            assert!(
                held_elsewhere(&value),
                "nobody here holds it, but another process does"
            );
            assert_eq!(value.get(), 1, "the child sees what is committed");
        })
        .finish();
        // A child that outlives the owner gets the lock from it.
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
            assert_eq!(value.get(), 1, "the child sees what is committed");
        })
        .finish();
    })?;
    ensure!(value.get() == 2, "the parent's update was lost: {value:?}");

    // Here the child returns from the closure, too, and must not commit the parent's update.
    let child = value.update(|number| {
        *number += 1;
        split()
    })?;
    let Some(child) = child else { end_now(0) };
    child.finish();
    ensure!((value.get(), value.version()) == (3, 2), "the child committed too: {value:?}");
    ensure!(!value.try_lock()?.recovered(), "nobody died holding the lock");

    // Here the parent's closure panics after the child's has returned. What the child was told to write must not be
    // among what the parent's outer guard commits.
    let account = SynchronizedAccount::new(Account::after(1))?;
    let guard = account.lock()?;
    guard.set_balance(5);
    let result = panic::catch_unwind(AssertUnwindSafe(|| {
        account.update_deposits(|deposits| {
            let Some(child) = split() else {
                *deposits = 99;
                return;
            };
            child.finish();
            panic!("in the middle");
        })
    }));
    if result.is_ok() {
        end_now(0);
    }
    drop(guard);
    ensure!((account.balance(), account.deposits()) == (5, 1), "the child wrote, too: {account:?}");
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
                        0 => drop(Synchronized::new([7_u64; 16]).expect("it can be created")),
                        1 => drop(Synchronized::<u64>::open(name).expect("it is there")),
                        // A new thread is a new owner.
                        _ => thread::scope(|scope| {
                            scope.spawn(|| shared.update(|count| *count += 1).expect("it can be locked"));
                        }),
                    }
                    rounds.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for _ in 0..forks {
            fork(|| {
                let value = Synchronized::new(1_u64).expect("it can be created");
                value.update(|number| *number += 1).expect("it can be locked");
                let opened = Synchronized::<u64>::open(name).expect("it is there");
                opened.update(|count| *count += 1).expect("it can be locked");
                // Not in a thread of the child: the standard library cannot start one if the fork came while another
                // thread of the parent was starting one.
                named.update(|count| *count += 1).expect("it can be locked");
                drop((value, opened));
            })
            .finish();
        }
        is_over.store(true, Ordering::Relaxed);
    });
    ensure!(named.get() == 2 * forks, "every child counts twice: {named:?}");
    ensure!(rounds.load(Ordering::Relaxed) > 30, "the other threads did nothing meanwhile");
    Ok(())
}

fn generations() -> Result<()> {
    let value = Synchronized::new(0_u64)?;
    let progress = Synchronized::new(0_u64)?;
    let is_held = || assert!(held_elsewhere(&value), "the grandchild owns the lock");
    let guard = value.lock()?;
    let child = fork(|| {
        fork(is_held).finish();
        progress.set(1).expect("it is free");
        let guard = value.lock_timeout(DEADLINE).expect("the parent releases it");
        fork(is_held).finish();
        drop(guard);
        fork(|| value.update(|number| *number += 1).expect("it can be locked")).finish();
    });
    eventually("the first grandchild has looked", || progress.get() == 1);
    drop(guard);
    child.finish();
    ensure!(value.get() == 1, "the grandchild's change: {value:?}");
    Ok(())
}
