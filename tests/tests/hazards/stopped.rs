//! Processes that are stopped, and then go on or are killed.

use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use shared_value::{Error, LockError, LockState, Synchronized};
use shared_value_tests::values::{Account, SynchronizedAccount};
use shared_value_tests::{AT_ONCE, DEADLINE, SHORT, SegmentName, Worker, in_time, scaled};

use crate::hazard;

/// How late a timed wait may return on a busy machine.
const LATE: Duration = Duration::from_secs(5);

fn account(label: &str) -> (SegmentName, SynchronizedAccount) {
    let name = SegmentName::new(label);
    let account = SynchronizedAccount::create(&name, Account::after(1)).unwrap();
    (name, account)
}

/// Starts a process that holds the lock of the account.
fn owner(name: &SegmentName) -> Worker {
    let mut owner = hazard("own", [&**name]);
    owner.expect("held");
    owner
}

/// An owner that is stopped in an `update` is alive, for however long: its change must be committed when it goes on.
#[test]
fn a_stopped_owner_goes_on() {
    in_time(stopped_owner);
}

fn stopped_owner() {
    let (name, account) = account("stopped");
    let mut owner = owner(&name);
    owner.signal(Signal::STOP);
    thread::scope(|scope| {
        for timeout in [SHORT, SHORT * 2, SHORT * 5] {
            let account = &account;
            scope.spawn(move || {
                let start = Instant::now();
                let result = account.lock_timeout(timeout);
                let waited = start.elapsed();
                assert!(matches!(result, Err(Error::Lock(LockError::TimedOut))), "{result:?}");
                assert!(waited >= timeout && waited < timeout + LATE, "it waited {waited:?} of {timeout:?}");
            });
        }
    });
    assert!(matches!(account.try_lock(), Err(Error::Lock(LockError::WouldBlock))));
    assert_eq!(account.lock_state(), LockState::Held { thread_id: owner.process_id() });
    assert!(matches!(account.wait_for(|account| account.balance != 10, SHORT), Err(Error::TimedOut { .. })));
    assert_eq!(account.load().unwrap(), Account::after(1), "readers do not wait");
    // The stopped owner obeys only when it goes on.
    owner.tell("release");
    assert_eq!(owner.hear_within(SHORT), None);
    owner.signal(Signal::CONT);
    owner.expect("released");
    assert_eq!(account.wait_for(|account| account.balance != 10, DEADLINE).unwrap(), Account::after(2));
    assert!(!account.lock_timeout(AT_ONCE).expect("the owner has released it").recovered());
    assert_eq!((account.version(), account.recoveries()), (1, 0));
    owner.tell("end");
    owner.expect("done");
    owner.finish();
}

/// A stopped process can be killed, and then its lock must be freed like any other.
#[test]
fn a_stopped_owner_that_is_killed_is_dead() {
    let (name, account) = account("stopped-killed");
    let owner = owner(&name);
    owner.signal(Signal::STOP);
    assert!(matches!(account.lock_timeout(SHORT), Err(Error::Lock(LockError::TimedOut))));
    owner.kill();
    let guard = account.lock_timeout(AT_ONCE).expect("its owner is dead");
    assert!(guard.recovered());
    assert_eq!(guard.load().unwrap(), Account::after(1));
}

/// A release wakes one sleeper. If that sleeper is stopped before it takes the lock, the others must not sleep until it
/// goes on.
#[test]
fn a_stopped_waiter_holds_up_no_other() {
    let mut random = fastrand::Rng::with_seed(3);
    for _ in 0..scaled(40, 6) {
        let (name, account) = account("stopped-waiter");
        let mut first = owner(&name);
        // Sleepers are woken in the order in which they came.
        let mut second = hazard("own", [&*name]);
        assert_eq!(second.hear_within(SHORT), None, "the second owner waits");
        let waiter = thread::spawn({
            let account = account.clone();
            move || account.lock_timeout(DEADLINE).map(|guard| guard.recovered())
        });
        thread::sleep(SHORT / 5);
        first.tell("release");
        thread::sleep(Duration::from_micros(random.u64(..500)));
        second.signal(Signal::STOP);
        first.expect("released");
        let start = Instant::now();
        let is_second = || account.lock_state() == LockState::Held { thread_id: second.process_id() };
        // If the second owner had the lock already when it was stopped, the waiter waits for it.
        while !waiter.is_finished() && !is_second() {
            assert!(start.elapsed() < AT_ONCE, "no thread takes the lock: {account:?}");
            thread::sleep(Duration::from_millis(1));
        }
        second.signal(Signal::CONT);
        second.expect("held");
        second.tell("release");
        second.expect("released");
        assert!(matches!(waiter.join().unwrap(), Ok(false)));
        for mut owner in [first, second] {
            owner.tell("end");
            owner.expect("done");
            owner.finish();
        }
        assert_eq!((account.load().unwrap(), account.version(), account.recoveries()), (Account::after(2), 2, 0));
    }
}

/// A process may be stopped at any instruction: it must not count as dead, and no increment may be lost.
#[test]
fn processes_stopped_at_random_lose_nothing() {
    let rounds = scaled(1_000_000, 100_000);
    let name = SegmentName::new("stopped-storm");
    let number = Synchronized::create(&name, 0_u64).unwrap();
    let mut counters = [(); 3].map(|()| hazard("count", [&*name, &rounds.to_string()]));
    for counter in &mut counters {
        counter.expect("ready");
        counter.tell("go");
    }
    let mut random = fastrand::Rng::with_seed(11);
    let (mut stops, mut held) = (0_u64, 0_u64);
    let start = Instant::now();
    while number.get() < 3 * rounds {
        assert!(start.elapsed() < DEADLINE, "the counters make no progress: {number:?}");
        let counter = random.choice(&counters).unwrap();
        counter.signal(Signal::STOP);
        thread::sleep(Duration::from_micros(random.u64(..2_000)));
        stops += 1;
        held += u64::from(number.lock_state() == LockState::Held { thread_id: counter.process_id() });
        counter.signal(Signal::CONT);
        thread::sleep(Duration::from_micros(random.u64(..2_000)));
    }
    for mut counter in counters {
        counter.expect("counted");
        counter.expect("done");
        counter.finish();
    }
    println!("{stops} stops, {held} of them under the lock, in {:?}", start.elapsed());
    assert_eq!((number.get(), number.recoveries()), (3 * rounds, 0));
}
