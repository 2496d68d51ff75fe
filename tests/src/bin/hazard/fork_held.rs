//! Forks while locks are held, and the uses of these locks in each process after that.

use std::cell::Cell;
use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::process::{self, Command};
use std::sync::mpsc;
use std::thread;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use rustix::process::{Signal, set_parent_process_death_signal};
use shared_value::{Error, LockError, LockState, Synchronized};
use shared_value_tests::values::{Account, SynchronizedAccount};
use shared_value_tests::{
    AT_ONCE, DEADLINE, Protocol, RobustMutexes, SegmentName, Taken, end_now, eventually, fork, held_elsewhere, split,
};

use crate::child::{elsewhere, end_after, kill_itself};
use crate::usage::Usage;

/// The situation of a fork.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Case {
    /// The thread holds many locks, each of them twice, among mutexes of the C library.
    ManyHeld,
    /// The parent dies before its child has dropped the copy of the guard.
    ParentKilled,
    /// A parent, a child and a grandchild each have a copy of one guard.
    Copies,
    /// A child takes the lock itself before it has dropped the copy of its parent's guard.
    Retaken,
    /// The thread is inside of an `update`.
    InUpdate,
    /// Another thread holds the lock, and ends without a release.
    AnotherEnds,
    /// The child drops all inherited handles.
    HandlesDropped,
    /// The child calls `exec`.
    Spawned,
}

impl Case {
    pub(crate) fn run(self) -> Result<()> {
        match self {
            Self::ManyHeld => many_held(),
            Self::ParentKilled => parent_killed(),
            Self::Copies => copies(),
            Self::Retaken => retaken(),
            Self::InUpdate => in_update(),
            Self::AnotherEnds => another_ends(),
            Self::HandlesDropped => handles_dropped(),
            Self::Spawned => spawned(),
        }
    }
}

fn many_held() -> Result<()> {
    const COUNT: usize = 20;
    const RELEASED: usize = 7;
    let values = (0..COUNT as u64).map(Synchronized::new).collect::<Result<Vec<_>, _>>()?;
    let of_the_child = Synchronized::new(0_u64)?;
    let mutexes = RobustMutexes::new(&[Protocol::Plain, Protocol::InheritPriority]);
    fork(|| {
        let mut guards = Vec::new();
        for (number, value) in values.iter().enumerate() {
            if number % 10 == 5 {
                assert_eq!(mutexes.take(number / 10), Taken::Free);
            }
            let guard = value.lock().expect("the lock is free");
            guard.set(100).expect("the lock is held");
            guards.push((guard, value.lock().expect("this thread holds the lock")));
        }
        mem::forget(values[3].lock());

        let Some(child) = split() else {
            end_after(|| {
                let check = || {
                    for (number, value) in (0..).zip(&values) {
                        assert!(held_elsewhere(value), "the child owns {value:?}");
                        assert!(matches!(value.lock_state(), LockState::Held { .. }), "{value:?}");
                        assert_eq!(value.get(), number, "the child must see the committed value");
                    }
                };
                check();
                of_the_child.update(|number| *number += 1).expect("the lock is free");
                mem::forget(of_the_child.lock());
                drop(guards);
                check();
                kill_itself();
            });
        };
        child.finish_killed();
        assert!(of_the_child.try_lock().expect("the child is dead").recovered());
        assert_eq!(of_the_child.get(), 1);

        drop(guards.remove(RELEASED));
        elsewhere(|| {
            for (number, value) in values.iter().enumerate() {
                assert_eq!(value.try_lock().is_ok(), number == RELEASED, "{value:?}");
            }
        });
        kill_itself();
    })
    .finish_killed();
    for (number, value) in values.iter().enumerate() {
        let guard = value.try_lock().with_context(|| format!("lock {number}"))?;
        let expected = if number == RELEASED { (100, false) } else { (number as u64, true) };
        ensure!((guard.load()?, guard.recovered()) == expected, "lock {number}: {guard:?}");
    }
    ensure!((mutexes.take(0), mutexes.take(1)) == (Taken::OwnerDied, Taken::OwnerDied), "the parent held both mutexes");
    Ok(())
}

