//! Leaked guards, and resources that must not leak.

use std::cell::Cell;
use std::mem;
use std::thread;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use shared_value::{LockState, Synchronized};
use shared_value_tests::{AT_ONCE, SegmentName, fork, held_elsewhere, scaled};

use crate::child::{elsewhere, kill_itself};
use crate::usage::Usage;

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Case {
    /// A thread forgets nested guards, and ends.
    Forgotten,
    /// Handles are dropped in every order, with a forgotten guard of one of them, or without.
    Orders,
    /// Thousands of threads lock once and end.
    Threads,
    /// Thousands of values are made and dropped.
    Values,
    /// Guards are leaked, their threads end, and the values are opened and dropped again.
    Reopened,
}

impl Case {
    pub(crate) fn run(self) -> Result<()> {
        match self {
            Self::Forgotten => forgotten(),
            Self::Orders => orders(),
            Self::Threads => threads(),
            Self::Values => values(),
            Self::Reopened => reopened(),
        }
    }
}

fn forgotten() -> Result<()> {
    let (one, other) = (Synchronized::new(1_u64)?, Synchronized::new(1_u64)?);
    thread::scope(|scope| {
        let owner = scope.spawn(|| {
            let guard = one.lock().expect("the lock is free");
            guard.set(2).expect("the lock is held");
            guard.commit();
            guard.set(3).expect("the lock is held");
            mem::forget(guard);
            for _ in 0..3 {
                mem::forget((one.lock(), other.lock(), one.lock()));
            }
            let guard = other.lock().expect("this thread holds the lock");
            guard.set(4).expect("the lock is held");
            drop(guard);
            one.update(|number| *number += 1).expect("this thread holds the lock");
            assert_eq!((one.get(), other.get()), (4, 4), "the thread must read its own writes");
            elsewhere(|| {
                for (value, expected) in [(&one, 2), (&other, 1)] {
                    assert!(held_elsewhere(value), "the lock of a forgotten guard was released");
                    assert_eq!(value.get(), expected, "the change of a forgotten guard was committed");
                }
            });
        });
        owner.join().expect("the thread did not panic");
        for (value, expected) in [(&one, 2), (&other, 1)] {
            let guard = value.lock_timeout(AT_ONCE).context("the lock of an ended thread")?;
            ensure!((guard.load()?, guard.recovered()) == (expected, true), "{guard:?}");
        }
        Ok(())
    })
}

fn is_mapped(name: &SegmentName) -> bool {
    Usage::now().expect("the kernel tells it").maps(name)
}

fn orders() -> Result<()> {
    let (before, after) = (Synchronized::new(0_u64)?, Synchronized::new(0_u64)?);
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    for order in orders {
        for forgotten in [None, Some(0), Some(1), Some(2)] {
            let name = SegmentName::new("orders");
            fork(|| {
                let value = Synchronized::create(&name, 1_u64).expect("the name is new");
                let opened = Synchronized::open(&name).expect("the value exists");
                let mut handles = [Some(value.clone()), Some(opened), Some(value)];
                let first = before.lock().expect("the lock is free");
                if let Some(number) = forgotten {
                    let handle = handles[number].as_ref().expect("no handle was dropped yet");
                    let guard = handle.lock().expect("the lock is free");
                    guard.set(2).expect("the lock is held");
                    mem::forget((guard, handle.lock()));
                }
                let last = after.lock().expect("the lock is free");
                for number in order {
                    assert!(is_mapped(&name));
                    handles[number] = None;
                }
                assert_eq!(is_mapped(&name), forgotten.is_some(), "only a held lock keeps the segment mapped");
                // The robust list still works: entries are added and removed on both sides of the forgotten one.
                drop(first);
                let again = before.lock().expect("the lock is free");
                drop(last);
                let value = Synchronized::<u64>::open(&name).expect("the value exists");
                let state = if forgotten.is_some() { LockState::HeldHere } else { LockState::Free };
                assert_eq!(value.lock_state(), state);
                mem::forget((again, after.lock()));
                kill_itself();
            })
            .finish_killed();
            let value = Synchronized::<u64>::open(&name)?;
            ensure!(before.try_lock()?.recovered() && after.try_lock()?.recovered(), "{order:?}, {forgotten:?}");
            let guard = value.try_lock()?;
            ensure!((guard.load()?, guard.recovered()) == (1, forgotten.is_some()), "{order:?}, {forgotten:?}");
        }
    }
    Ok(())
}

