//! Processes that die with a lock held.

use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use shared_value::{Error, LockState};
use shared_value_tests::values::{Account, SynchronizedAccount};
use shared_value_tests::{AT_ONCE, DEADLINE, SHORT, SegmentName, Worker, scaled};

use crate::hazard;

/// How a process is expected to end.
enum End {
    Code(i32),
    By(Signal),
}

/// Lets owners die in one way, each while another thread waits for the lock.
#[track_caller]
fn die(way: &str, expected: &End) {
    let runs = scaled(20, 4);
    let mut slowest = Duration::ZERO;
    for run in 0..runs {
        let name = SegmentName::new(way);
        let account = SynchronizedAccount::create(&name, Account::after(1)).unwrap();
        let mut owner = hazard("die", [way, &*name]);
        owner.expect("held");
        assert!(matches!(account.lock_state(), LockState::Held { .. }), "{account:?}");
        assert!(matches!(account.try_lock(), Err(Error::Lock(LockError::WouldBlock))));
        let waiter = {
            let account = account.clone();
            thread::spawn(move || {
                let guard = account.lock_timeout(DEADLINE).expect("its owner dies");
                let taken = Instant::now();
                assert!(guard.recovered(), "the guard says so");
                assert_eq!(guard.load().unwrap(), Account::after(1), "the last committed value");
                guard.set(Account::after(2)).unwrap();
                taken
            })
        };
        if run == 0 {
            thread::sleep(SHORT);
        }
        let told = Instant::now();
        owner.tell("die");
        ended(owner, expected);
        slowest = slowest.max(waiter.join().unwrap() - told);
        assert_eq!((account.load().unwrap(), account.version(), account.recoveries()), (Account::after(2), 1, 1));
        account.update(|account| *account = Account::after(3)).unwrap();
    }
    println!("{way}: {runs} dead owners; the slowest successor had the lock {slowest:?} after the owner was told");
    assert!(slowest < AT_ONCE);
}

#[track_caller]
fn ended(owner: Worker, expected: &End) {
    match expected {
        End::Code(code) => owner.finish_with(*code),
        End::By(signal) => owner.finish_by(*signal),
    }
}

/// `_exit` runs nothing, in whichever thread it is called.
#[test]
fn by_ending_at_once() {
    die("exit-now", &End::Code(4));
    die("exit-now-elsewhere", &End::Code(4));
}

/// `exit` runs hooks, among them destructors of this thread, but not those of what is on its stack.
#[test]
fn by_exiting() {
    die("exit", &End::Code(4));
}

/// No destructor runs, and a panic in a destructor stops those that did.
#[test]
fn by_aborting() {
    die("abort", &End::By(Signal::ABORT));
    die("double-panic", &End::By(Signal::ABORT));
}

/// Faults end a process between any two of its instructions.
#[test]
fn by_a_fault() {
    die("segfault", &End::By(Signal::SEGV));
    die("bus-error", &End::By(Signal::BUS));
    die("trap", &End::By(Signal::ILL));
}

/// There is no stack left for anything that would clean up.
#[test]
fn by_stack_overflow() {
    die("stack-overflow", &End::By(Signal::ABORT));
    die("stack-overflow-in-thread", &End::By(Signal::ABORT));
}

/// Signals that the process does not handle, and the one that it cannot.
#[test]
fn by_a_signal() {
    die("terminate", &End::By(Signal::TERM));
    die("kill", &End::By(Signal::KILL));
}