fn parent_killed() -> Result<()> {
    let (value, step) = (Synchronized::new(1_u64)?, Synchronized::new(0_u64)?);
    fork(|| {
        let guard = value.lock().expect("the lock is free");
        guard.set(5).expect("the lock is held");
        let Some(_child) = split() else {
            end_after(|| {
                set_parent_process_death_signal(None).expect("no signal is a valid signal");
                step.set(1).expect("the lock is free");
                eventually("the lock was taken over", || step.get() == 2);
                drop(guard);
                step.set(3).expect("the lock is free");
                let guard = value.lock_timeout(DEADLINE).expect("the owner releases the lock");
                guard.update(|number| *number += 10).expect("the bits are valid");
                drop(guard);
                step.set(4).expect("the lock is free");
            });
        };
        eventually("the child survives its parent", || step.get() == 1);
        kill_itself();
    })
    .finish_killed();

    let guard = value.lock_timeout(AT_ONCE).context("the owner is dead, although its child lives")?;
    ensure!((guard.load()?, guard.recovered()) == (1, true), "the change of the dead owner is still there: {guard:?}");
    guard.set(2)?;
    step.set(2)?;
    eventually("the child has dropped its copy", || step.get() == 3);
    elsewhere(|| {
        assert!(held_elsewhere(&value), "the copy has released the lock of another owner");
        assert_eq!(value.get(), 1, "the copy has committed the change of another owner");
    });
    guard.set(3)?;
    drop(guard);
    eventually("the child has ended its work", || step.get() == 4);
    ensure!((value.get(), value.version(), value.recoveries()) == (13, 2, 1), "{value:?}");
    Ok(())
}

fn copies() -> Result<()> {
    let (value, step) = (Synchronized::new(0_u64)?, Synchronized::new(0_u64)?);
    let guard = value.lock()?;
    guard.set(1)?;
    let Some(child) = split() else {
        end_after(|| {
            let Some(grandchild) = split() else {
                end_after(|| {
                    eventually("the child has dropped its copy", || step.get() == 2);
                    drop(guard);
                    assert!(held_elsewhere(&value), "the copy has released the lock of another owner");
                    step.set(3).expect("the lock is free");
                    value.update(|number| *number += 100).expect("the value can be locked");
                });
            };
            eventually("the lock has another owner", || step.get() == 1);
            drop(guard);
            assert!(held_elsewhere(&value), "the copy has released the lock of another owner");
            step.set(2).expect("the lock is free");
            value.update(|number| *number += 10).expect("the value can be locked");
            grandchild.finish();
        });
    };
    drop(guard);
    let other = fork(|| {
        let guard = value.lock().expect("the parent has released the lock");
        guard.set(2).expect("the lock is held");
        step.set(1).expect("the lock is free");
        eventually("all copies are dropped", || step.get() == 3);
        guard.update(|number| *number += 1).expect("the bits are valid");
    });
    other.finish();
    child.finish();
    ensure!((value.get(), value.version(), value.recoveries()) == (113, 4, 0), "{value:?}");
    Ok(())
}

fn retaken() -> Result<()> {
    let value = Synchronized::new(0_u64)?;
    let of_the_parent = value.lock()?;
    of_the_parent.set(1)?;
    let Some(child) = split() else {
        end_after(|| {
            let own = value.lock_timeout(DEADLINE).expect("the parent releases the lock");
            own.set(2).expect("the lock is held");
            of_the_parent.commit();
            of_the_parent.rollback();
            let written = of_the_parent.set(3);
            assert!(
                matches!(written, Err(Error::Lock(LockError::NotHeld))),
                "the copy can write, because the child holds the lock by another guard: {written:?}"
            );
            drop(of_the_parent);
            assert_eq!(
                (own.load().expect("the bits are valid"), value.version()),
                (2, 1),
                "the copy has committed or rolled back"
            );
            elsewhere(|| assert!(held_elsewhere(&value), "the copy has released the lock"));
            own.set(4).expect("the lock is held");
        });
    };
    drop(of_the_parent);
    child.finish();
    ensure!((value.get(), value.version(), value.recoveries()) == (4, 2, 0), "{value:?}");
    Ok(())
}

/// The child's way out of the closure.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Leave {
    Return,
    Panic,
    EndNow,
    Exit,
    Abort,
    Kill,
}

/// The function that calls the closure.
#[derive(Clone, Copy, Debug)]
enum Update {
    Whole,
    Try,
    Field,
    Guard,
    GuardTry,
    GuardField,
}

impl Update {
    fn run(self, account: &SynchronizedAccount, change: impl FnOnce(&mut i64)) -> Result<(), Error> {
        match self {
            Self::Whole => account.update(|account| change(&mut account.balance)),
            Self::Try => account.try_update(|account| {
                change(&mut account.balance);
                Ok(())
            }),
            Self::Field => account.update_balance(change),
            Self::Guard => account.lock()?.update(|account| change(&mut account.balance)),
            Self::GuardTry => account.lock()?.try_update(|account| {
                change(&mut account.balance);
                Ok(())
            }),
            Self::GuardField => account.lock()?.update_balance(change),
        }
    }
}

