//! Owners of a lock that are gone although the kernel did not mark the lock: its robust list was cut, as another copy of the
//! library or of the C library can do, or its memory was reaped before the kernel walked the list.
#![allow(unsafe_code)]

use std::mem;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;
use rustix::fs::OFlags;
use rustix::process::{Resource, Rlimit, Signal, kill_process, set_parent_process_death_signal, setrlimit};
use shared_value::{Error, Guard, LockError, LockState, RLock, Synchronized};
use shared_value_tests::death::reap;
use shared_value_tests::{AT_ONCE, DEADLINE, Forked, SegmentName, eventually, fork, skip};

use crate::namespaces::{Twin, are_permitted};
use crate::raw_thread::vanish;

/// Longer than a waiter sees an owner before it asks whether the owner exists.
const LONG: Duration = Duration::from_millis(2_500);

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Case {
    /// The owner was killed; its parent has not asked for its status yet.
    Killed,
    /// The memory of the owner was reaped before the owner ran again.
    Reaped,
    /// The owner was killed, and a child that it forked lives.
    ChildLives,
    /// The owner has executed another program.
    Exec,
    /// The owner was killed in another PID namespace, in which it had the thread id of the waiter.
    Namespace,
    /// The owner was killed; the lock is an object that guards several values.
    Object,
    /// The owner is a thread of this process that ended by the system call alone.
    Thread,
    /// Those who wait do so for a short time, again and again.
    ShortWaits,
    /// The owner lives: it is stopped.
    Stopped,
    /// The owner lives, and has closed all its descriptors.
    Closed,
    /// The owner lives, and has opened the file by another way and closed it again.
    OpenedAgain,
    /// The owner lives in another PID namespace.
    LivesElsewhere,
    /// The owner was killed, but had no descriptor left to be vouched for.
    Unvouched,
}

/// A number by which the owner tells the others how far it is.
type Step = Synchronized<u64>;

impl Case {
    pub(crate) fn run(self) -> Result<()> {
        let name = SegmentName::new("gone");
        let (value, step) = (Synchronized::create(&name, 1_u64)?, Step::new(0)?);
        match self {
            Self::Namespace | Self::LivesElsewhere if !are_permitted() => {
                skip("PID namespaces are not permitted here");
                Ok(())
            }
            Self::Stopped | Self::Closed | Self::OpenedAgain | Self::LivesElsewhere | Self::Unvouched => {
                self.keep(&name, value, &step)
            }
            _ => self.take_over(&value, &step),
        }
    }

    /// Checks that the lock of an owner that is gone is taken over.
    fn take_over(self, value: &Synchronized<u64>, step: &Step) -> Result<()> {
        let owner = |after: &dyn Fn()| own(value, step, after);
        match self {
            Self::Killed => {
                let killed = kill(owner(&wait_for_death));
                is_taken_over(value)?;
                killed.finish_killed();
            }
            Self::Reaped => {
                for _ in 0..5 {
                    let value = Synchronized::new(1_u64)?;
                    let owner = fork(|| {
                        mem::forget(hold_linked(&value));
                        wait_for_death();
                    });
                    eventually("the lock is held", || value.lock_state() != LockState::Free);
                    reap(owner.process_id())?;
                    owner.finish_killed();
                    is_taken_over(&value)?;
                }
            }
            Self::ChildLives => {
                let owner = owner(&|| {
                    let _child = mem::ManuallyDrop::new(fork(|| {
                        set_parent_process_death_signal(None).expect("it outlives its parent");
                        step.set(2).expect("the value can be locked");
                        eventually("the lock was taken over", || step.get() == 3);
                    }));
                    wait_for_death();
                });
                eventually("the child is there", || step.get() == 2);
                let killed = kill(owner);
                is_taken_over(value)?;
                step.set(3)?;
                killed.finish_killed();
            }
            Self::Exec => {
                let replaced = owner(&|| panic!("{}", Command::new("sleep").arg("60").exec()));
                is_taken_over(value)?;
                kill(replaced).finish_killed();
            }
            Self::Namespace => {
                let owner = Twin::start(|| {
                    hold(value, step);
                    wait_for_death();
                })?;
                eventually("the lock is held", || step.get() == 1);
                owner.kill();
                Twin::start(|| is_taken_over(value).expect("the owner is gone"))?.finish();
            }
            Self::Object => object(step)?,
            Self::Thread => {
                let (held, told) = (value.clone(), step.clone());
                std::thread::spawn(move || {
                    hold(&held, &told);
                    mem::forget((held, told));
                    vanish();
                });
                eventually("the lock is held", || step.get() == 1);
                is_taken_over(value)?;
            }
            Self::ShortWaits => {
                kill(owner(&wait_for_death)).finish_killed();
                let start = Instant::now();
                let taken = loop {
                    match value.lock_timeout(Duration::from_millis(120)) {
                        Err(Error::Lock(LockError::TimedOut)) => {
                            ensure!(start.elapsed() < DEADLINE, "never taken over");
                        }
                        taken => break taken?,
                    }
                };
                ensure!(taken.recovered(), "the owner has died");
            }
            _ => bail!("the owner of this case lives"),
        }
        Ok(())
    }

