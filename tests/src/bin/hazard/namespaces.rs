//! Processes with an equal thread id: each is number 1 in a PID namespace of its own.
#![allow(unsafe_code)]

use std::fs;
use std::io::{self, Read, Write};
use std::mem;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use rustix::process::{Pid, Signal, kill_process};
use rustix::thread::{UnshareFlags, gettid, unshare_unsafe};
use shared_value::{Error, LockError, LockState, Synchronized};
use shared_value_tests::values::{Account, SynchronizedAccount};
use shared_value_tests::{
    AT_ONCE, DEADLINE, Forked, SHORT, end_now, eventually, fork, held_elsewhere, scaled, skip, split,
};

use crate::child::{elsewhere, end_after};

/// Runs a case with a named account, or reports that namespaces are not permitted.
#[derive(Debug, clap::Args)]
pub(crate) struct Namespaces {
    case: Case,
    name: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Case {
    /// Two processes change values at one time.
    Exclusion,
    /// A process tries to take a lock that the other one holds.
    Recursion,
    /// A process is killed while it holds the lock that the other one waits for.
    KilledOwner,
    /// A process is killed while it waits for the lock that the other one holds.
    KilledSleeper,
    /// A process is killed at a random moment, while the other one takes and releases the lock.
    KilledAnywhere,
    /// A process is the child of the other one.
    Nested,
}

impl Namespaces {
    pub(crate) fn run(self) -> Result<()> {
        if !are_permitted() {
            skip("PID namespaces are not permitted here");
            return Ok(());
        }
        let name = &*self.name;
        let anonymous = SynchronizedAccount::new(Account::after(1))?;
        match self.case {
            Case::Exclusion => exclusion(name, &anonymous),
            Case::Recursion => both(name, &anonymous, recursion),
            Case::KilledOwner => both(name, &anonymous, killed_owner),
            Case::KilledSleeper => both(name, &anonymous, killed_sleeper),
            Case::KilledAnywhere => killed_anywhere(&anonymous),
            Case::Nested => nested(&anonymous),
        }
    }
}

/// Returns whether this process may make PID namespaces.
pub(crate) fn are_permitted() -> bool {
    fork(|| unshare().expect("namespaces may be forbidden")).wait().exit_status() == Some(0)
}

/// Puts the later children of this process into a new PID namespace.
fn unshare() -> io::Result<()> {
    // SAFETY: only unsharing memory, descriptors or directories can be unsafe, and none of them is unshared.
    let unshared = unsafe { unshare_unsafe(UnshareFlags::NEWPID) };
    if unshared == Err(rustix::io::Errno::PERM) {
        // SAFETY: as above.
        unsafe { unshare_unsafe(UnshareFlags::NEWPID | UnshareFlags::NEWUSER)? };
        return Ok(());
    }
    Ok(unshared?)
}

/// A process that is number 1 in a PID namespace of its own.
pub(crate) struct Twin {
    /// The parent of the process, and a child of this one. It ends with the exit status of its child.
    between: Forked,
    process: Pid,
}

/// The exit status of the process between if its child was killed.
const KILLED: i32 = 9;

impl Twin {
    pub(crate) fn start(body: impl FnOnce()) -> Result<Self> {
        let (mut receiver, mut sender) = io::pipe()?;
        let Some(between) = split() else {
            end_after(|| {
                unshare().expect("namespaces are permitted");
                let twin = fork(|| {
                    assert_eq!(gettid(), Pid::INIT, "the process is the first of its namespace");
                    body();
                });
                let number = twin.process_id().as_raw_nonzero().get();
                sender.write_all(&number.to_ne_bytes()).expect("the first process reads it");
                end_now(twin.wait().exit_status().unwrap_or(KILLED));
            });
        };
        let mut number = [0; 4];
        receiver.read_exact(&mut number).context("the process between sends the number")?;
        let process = Pid::from_raw(i32::from_ne_bytes(number)).context("zero is not a process")?;
        Ok(Self { between, process })
    }

    pub(crate) fn finish(self) {
        self.between.finish();
    }

    pub(crate) fn kill(self) {
        kill_process(self.process, Signal::KILL).expect("the process runs");
        self.between.finish_with(KILLED);
    }