/// Repeats a round, and checks that the process does not grow. The first rounds do not count: in them the library and the C
/// library take memory that they keep.
fn growth(rounds: u64, mut round: impl FnMut(u64) -> Result<()>) -> Result<()> {
    const MOST: u64 = 1_024;
    let warm_up = rounds / 4;
    (0..warm_up).try_for_each(&mut round)?;
    let before = Usage::now()?;
    (warm_up..warm_up + rounds).try_for_each(&mut round)?;
    let after = Usage::now()?;
    println!(
        "{rounds} rounds: {} to {} descriptors, {} to {} mappings, {} to {} KiB",
        before.descriptors, after.descriptors, before.mappings, after.mappings, before.kibibytes, after.kibibytes
    );
    ensure!(after.descriptors <= before.descriptors, "descriptors are leaked");
    // The C library's allocator may add an arena, and the stack of a thread is two mappings.
    ensure!(after.mappings <= before.mappings + 8, "mappings are leaked");
    ensure!(after.kibibytes <= before.kibibytes + MOST, "memory is leaked");
    Ok(())
}

thread_local! {
    static LAST: Cell<Option<Synchronized<u64>>> = const { Cell::new(None) };
}

fn threads() -> Result<()> {
    let values = (0..12).map(|_| Synchronized::new(0_u64)).collect::<Result<Vec<_>, _>>()?;
    let rounds = scaled(10_000, 2_000);
    growth(rounds, |round| {
        thread::scope(|scope| {
            let values = &values;
            // Two threads at a time.
            let both = [(); 2].map(|()| {
                scope.spawn(move || {
                    values[0].update(|number| *number += 1).expect("the value can be locked");
                    if round % 4 == 0 {
                        // More locks than a new record of a thread has room for.
                        let guards: Vec<_> = values.iter().map(Synchronized::lock).collect();
                        assert!(guards.iter().all(Result::is_ok));
                    }
                    if round % 4 == 1 {
                        mem::forget(values[1].lock());
                    }
                    if round % 4 == 2 {
                        LAST.set(Some(values[2].clone()));
                    }
                })
            });
            // Joined, because a scope does not wait for the destructors of a thread's thread-locals.
            for thread in both {
                thread.join().expect("the thread did not panic");
            }
        });
        Ok(())
    })?;
    ensure!(values[0].get() == 2 * (rounds + rounds / 4), "{:?}", values[0]);
    Ok(())
}

fn values() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("value");
    growth(10_000, |round| {
        let value = if round % 10 == 0 {
            let name = SegmentName::new("many");
            let value = Synchronized::create(&name, round)?;
            drop(Synchronized::<u64>::open(&name)?);
            value
        } else if round % 10 == 1 {
            let value = Synchronized::create(&path, round)?;
            std::fs::remove_file(&path)?;
            value
        } else {
            Synchronized::new(round)?
        };
        let (clone, read_only) = (value.clone(), value.read_only()?);
        drop(value);
        clone.update(|number| *number += 1)?;
        ensure!(read_only.get() == round + 1);
        Ok(())
    })
}

fn reopened() -> Result<()> {
    growth(200, |_| {
        let name = SegmentName::new("reopened");
        let value = Synchronized::create(&name, 1_u64)?;
        let (done, is_done) = std::sync::mpsc::channel();
        let (end, may_end) = std::sync::mpsc::channel::<()>();
        let owner = thread::spawn(move || {
            mem::forget(value.lock());
            drop(value);
            done.send(()).expect("the other thread waits for it");
            may_end.recv().expect("the first thread sends");
        });
        is_done.recv()?;
        let opened = Synchronized::<u64>::open(&name)?;
        ensure!(held_elsewhere(&opened), "the lock of a living thread is free");
        end.send(())?;
        owner.join().expect("the thread did not panic");
        ensure!(opened.lock_timeout(AT_ONCE)?.recovered(), "the lock's thread has ended");
        drop(opened);
        let again = Synchronized::<u64>::open(&name)?;
        ensure!(!again.try_lock()?.recovered(), "one death was reported twice");
        ensure!(again.recoveries() == 1, "{again:?}");
        drop(again);
        ensure!(!Usage::now()?.maps(&name), "a segment without handles and guards is still mapped");
        Ok(())
    })
}