    /// Checks that an owner that lives keeps its lock, or one of which nothing is known.
    fn keep(self, name: &SegmentName, value: Synchronized<u64>, step: &Step) -> Result<()> {
        let owner = |after: &dyn Fn()| own(&value, step, after);
        match self {
            Self::LivesElsewhere => {
                let owner = Twin::start(|| {
                    hold(&value, step);
                    wait_for_death();
                })?;
                eventually("the lock is held", || step.get() == 1);
                Twin::start(|| stays_held(&value).expect("the owner lives"))?.finish();
                owner.kill();
            }
            Self::Stopped => {
                let owner = owner(&wait_for_death);
                owner.signal(Signal::STOP);
                stays_held(&value)?;
                kill(owner).finish_killed();
            }
            Self::Closed => lives(
                &value,
                owner(&|| {
                    // SAFETY: this process uses no descriptor afterwards.
                    unsafe { libc::close_range(0, u32::MAX, 0) };
                    wait_for_death();
                }),
            )?,
            Self::OpenedAgain => lives(
                &value,
                owner(&|| {
                    let flags = OFlags::RDWR | OFlags::CLOEXEC;
                    drop(rustix::fs::open(name.path(), flags, rustix::fs::Mode::empty()).expect("the file is there"));
                    wait_for_death();
                }),
            )?,
            Self::Unvouched => {
                let owner = fork(|| {
                    let none = Rlimit { current: Some(0), maximum: Some(0) };
                    setrlimit(Resource::Nofile, none).expect("a limit may be lowered");
                    hold(&value, step);
                    wait_for_death();
                });
                eventually("the lock is held", || step.get() == 1);
                kill(owner).finish_killed();
                // Nothing tells whether the owner lives, so the lock stays held until no process uses the segment.
                stays_held(&value)?;
                drop(value);
                is_taken_over(&Synchronized::open(&**name)?)?;
            }
            _ => bail!("the owner of this case is gone"),
        }
        Ok(())
    }
}

/// Starts a process that holds the lock, and then does something.
fn own(value: &Synchronized<u64>, step: &Step, after: &dyn Fn()) -> Forked {
    let owner = fork(|| {
        hold(value, step);
        after();
    });
    eventually("the lock is held", || step.get() >= 1);
    owner
}

/// Takes the lock, begins a change, and cuts the robust list.
fn hold(value: &Synchronized<u64>, step: &Step) {
    mem::forget(hold_linked(value));
    cut_list();
    step.set(1).expect("the lock is free");
}

/// Takes the lock, and begins a change.
fn hold_linked(value: &Synchronized<u64>) -> Guard<'_, u64> {
    let guard = value.lock().expect("the lock is free");
    guard.set(2).expect("the lock is held");
    guard
}

/// Gives the kernel an empty list in place of the C library's.
fn cut_list() {
    let head: &'static mut [usize; 3] = Box::leak(Box::new([0; 3]));
    head[0] = head.as_ptr().addr();
    // SAFETY: the head is never freed, and names itself as the end of the list.
    let result = unsafe { libc::syscall(libc::SYS_set_robust_list, head.as_mut_ptr(), size_of_val(head)) };
    assert_eq!(result, 0, "the kernel takes the list");
}

fn wait_for_death() {
    loop {
        std::thread::sleep(DEADLINE);
    }
}

fn kill(owner: Forked) -> Forked {
    kill_process(owner.process_id(), Signal::KILL).expect("the owner runs");
    owner
}

fn is_taken_over(value: &Synchronized<u64>) -> Result<()> {
    let guard = value.lock_timeout(AT_ONCE).context("the owner is gone")?;
    ensure!(guard.recovered(), "the owner has died with the lock");
    ensure!(guard.get() == 1 && value.recoveries() == 1, "its change is gone: {value:?}");
    guard.set(3)?;
    drop(guard);
    ensure!(value.get() == 3, "the new owner has changed it");
    ensure!(!value.lock()?.recovered(), "one death is recovered from once");
    Ok(())
}

fn stays_held(value: &Synchronized<u64>) -> Result<()> {
    let taken = value.lock_timeout(LONG);
    ensure!(matches!(taken, Err(Error::Lock(LockError::TimedOut))), "{taken:?}");
    ensure!(value.recoveries() == 0, "it was not taken over: {value:?}");
    Ok(())
}

/// Checks that an owner that lives keeps its lock, and that the lock is free after its death.
fn lives(value: &Synchronized<u64>, owner: Forked) -> Result<()> {
    stays_held(value)?;
    kill(owner).finish_killed();
    is_taken_over(value)
}

fn object(step: &Step) -> Result<()> {
    let lock = RLock::new()?;
    let values = [0; 2].map(|_| Synchronized::options().lock(&lock).new(1_u64));
    let [one, other] = values;
    let (one, other) = (one?, other?);
    let owner = fork(|| {
        hold(&one, step);
        wait_for_death();
    });
    eventually("the lock is held", || step.get() == 1);
    kill(owner).finish_killed();
    let guard = other.lock_timeout(AT_ONCE).context("the owner is gone")?;
    ensure!(guard.recovered() && one.get() == 1, "the change of the other value is gone, too");
    Ok(())
}