    /// Waits until the process sleeps.
    fn await_sleep(&self) {
        let file = format!("/proc/{}/stat", self.process.as_raw_nonzero());
        eventually("the process sleeps", || fs::read_to_string(&file).is_ok_and(|text| text.contains(") S ")));
    }
}

/// Runs a case with both accounts. Only the twins open the named one, each with a mapping of its own.
fn both(
    name: &str,
    anonymous: &SynchronizedAccount,
    case: fn(&dyn Fn() -> SynchronizedAccount) -> Result<()>,
) -> Result<()> {
    case(&|| anonymous.clone()).context("anonymous")?;
    case(&|| SynchronizedAccount::open(name).expect("the test has created it")).context("named")
}

fn exclusion(name: &str, anonymous: &SynchronizedAccount) -> Result<()> {
    let rounds = u32::try_from(scaled(50_000, 5_000))?;
    let ready = Synchronized::new(0_u64)?;
    let count = || {
        let named = SynchronizedAccount::open(name).expect("the test has created it");
        ready.update(|ready| *ready += 1).expect("the value can be locked");
        eventually("the other one is ready", || ready.get() == 2);
        for account in [anonymous, &named] {
            for _ in 0..rounds {
                let guard = account.lock().expect("the value can be locked");
                assert_eq!(account.requests().fetch_add(1), 0, "two processes own the lock");
                let deposits = guard.deposits() + 1;
                guard.set_deposits(deposits).expect("the lock is held");
                // The lock must recognize its owner.
                account.update_limits(|limits| limits[0] += 1).expect("this thread holds the lock");
                guard.update_balance(|balance| *balance += 10).expect("the lock is held");
                account.requests().fetch_sub(1);
                drop(guard);
                account.update_limits(|limits| limits[1] += 1).expect("the value can be locked");
            }
        }
    };
    let twins = [Twin::start(count)?, Twin::start(count)?];
    let start = Instant::now();
    for twin in twins {
        twin.finish();
    }
    println!("{} guarded changes of each of two values by two processes in {:?}", 2 * rounds, start.elapsed());
    let named = SynchronizedAccount::open(name)?;
    for account in [anonymous, &named] {
        let found = account.load()?;
        ensure!(found.deposits == 1 + 2 * u64::from(rounds), "{account:?}");
        ensure!(found.balance == 10 + 20 * i64::from(rounds), "{account:?}");
        ensure!(found.limits[0] == 1 + 2 * rounds && found.limits[1] == 1 + 2 * rounds, "{account:?}");
        ensure!(account.recoveries() == 0, "no owner has died: {account:?}");
    }
    Ok(())
}

fn recursion(account: &dyn Fn() -> SynchronizedAccount) -> Result<()> {
    let step = Synchronized::new(0_u64)?;
    let owner = Twin::start(|| {
        let account = account();
        let guard = account.lock().expect("the lock is free");
        guard.set_balance(77).expect("the lock is held");
        step.set(1).expect("the lock is free");
        eventually("the other one has looked", || step.get() == 2);
        assert_eq!(account.lock_state(), LockState::HeldHere);
        drop(account.try_lock().expect("this thread holds the lock"));
        guard.set_balance(10).expect("the lock is held");
        drop(guard);
        step.set(3).expect("the lock is free");
    })?;
    eventually("the owner holds the lock", || step.get() == 1);
    let other = Twin::start(|| {
        let account = account();
        let look = || {
            assert_eq!(account.lock_state(), LockState::Held { thread_id: 1 }, "the other process has this id too");
            assert!(held_elsewhere(&account));
            assert!(matches!(account.lock_timeout(SHORT), Err(Error::Lock(LockError::TimedOut))));
            assert_eq!(account.balance(), 10, "an uncommitted change of the other process is visible");
        };
        look();
        // Again in a thread that holds a lock.
        let other = Synchronized::new(1_u64).expect("there is memory");
        let guard = other.lock().expect("the lock is free");
        look();
        step.set(2).expect("the lock is free");
        assert!(!account.lock_timeout(DEADLINE).expect("the owner releases the lock").recovered());
        drop(guard);
    })?;
    other.finish();
    owner.finish();
    ensure!(step.get() == 3);
    Ok(())
}

fn killed_owner(account: &dyn Fn() -> SynchronizedAccount) -> Result<()> {
    let rounds = scaled(50, 10);
    let step = Synchronized::new(0_u64)?;
    let mut slowest = Duration::ZERO;
    for round in 0..rounds {
        step.set(0)?;
        let owner = Twin::start(|| {
            let account = account();
            let guard = account.lock().expect("the lock is free");
            guard.set_balance(-1).expect("the lock is held");
            let updated = account.update(|_| {
                step.set(1).expect("the lock is free");
                await_death();
            });
            unreachable!("the process is killed: {updated:?}");
        })?;
        eventually("the owner holds the lock", || step.get() == 1);
        let killed = Synchronized::new(0_u64)?;
        let start = Instant::now();
        let other = Twin::start(|| {
            let account = account();
            step.set(2).expect("the lock is free");
            let guard = account.lock_timeout(DEADLINE).expect("its owner is killed");
            killed.set(u64::try_from(start.elapsed().as_micros()).expect("a short time")).expect("the lock is free");
            assert!(guard.recovered(), "round {round}");
            assert_eq!(guard.load().expect("the bits are valid"), Account::after(1));
            guard.commit();
        })?;
        eventually("the other one waits", || step.get() == 2);
        other.await_sleep();
        let at = start.elapsed();
        owner.kill();
        other.finish();
        slowest = slowest.max(Duration::from_micros(killed.get()).saturating_sub(at));
    }
    println!("{rounds} killed owners; the slowest successor had the lock {slowest:?} after the kill");
    ensure!(slowest < AT_ONCE);
    Ok(())
}

fn killed_sleeper(account: &dyn Fn() -> SynchronizedAccount) -> Result<()> {
    let rounds = scaled(50, 15);
    let step = Synchronized::new(0_u64)?;
    let of_the_sleeper = Synchronized::new(0_u64)?;
    let owner = Twin::start(|| {
        let account = account();
        account
            .update(|account| {
                step.set(1).expect("the lock is free");
                eventually("all sleepers are dead", || step.get() == 2);
                account.balance += 10;
                account.balance -= 10;
            })
            .expect("no other process has changed the lock");
        assert_eq!(account.recoveries(), 0);
    })?;
    eventually("the owner holds the lock", || step.get() == 1);
    for round in 0..rounds {
        let is_waiting = Synchronized::new(false)?;
        let sleeper = Twin::start(|| {
            let account = account();
            mem::forget(of_the_sleeper.lock().expect("the lock is free"));
            is_waiting.set(true).expect("the lock is free");
            let never = if round % 2 == 0 { account.lock() } else { account.lock_timeout(DEADLINE * 2) };
            unreachable!("the process is killed: {never:?}");
        })?;
        eventually("the sleeper waits", || is_waiting.get());
        sleeper.await_sleep();
        sleeper.kill();
        ensure!(of_the_sleeper.try_lock()?.recovered(), "the lock of the killed sleeper is free");
        elsewhere(|| {
            let account = account();
            assert!(held_elsewhere(&account), "released by a sleeper's death, {round}");
            assert_eq!(account.lock_state(), LockState::Held { thread_id: 1 });
        });
    }
    step.set(2)?;
    owner.finish();
    println!("{rounds} killed sleepers");
    Ok(())
}

fn killed_anywhere(account: &SynchronizedAccount) -> Result<()> {
    let kills = scaled(1_000, 60);
    let step = Synchronized::new(0_u64)?;
    let stolen = Synchronized::new(0_u64)?;
    let owner = Twin::start(|| {
        while step.get() == 0 {
            let updated = account.update(|account| {
                account.balance += 1;
                thread::sleep(Duration::from_micros(100));
            });
            match updated {
                Ok(()) => {}
                Err(Error::Lock(LockError::Corrupted)) => {
                    stolen.update(|stolen| *stolen += 1).expect("the lock is free");
                }
                Err(error) => panic!("{error}"),
            }
        }
    })?;
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..kills {
        let other = Twin::start(|| {
            loop {
                account.update(|account| account.deposits += 1).expect("the value can be locked");
            }
        })?;
        thread::sleep(Duration::from_micros(random.u64(..3_000)));
        other.kill();
    }
    step.set(1)?;
    owner.finish();
    println!("{kills} kills: {} recoveries, of which {} under a living owner", account.recoveries(), stolen.get());
    Ok(())
}

fn nested(account: &SynchronizedAccount) -> Result<()> {
    let of_the_child = Synchronized::new(0_u64)?;
    for is_killed in [false, true] {
        let outer = Twin::start(|| {
            let guard = account.lock().expect("the lock is free");
            guard.update_balance(|balance| *balance += 1).expect("the lock is held");
            unshare().expect("namespaces are permitted");
            let child = fork(|| {
                assert_eq!(gettid(), Pid::INIT, "the process is the first of its namespace");
                assert!(held_elsewhere(account), "the child owns the lock of its parent, which has the same id");
                mem::forget(of_the_child.lock().expect("the lock is free"));
                if is_killed {
                    await_death();
                }
            });
            if is_killed {
                eventually("the child holds its own lock", || held_elsewhere(&of_the_child));
                child.signal(Signal::KILL);
                child.finish_killed();
            } else {
                child.finish();
            }
            assert!(of_the_child.lock_timeout(AT_ONCE).expect("its owner is dead").recovered());
            guard.set_deposits(9).expect("the lock is held");
        })?;
        outer.finish();
    }
    let found = (account.balance(), account.deposits(), account.version(), account.recoveries());
    ensure!(found == (12, 9, 2, 0), "{account:?}");
    Ok(())
}

/// Waits until this process is killed.
fn await_death() {
    loop {
        thread::park();
    }
}
