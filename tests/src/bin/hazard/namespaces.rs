//! Processes that are number 1 in PID namespaces of their own, and so have the same thread id.
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
use shared_value::{Error, LockState, Synchronized};
use shared_value_tests::values::{Account, SynchronizedAccount};
use shared_value_tests::{AT_ONCE, DEADLINE, Forked, SHORT, end_now, eventually, fork, scaled, split};

use crate::child::{elsewhere, end_after};

/// Plays a case with a named account, or says that namespaces are not permitted.
#[derive(Debug, clap::Args)]
pub(crate) struct Namespaces {
    case: Case,
    name: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Case {
    /// Two of them change values at the same time.
    Exclusion,
    /// One asks for a lock that the other one holds.
    Recursion,
    /// One is killed while it holds the lock that the other one waits for.
    KilledOwner,
    /// One is killed while it waits for the lock that the other one holds.
    KilledSleeper,
    /// One is killed whenever, while the other one holds and releases the lock.
    KilledAnywhere,
    /// One is the other's child.
    Nested,
}

impl Namespaces {
    pub(crate) fn run(self) -> Result<()> {
        if fork(|| unshare().expect("perhaps not permitted")).wait().exit_status() != Some(0) {
            println!("skipped: PID namespaces are not permitted here");
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

/// Who else this process forks from now on is in a PID namespace of its own.
fn unshare() -> io::Result<()> {
    // SAFETY: no memory, descriptors or directories are unshared, which is what could be unsafe.
    let unshared = unsafe { unshare_unsafe(UnshareFlags::NEWPID) };
    if unshared == Err(rustix::io::Errno::PERM) {
        // SAFETY: as above.
        unsafe { unshare_unsafe(UnshareFlags::NEWPID | UnshareFlags::NEWUSER)? };
        return Ok(());
    }
    Ok(unshared?)
}

/// A process that is number 1 in a PID namespace of its own.
struct Twin {
    /// A process between that one and this, which has to be its parent, and ends as it does.
    between: Forked,
    process: Pid,
}

/// What the process between ends with if its child was killed.
const KILLED: i32 = 9;

impl Twin {
    fn start(body: impl FnOnce()) -> Result<Self> {
        let (mut receiver, mut sender) = io::pipe()?;
        let Some(between) = split() else {
            end_after(|| {
                unshare().expect("it is permitted");
                let twin = fork(|| {
                    assert_eq!(gettid(), Pid::INIT, "the first one of its namespace");
                    body();
                });
                let number = twin.process_id().as_raw_nonzero().get();
                sender.write_all(&number.to_ne_bytes()).expect("it is read");
                end_now(twin.wait().exit_status().unwrap_or(KILLED));
            });
        };
        let mut number = [0; 4];
        receiver.read_exact(&mut number).context("the process between says the number")?;
        let process = Pid::from_raw(i32::from_ne_bytes(number)).context("zero is nobody")?;
        Ok(Self { between, process })
    }

    fn finish(self) {
        self.between.finish();
    }

    fn kill(self) {
        kill_process(self.process, Signal::KILL).expect("it is there");
        self.between.finish_with(KILLED);
    }

    /// Waits until it sleeps.
    fn await_sleep(&self) {
        let file = format!("/proc/{}/stat", self.process.as_raw_nonzero());
        eventually("it sleeps", || fs::read_to_string(&file).is_ok_and(|text| text.contains(") S ")));
    }
}

/// Plays a case with each of the accounts. Nobody but the twins opens the named one, so that each has its own mapping.
fn both(
    name: &str,
    anonymous: &SynchronizedAccount,
    case: fn(&dyn Fn() -> SynchronizedAccount) -> Result<()>,
) -> Result<()> {
    case(&|| anonymous.clone()).context("anonymous")?;
    case(&|| SynchronizedAccount::open(name).expect("the test made it")).context("named")
}

fn exclusion(name: &str, anonymous: &SynchronizedAccount) -> Result<()> {
    let rounds = u32::try_from(scaled(50_000, 5_000))?;
    let ready = Synchronized::new(0_u64)?;
    let count = || {
        let named = SynchronizedAccount::open(name).expect("the test made it");
        ready.update(|ready| *ready += 1).expect("it can be locked");
        eventually("the other one is ready", || ready.get() == 2);
        for account in [anonymous, &named] {
            for _ in 0..rounds {
                let guard = account.lock().expect("it can be locked");
                assert_eq!(account.requests().fetch_add(1), 0, "two own the lock");
                let deposits = guard.deposits() + 1;
                guard.set_deposits(deposits);
                // Recursion must know its own.
                account.update_limits(|limits| limits[0] += 1).expect("this thread holds it");
                guard.update_balance(|balance| *balance += 10);
                account.requests().fetch_sub(1);
                drop(guard);
                account.update_limits(|limits| limits[1] += 1).expect("it can be locked");
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
        ensure!(account.recoveries() == 0, "nobody died: {account:?}");
    }
    Ok(())
}

fn recursion(account: &dyn Fn() -> SynchronizedAccount) -> Result<()> {
    let step = Synchronized::new(0_u64)?;
    let owner = Twin::start(|| {
        let account = account();
        let guard = account.lock().expect("it is free");
        guard.set_balance(77);
        step.set(1).expect("it is free");
        eventually("the other one has looked", || step.get() == 2);
        assert_eq!(account.lock_state(), LockState::HeldHere);
        drop(account.try_lock().expect("this thread holds it"));
        guard.set_balance(10);
        drop(guard);
        step.set(3).expect("it is free");
    })?;
    eventually("it is held", || step.get() == 1);
    let other = Twin::start(|| {
        let account = account();
        let look = || {
            assert_eq!(account.lock_state(), LockState::Held { thread_id: 1 }, "another one of the same number");
            assert!(held_elsewhere(&account));
            assert!(matches!(account.lock_timeout(SHORT), Err(Error::Lock(LockError::TimedOut))));
            assert_eq!(account.balance(), 10, "it reads the other one's writes");
        };
        look();
        // The same for a thread that holds a lock.
        let other = Synchronized::new(1_u64).expect("there is memory");
        let guard = other.lock().expect("it is free");
        look();
        step.set(2).expect("it is free");
        assert!(!account.lock_timeout(DEADLINE).expect("it is released").recovered());
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
            let guard = account.lock().expect("it is free");
            guard.set_balance(-1);
            let updated = account.update(|_| {
                step.set(1).expect("it is free");
                await_death();
            });
            unreachable!("it is killed: {updated:?}");
        })?;
        eventually("it is held", || step.get() == 1);
        let killed = Synchronized::new(0_u64)?;
        let start = Instant::now();
        let other = Twin::start(|| {
            let account = account();
            step.set(2).expect("it is free");
            let mut guard = account.lock_timeout(DEADLINE).expect("its owner is killed");
            killed.set(u64::try_from(start.elapsed().as_micros()).expect("not so long")).expect("it is free");
            assert!(guard.recovered(), "round {round}");
            assert_eq!(guard.load().expect("valid"), Account::after(1));
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
                step.set(1).expect("it is free");
                eventually("all the others are dead", || step.get() == 2);
                account.balance += 10;
                account.balance -= 10;
            })
            .expect("nobody has touched the lock");
        assert_eq!(account.recoveries(), 0);
    })?;
    eventually("it is held", || step.get() == 1);
    for round in 0..rounds {
        let is_waiting = Synchronized::new(false)?;
        let sleeper = Twin::start(|| {
            let account = account();
            mem::forget(of_the_sleeper.lock().expect("it is free"));
            is_waiting.set(true).expect("it is free");
            let never = if round % 2 == 0 { account.lock() } else { account.lock_timeout(DEADLINE * 2) };
            unreachable!("it is killed: {never:?}");
        })?;
        eventually("it waits", || is_waiting.get());
        sleeper.await_sleep();
        sleeper.kill();
        ensure!(of_the_sleeper.try_lock()?.recovered(), "what it held is free");
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
                Err(Error::Lock(LockError::Corrupted)) => stolen.update(|stolen| *stolen += 1).expect("it is free"),
                Err(error) => panic!("{error}"),
            }
        }
    })?;
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..kills {
        let other = Twin::start(|| {
            loop {
                account.update(|account| account.deposits += 1).expect("it can be locked");
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
            let guard = account.lock().expect("it is free");
            guard.update_balance(|balance| *balance += 1);
            unshare().expect("it is permitted");
            let child = fork(|| {
                assert_eq!(gettid(), Pid::INIT, "the first one of its namespace");
                assert!(held_elsewhere(&account), "its parent of the same number owns it");
                mem::forget(of_the_child.lock().expect("it is free"));
                if is_killed {
                    await_death();
                }
            });
            if is_killed {
                eventually("the child owns its own", || held_elsewhere(&of_the_child));
                child.signal(Signal::KILL);
                child.finish_killed();
            } else {
                child.finish();
            }
            assert!(of_the_child.lock_timeout(AT_ONCE).expect("its owner is dead").recovered());
            guard.set_deposits(9);
        })?;
        outer.finish();
    }
    let found = (account.balance(), account.deposits(), account.version(), account.recoveries());
    ensure!(found == (12, 9, 2, 0), "{account:?}");
    Ok(())
}

/// Does nothing until this process is killed.
fn await_death() {
    loop {
        thread::park();
    }
}
