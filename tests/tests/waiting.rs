//! Waiting for changes, across processes, some of which are killed.
#![allow(unsafe_code)]

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use shared_value::{Error, Synchronized};
use shared_value_tests::values::{Account, SynchronizedAccount};
use shared_value_tests::{DEADLINE, Futex, SegmentName, eventually, fork, scaled};

fn partner(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_partner"));
    command.args(arguments).stdout(Stdio::piped());
    command
}

/// How long a sleeper sleeps if no thread wakes it.
const LOOKING: Duration = Duration::from_millis(50);

/// If wake-ups were lost, a thousand rounds would take minutes.
#[test]
fn two_processes_wake_each_other() {
    let rounds = scaled(5_000, 1_000);
    let ball = Synchronized::new(0_u64).unwrap();
    let mut child = partner(&["answer", &ball.token().unwrap().to_string(), &rounds.to_string()]).spawn().unwrap();
    eventually("the partner starts", || {
        ball.update(|ball| *ball = 1).unwrap();
        ball.wait_for(|ball| *ball == 2, Duration::from_secs(5)).is_ok()
    });
    let start = Instant::now();
    for round in 1..rounds {
        ball.update(|ball| *ball += 1).unwrap();
        ball.wait_for(|ball| *ball == 2 * round + 2, DEADLINE).unwrap();
    }
    let elapsed = start.elapsed();
    assert!(child.wait().unwrap().success());
    // At least 25 seconds, far above the time of the rounds. With a whole sleep in each half of each round, they would take
    // four times as long.
    assert!(elapsed < LOOKING / 2 * u32::try_from(rounds).unwrap(), "{elapsed:?} for {rounds} rounds");
}

/// A killed sleeper leaves its mark in the value, which must not keep later sleepers asleep.
#[test]
fn killed_sleepers_keep_no_other_asleep() {
    let value = Synchronized::new(0_u64).unwrap();
    for _ in 0..5 {
        let mut child = partner(&["wait", &value.token().unwrap().to_string()]).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        thread::sleep(Duration::from_millis(20));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    value.update(|number| *number += 1).unwrap();
    let waiter = value.clone();
    let waiting = thread::spawn(move || waiter.wait_for(|number| *number == 2, DEADLINE).unwrap());
    thread::sleep(Duration::from_millis(20));
    value.update(|number| *number += 1).unwrap();
    assert_eq!(waiting.join().unwrap(), 2);
    assert_eq!(value.recoveries(), 0, "a sleeper never held the lock");
}

/// A commit that woke one sleeper would leave the others asleep.
#[test]
fn one_commit_wakes_all_sleepers() {
    let name = SegmentName::new("all");
    let value = Synchronized::create(&name, 0_u64).unwrap();
    let futex = Futex::of_changes(&name);
    futex.assert_woken_by(8, || value.set(1).unwrap());
    futex.assert_slept_on(
        || {
            value.wait_for(|number| *number == 2, DEADLINE).unwrap();
        },
        || value.set(2).unwrap(),
    );
    assert_eq!(value.get(), 2);
}

/// A commit that keeps the lock must wake sleepers too.
#[test]
fn a_commit_under_a_guard_wakes() {
    let name = SegmentName::new("under-guard");
    let value = Synchronized::create(&name, 0_u64).unwrap();
    Futex::of_changes(&name).assert_woken_by(2, || {
        let guard = value.lock().unwrap();
        guard.set(5).unwrap();
        guard.commit();
        // The release would wake them too.
        std::mem::forget(guard);
    });
    assert_eq!(value.get(), 5);
}

/// A look must give the latest value, and a wait must keep its timeout.
#[test]
fn changes_are_the_latest_values() {
    let value = Synchronized::new(0_u64).unwrap();
    let mut changes = value.read_only().unwrap().changes();
    assert!(matches!(changes.next_timeout(Duration::from_millis(10)), Err(Error::TimedOut { .. })));
    value.set(1).unwrap();
    value.set(2).unwrap();
    assert_eq!(changes.next().unwrap().unwrap(), 2);
    let start = Instant::now();
    assert!(matches!(value.wait_for(|number| *number == 9, Duration::from_millis(80)), Err(Error::TimedOut { .. })));
    assert!(start.elapsed() >= Duration::from_millis(80), "{:?}", start.elapsed());
}

/// Without a waiter, changes must make no system call: the kernel would kill the child at the first one.
#[test]
fn changes_without_a_waiter_make_no_system_call() {
    let (number, account) = (Synchronized::new(0_u64).unwrap(), SynchronizedAccount::new(Account::after(1)).unwrap());
    fork(|| {
        let change = |round: u64| {
            number.set(round).unwrap();
            number.update(|number| *number += 1).unwrap();
            account.update_balance(|balance| *balance += 1).unwrap();
            account.requests().fetch_add(1);
            let guard = account.lock().unwrap();
            guard.set_frozen(round.is_multiple_of(2)).unwrap();
            guard.commit();
            drop(number.try_lock().unwrap());
            assert_eq!((number.get(), number.version() % 2), (round + 1, 0));
            guard.set_balance(0).unwrap();
            guard.rollback();
        };
        // The first change of a thread makes system calls that later ones do not make.
        change(0);
        // SAFETY: the child has one thread, which needs no system call from here on but its exit.
        let result = unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_STRICT) };
        assert_eq!(result, 0);
        for round in 1..100 {
            change(round);
        }
        // SAFETY: no destructor has to run. (The mode forbids `exit_group`.)
        unsafe { libc::syscall(libc::SYS_exit, 0) };
    })
    .finish();
    assert_eq!((number.get(), number.version()), (100, 200));
}