fn in_update() -> Result<()> {
    let account = SynchronizedAccount::new(Account::after(0))?;
    let left = Synchronized::new(0_u64)?;
    let (mut balance, mut version) = (0, 0);
    for leave in [Leave::Return, Leave::Panic, Leave::EndNow, Leave::Exit, Leave::Abort, Leave::Kill] {
        for update in [Update::Whole, Update::Try, Update::Field, Update::Guard, Update::GuardTry, Update::GuardField] {
            let children = left.get();
            let child = Cell::new(None);
            let is_parent = Cell::new(true);
            let updated = panic::catch_unwind(AssertUnwindSafe(|| {
                update.run(&account, |balance| {
                    *balance += 1;
                    let Some(forked) = split() else {
                        is_parent.set(false);
                        *balance += 1_000;
                        return leave.closure();
                    };
                    match leave {
                        Leave::Return | Leave::Panic => {
                            eventually("the child has left the closure", || left.get() > children);
                            child.set(Some(forked));
                        }
                        Leave::EndNow | Leave::Exit => forked.finish_with(7),
                        Leave::Abort => forked.finish_by(Signal::ABORT),
                        Leave::Kill => forked.finish_killed(),
                    }
                })
            }));
            if !is_parent.get() {
                end_after(|| {
                    assert_eq!(updated.is_err(), leave == Leave::Panic);
                    assert!(held_elsewhere(&account), "the parent is still in the closure");
                    left.update(|left| *left += 1).expect("the lock is free");
                    account.update_balance(|balance| *balance += 100).expect("the parent releases the lock");
                });
            }
            updated.ok().context("the parent has panicked")?.context("the parent's update")?;
            balance += 1;
            version += 1;
            if let Some(child) = child.into_inner() {
                child.finish();
                balance += 100;
                version += 1;
            }
            let found = (account.balance(), account.version(), account.recoveries());
            ensure!(found == (balance, version, 0), "{leave:?} from {update:?}: {account:?}");
        }
    }
    Ok(())
}

impl Leave {
    fn closure(self) {
        match self {
            Self::Return => {}
            Self::Panic => panic!("as planned"),
            Self::EndNow => end_now(7),
            Self::Exit => process::exit(7),
            Self::Abort => process::abort(),
            Self::Kill => kill_itself(),
        }
    }
}

fn another_ends() -> Result<()> {
    let value = Synchronized::new(1_u64)?;
    let is_waiting = Synchronized::new(false)?;
    let (held, is_held) = mpsc::channel();
    let (end, may_end) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let value = &value;
        let owner = scope.spawn(move || {
            let guard = value.lock().expect("the lock is free");
            guard.set(2).expect("the lock is held");
            held.send(()).expect("the first thread waits");
            may_end.recv_timeout(DEADLINE).expect("the first thread sends");
            mem::forget(guard);
        });
        is_held.recv_timeout(DEADLINE).expect("the owner holds the lock");
        let child = fork(|| {
            assert!(held_elsewhere(value));
            is_waiting.set(true).expect("the lock is free");
            let guard = value.lock_timeout(DEADLINE).expect("its owner ends");
            assert_eq!((guard.load().expect("the bits are valid"), guard.recovered()), (1, true));
            guard.set(3).expect("the lock is held");
        });
        eventually("the child waits", || is_waiting.get());
        end.send(()).expect("the owner waits");
        owner.join().expect("the thread did not panic");
        child.finish();
    });
    ensure!((value.get(), value.version(), value.recoveries()) == (3, 1, 1), "{value:?}");
    Ok(())
}

fn handles_dropped() -> Result<()> {
    let name = SegmentName::new("handles-dropped");
    let value = Synchronized::create(&name, 1_u64)?;
    let is_out = Synchronized::new(false)?;
    let clone = value.clone();
    let guard = value.lock()?;
    guard.set(2)?;
    ensure!(Usage::now()?.maps(&name), "a segment in use is not mapped");
    let Some(child) = split() else {
        mem::forget(guard);
        drop((clone, value));
        end_after(|| {
            let usage = Usage::now().expect("the kernel tells it");
            assert!(!usage.maps(&name), "the parent's guard keeps the child's mapping");
            let value = Synchronized::<u64>::open(&name).expect("the value exists");
            assert!(held_elsewhere(&value), "the child owns the lock of its parent");
            is_out.set(true).expect("the lock is free");
            value.update(|number| *number += 1).expect("the parent releases the lock");
        });
    };
    eventually("the child has opened the value itself", || is_out.get());
    guard.set(3)?;
    ensure!(value.get() == 3 && clone.lock_state() == LockState::HeldHere, "the parent has lost the lock: {value:?}");
    drop(guard);
    child.finish();
    ensure!((value.get(), value.version(), value.recoveries()) == (4, 2, 0), "{value:?}");
    Ok(())
}

fn spawned() -> Result<()> {
    let value = Synchronized::new(1_u64)?;
    let guard = value.lock()?;
    guard.set(2)?;
    for _ in 0..10 {
        ensure!(Command::new("true").status()?.success(), "`true` has failed");
    }
    elsewhere(|| assert!(held_elsewhere(&value), "another program has released the lock: {value:?}"));
    drop(guard);
    ensure!((value.get(), value.version(), value.recoveries()) == (2, 1, 0), "{value:?}");
    Ok(())
}
