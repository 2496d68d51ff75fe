//! `try_lock`, `lock_timeout` and `lock`: not waiting, waiting for some time, and waiting forever.

use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use shared_value::{Error, LockError, LockState, Synchronized};
use shared_value_tests::values::{Account, SynchronizedAccount};
use shared_value_tests::{DEADLINE, Futex, SHORT, SegmentName, eventually, in_time};

use crate::worker;

/// How late a timed wait may return on a busy machine.
const LATE: Duration = Duration::from_secs(5);

#[track_caller]
fn assert_times_out(account: &SynchronizedAccount, timeout: Duration) {
    let start = Instant::now();
    let result = account.lock_timeout(timeout);
    let waited = start.elapsed();
    assert!(matches!(result, Err(Error::Lock(LockError::TimedOut))), "{result:?}");
    assert!(waited >= timeout, "it gave up after {waited:?} of {timeout:?}");
    assert!(waited < timeout + LATE, "it gave up after {waited:?} of {timeout:?}");
}

/// A caller that has other work to do relies on both: `try_lock` must not wait, and `lock_timeout` must wait as told.
#[test]
fn attempts_of_threads_end_in_time() {
    in_time(|| {
        let account = SynchronizedAccount::new(Account::after(1)).unwrap();
        let guard = account.lock().unwrap();
        thread::scope(|scope| {
            scope.spawn(|| {
                let start = Instant::now();
                for _ in 0..100 {
                    assert!(matches!(account.try_lock(), Err(Error::Lock(LockError::WouldBlock))));
                }
                assert!(start.elapsed() < LATE, "100 attempts took {:?}", start.elapsed());
                for timeout in [Duration::ZERO, Duration::from_nanos(1), Duration::from_millis(1), SHORT, SHORT * 3] {
                    assert_times_out(&account, timeout);
                }
            });
        });
        drop(guard);
        for timeout in [Duration::ZERO, SHORT, Duration::MAX] {
            drop(account.lock_timeout(timeout).expect("a free lock is taken at once"));
        }
        drop(account.try_lock().expect("the lock is free"));
    });
}

/// Processes wait on another address than threads, and their timeouts must end as well.
#[test]
fn attempts_of_processes_end_in_time() {
    in_time(|| {
        let name = SegmentName::new("timeout");
        let account = SynchronizedAccount::create(&name, Account::after(1)).unwrap();
        let mut holder = worker("hold", [&*name]);
        holder.expect("held");
        assert!(matches!(account.try_lock(), Err(Error::Lock(LockError::WouldBlock))));
        assert_times_out(&account, Duration::ZERO);
        assert_times_out(&account, SHORT);
        assert!(account.version() == 0 && account.recoveries() == 0);
        holder.tell("end");
        let guard = account.lock_timeout(DEADLINE).expect("the owner releases it");
        assert_eq!((guard.load().unwrap(), guard.recovered()), (Account::after(2), false));
        holder.finish();
    });
}

/// A timeout that the clock cannot express must last forever, and not overflow to a short one.
#[test]
fn a_huge_timeout_lasts_forever() {
    in_time(|| {
        let value = Synchronized::new(1_u64).unwrap();
        for timeout in [Duration::MAX, Duration::from_secs(u64::MAX / 4), Duration::from_secs(1 << 40)] {
            let guard = value.lock().unwrap();
            thread::scope(|scope| {
                let waiter = scope.spawn(|| value.lock_timeout(timeout).map(|guard| guard.recovered()));
                thread::sleep(SHORT * 2);
                assert!(!waiter.is_finished(), "it must wait");
                drop(guard);
                assert!(matches!(waiter.join().unwrap(), Ok(false)));
            });
        }
    });
}

/// A release must wake a waiter: one without a timeout would sleep on.
#[test]
fn a_release_wakes_a_waiter() {
    in_time(|| {
        let name = SegmentName::new("release");
        let value = Synchronized::create(&name, 0_u64).unwrap();
        let futex = Futex::of_lock(&name);
        for round in 0..5 {
            let guard = value.lock().unwrap();
            futex.assert_woken_by(1, || drop(guard));
            let guard = value.lock().unwrap();
            futex.assert_slept_on(|| value.set(round).unwrap(), || drop(guard));
            assert_eq!((value.get(), value.version()), (round, round + 1));
        }
    });
}

/// A stopped owner is not dead: if another took its lock, two owners would hold it when the first goes on.
#[test]
fn a_stopped_owner_is_alive() {
    in_time(|| {
        let name = SegmentName::new("stopped");
        let account = SynchronizedAccount::create(&name, Account::after(1)).unwrap();
        let mut holder = worker("hold", [&*name]);
        holder.expect("held");
        holder.signal(Signal::STOP);
        assert!(matches!(account.try_lock(), Err(Error::Lock(LockError::WouldBlock))));
        assert_times_out(&account, SHORT * 4);
        assert!(matches!(account.lock_state(), LockState::Held { .. }));
        assert_eq!(account.load().unwrap(), Account::after(1), "readers do not wait");
        assert_eq!(account.recoveries(), 0);
        let clone = account.clone();
        let waiter = thread::spawn(move || clone.lock_timeout(DEADLINE).map(|guard| guard.recovered()));
        thread::sleep(SHORT);
        assert!(!waiter.is_finished());
        holder.tell("end");
        holder.signal(Signal::CONT);
        assert!(matches!(waiter.join().unwrap(), Ok(false)));
        holder.finish();
        assert_eq!((account.load().unwrap(), account.version()), (Account::after(2), 1));
    });
}

/// A wrong lock state would send a debugging user after the wrong process.
#[test]
fn the_lock_state_names_the_owner() {
    in_time(|| {
        let name = SegmentName::new("state");
        let account = SynchronizedAccount::create(&name, Account::after(1)).unwrap();
        assert_eq!(account.lock_state(), LockState::Free);
        let guard = account.lock().unwrap();
        assert_eq!(account.lock_state(), LockState::HeldHere);
        thread::scope(|scope| {
            scope.spawn(|| assert!(matches!(account.lock_state(), LockState::Held { .. })));
        });
        drop(guard);
        let mut holder = worker("hold", [&*name]);
        holder.expect("held");
        let expected = LockState::Held { thread_id: holder.process_id() };
        assert_eq!(account.lock_state(), expected, "the first thread of a process has the process's id");
        holder.kill();
        eventually("the kernel releases it", || account.lock_state() == LockState::Free);
    });
}
