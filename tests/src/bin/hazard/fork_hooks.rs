//! Hooks of `pthread_atfork` that lock.
#![allow(unsafe_code)]

use std::cell::RefCell;
use std::pin::pin;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};
use std::thread;

use anyhow::{Result, ensure};
use clap::ValueEnum;
use shared_value::{Guard, Synchronized};
use shared_value_tests::{DEADLINE, fork, held_elsewhere, scaled, split};

use crate::child::end_after;

/// The actions of the hooks.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Case {
    /// Each hook changes the value, and makes and drops another value.
    Change,
    /// The hook before the `fork` takes the lock, and the hooks after it release the lock, as programs do with mutexes.
    Hold,
    /// Each hook begins to wait for a change in a task, and drops the task.
    Wait,
}

static VALUE: LazyLock<Synchronized<u64>> = LazyLock::new(|| Synchronized::new(0).expect("there is memory"));

thread_local! {
    static GUARD: RefCell<Option<Guard<'static, u64>>> = const { RefCell::new(None) };
}

impl Case {
    pub(crate) fn run(self) -> Result<()> {
        match self {
            Self::Change => changing(),
            Self::Hold => holding(),
            Self::Wait => waiting(),
        }
    }
}

fn register(prepare: extern "C" fn(), parent: extern "C" fn(), child: extern "C" fn()) -> Result<()> {
    // SAFETY: the functions take and return nothing, and are never unloaded.
    let result = unsafe { libc::pthread_atfork(Some(prepare as unsafe extern "C" fn()), Some(parent), Some(child)) };
    ensure!(result == 0, "the hooks were refused: error {result}");
    Ok(())
}

extern "C" fn change() {
    VALUE.update(|number| *number += 1).expect("the value can be locked");
    let other = Synchronized::new([1_u64; 100]).expect("there is memory");
    other.update(|numbers| numbers[9] += 1).expect("the value can be locked");
}

fn changing() -> Result<()> {
    register(change, change, change)?;
    let forks = scaled(200, 50);
    let is_over = AtomicBool::new(false);
    let changed = thread::scope(|scope| -> Result<u64> {
        let busy = scope.spawn(|| {
            let mut changed = 0;
            while !is_over.load(Ordering::Relaxed) {
                // The library makes a record of each new thread, which the hooks need too.
                thread::scope(|scope| {
                    scope.spawn(|| VALUE.update(|number| *number += 1).expect("the value can be locked"));
                });
                drop(Synchronized::new(1_u64).expect("there is memory"));
                changed += 1;
            }
            changed
        });
        for _ in 0..forks {
            // Each from a new thread, which locks for the first time in its hook.
            thread::scope(|scope| {
                scope.spawn(|| fork(|| VALUE.update(|number| *number += 1).expect("the value can be locked")).finish());
            });
        }
        is_over.store(true, Ordering::Relaxed);
        Ok(busy.join().expect("the thread did not panic"))
    })?;
    ensure!(VALUE.get() == changed + 4 * forks, "{changed} changes, {forks} forks: {:?}", *VALUE);
    ensure!(VALUE.recoveries() == 0, "no owner has died: {:?}", *VALUE);
    println!("{forks} forks, {changed} changes by another thread meanwhile");
    Ok(())
}

extern "C" fn wait() {
    let mut changes = VALUE.changes();
    let waiting = pin!(changes.changed());
    assert!(waiting.poll(&mut Context::from_waker(Waker::noop())).is_pending());
}

/// The hooks are there before the first task waits: hooks that the library installed at the first wait would run before these.
fn waiting() -> Result<()> {
    register(wait, wait, wait)?;
    wait();
    for _ in 0..scaled(50, 10) {
        fork(|| wait()).finish();
    }
    Ok(())
}

extern "C" fn take() {
    let guard = VALUE.lock_timeout(DEADLINE).expect("the value can be locked");
    guard.update(|number| *number += 1).expect("the bits are valid");
    GUARD.set(Some(guard));
}

extern "C" fn release() {
    GUARD.set(None);
}

fn holding() -> Result<()> {
    register(take, release, release)?;
    let forks = scaled(200, 50);
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..forks {
                VALUE.update(|number| *number += 1).expect("the value can be locked");
            }
        });
        for _ in 0..forks {
            let Some(child) = split() else {
                end_after(|| {
                    assert!(GUARD.take().is_none(), "the hook has not released the lock");
                    let guard = VALUE.lock_timeout(DEADLINE).expect("the parent releases the lock");
                    assert!(!guard.recovered());
                })
            };
            child.finish();
        }
    });
    ensure!((VALUE.get(), VALUE.recoveries()) == (2 * forks, 0), "{:?}", *VALUE);
    ensure!(!held_elsewhere(&VALUE), "the hook has not released the lock");
    Ok(())
}
