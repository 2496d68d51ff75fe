//! Processes that die with a lock held.

use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use shared_value::{Error, LockError, LockState};
use shared_value_tests::values::{Account, SynchronizedAccount};
use shared_value_tests::{AT_ONCE, DEADLINE, SHORT, SegmentName, Worker, scaled};

use crate::hazard;

/// The end of a process: its exit code, or the signal that ends it.
enum End {
    Code(i32),
    By(Signal),
}

/// Lets owners of a lock die in one way, each while a thread waits for the lock.
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
                assert!(guard.recovered(), "the guard must tell that the owner died");
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

/// `_exit` runs no hook and no destructor, in any thread.
#[test]
fn by_ending_at_once() {
    die("exit-now", &End::Code(4));
    die("exit-now-elsewhere", &End::Code(4));
}

/// `exit` runs hooks and the destructors of thread-locals, but not those of values on the stack.
#[test]
fn by_exiting() {
    die("exit", &End::Code(4));
}

/// `abort` runs no destructor, and a panic in a destructor aborts in the middle of another panic.
#[test]
fn by_aborting() {
    die("abort", &End::By(Signal::ABORT));
    die("double-panic", &End::By(Signal::ABORT));
}

/// A fault ends a process between any two of its instructions.
#[test]
fn by_a_fault() {
    die("segfault", &End::By(Signal::SEGV));
    die("bus-error", &End::By(Signal::BUS));
    die("trap", &End::By(Signal::ILL));
}

/// After a stack overflow no code of the process can clean up.
#[test]
fn by_stack_overflow() {
    die("stack-overflow", &End::By(Signal::ABORT));
    die("stack-overflow-in-thread", &End::By(Signal::ABORT));
}

/// Signals may end a process that does not handle them, and SIGKILL ends every process.
#[test]
fn by_a_signal() {
    die("terminate", &End::By(Signal::TERM));
    die("kill", &End::By(Signal::KILL));
}
