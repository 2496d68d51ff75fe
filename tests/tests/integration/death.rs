//! Processes that die while they hold a lock that others need, at known points and at random ones.

use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use shared_value::{Error, LockError, LockState};
use shared_value_tests::values::{Account, LargeTwins, PairTwins, SynchronizedAccount, SynchronizedTwins};
use shared_value_tests::{AT_ONCE, DEADLINE, Futex, SegmentName, Worker, in_time, scaled};

use crate::worker;

fn median(durations: &mut [Duration]) -> Duration {
    durations.sort_unstable();
    durations[durations.len() / 2]
}

/// Starts a process that holds the lock of a new account and has written half of its fields.
fn held(label: &str, end: &str) -> (SegmentName, SynchronizedAccount, Worker) {
    let name = SegmentName::new(label);
    let account = SynchronizedAccount::create(&name, Account::after(1)).unwrap();
    account.set(Account::after(2)).unwrap();
    let mut holder = worker("hold", [&*name, "--end", end]);
    holder.expect("held");
    assert!(matches!(account.lock_state(), LockState::Held { .. }), "{account:?}");
    assert!(matches!(account.try_lock(), Err(Error::Lock(LockError::WouldBlock))));
    (name, account, holder)
}

/// Asserts that the lock is free at once, and that the value is the last committed one.
#[track_caller]
fn assert_recovered(account: &SynchronizedAccount) {
    let start = Instant::now();
    let guard = account.lock_timeout(DEADLINE).unwrap();
    assert!(start.elapsed() < AT_ONCE, "it took {:?}", start.elapsed());
    assert!(guard.recovered(), "the guard must tell that the owner died: {account:?}");
    assert_eq!(guard.load().unwrap(), Account::after(2), "the last committed value");
    drop(guard);
    assert_eq!((account.load().unwrap(), account.recoveries()), (Account::after(2), 1));
    assert!(!account.lock().unwrap().recovered(), "only the next owner learns of it");
    account.update(|account| *account = Account::after(3)).unwrap();
    assert_eq!((account.load().unwrap(), account.recoveries()), (Account::after(3), 1));
}

/// Without an entry in the robust list, the lock of a killed process would stay locked; without a rollback, the next
/// owner would go on with a half-written value.
#[test]
fn a_killed_owner_is_rolled_back() {
    in_time(|| {
        let name = SegmentName::new("killed");
        let account = SynchronizedAccount::create(&name, Account::after(0)).unwrap();
        let repetitions = u32::try_from(scaled(200, 20)).unwrap();
        let (mut since_kill, mut since_call) = (Vec::new(), Vec::new());
        for repetition in 1..=repetitions {
            let mut holder = worker("hold", [&*name]);
            holder.expect("held");
            assert_eq!(account.load().unwrap(), Account::after(repetition - 1), "readers see committed values");
            let killed = Instant::now();
            holder.kill();
            let called = Instant::now();
            let guard = account.lock().unwrap();
            since_kill.push(killed.elapsed());
            since_call.push(called.elapsed());
            assert!(guard.recovered());
            assert_eq!(guard.load().unwrap(), Account::after(repetition - 1), "the last committed value");
            assert_eq!(account.recoveries(), u64::from(repetition));
            guard.set(Account::after(repetition)).unwrap();
        }
        println!(
            "{repetitions} killed owners: lock() returned {:?} after SIGKILL, {:?} after the call (medians)",
            median(&mut since_kill),
            median(&mut since_call)
        );
        assert!(since_kill.iter().all(|latency| *latency < AT_ONCE), "{since_kill:?}");
    });
}

/// If the kernel woke no sleeper, or the waiters bit were lost, threads that wait already would sleep on.
#[test]
fn a_waiter_gets_the_lock_of_a_killed_owner() {
    in_time(|| {
        let repetitions = scaled(200, 20);
        let mut latencies = Vec::new();
        for _ in 0..repetitions {
            let (_name, account, holder) = held("waiter", "finish");
            let waiter = {
                let account = account.clone();
                thread::spawn(move || {
                    let guard = account.lock_timeout(DEADLINE).unwrap();
                    let taken = Instant::now();
                    assert!(guard.recovered());
                    assert_eq!(guard.load().unwrap(), Account::after(2));
                    taken
                })
            };
            // By then the waiter sleeps.
            thread::sleep(Duration::from_millis(3));
            let killed = Instant::now();
            holder.signal(Signal::KILL);
            let taken = waiter.join().unwrap();
            latencies.push(taken - killed);
            holder.finish_by(Signal::KILL);
            assert_eq!(account.recoveries(), 1);
        }
        let median = median(&mut latencies);
        println!("{repetitions} blocked waiters: had the lock {median:?} after SIGKILL (median)");
        assert!(latencies.iter().all(|latency| *latency < AT_ONCE), "{latencies:?}");
    });
}

/// The kernel must find the waiters bit in the lock of a dead owner. If the library kept the bit elsewhere, a sleeper would
/// not be woken.
#[test]
fn the_death_of_an_owner_wakes_a_waiter() {
    in_time(|| {
        for _ in 0..5 {
            let (name, account, holder) = held("woken", "finish");
            let futex = Futex::of_lock(&name);
            let clone = account.clone();
            futex.assert_slept_on(move || assert!(clone.lock_timeout(DEADLINE).unwrap().recovered()), || holder.kill());
            let (name, _account, holder) = held("woken-alone", "finish");
            Futex::of_lock(&name).assert_woken_by(1, || holder.kill());
        }
    });
}

/// The kernel must wake waiters of other processes too, through shared memory alone.
#[test]
fn waiters_in_other_processes_get_the_lock_of_a_killed_owner() {
    in_time(|| {
        let (name, account, holder) = held("waiters", "finish");
        let mut waiters: Vec<_> = (0..3).map(|_| worker("take", [&*name])).collect();
        for waiter in &mut waiters {
            waiter.expect("waiting");
            assert_eq!(waiter.hear_within(Duration::from_millis(10)), None, "it should wait");
        }
        holder.kill();
        let mut said: Vec<_> = waiters.iter_mut().map(Worker::hear).collect();
        said.sort_unstable();
        assert_eq!(
            said,
            [
                "recovered=false whole=true balance=20",
                "recovered=false whole=true balance=20",
                "recovered=true whole=true balance=20",
            ],
            "one of them recovers the value"
        );
        for waiter in waiters {
            waiter.finish();
        }
        assert_eq!(account.recoveries(), 1);
    });
}

/// A sleeper that is woken and then killed loses the wake-up: another sleeper must not sleep forever.
#[test]
fn a_killed_waiter_leaves_no_other_asleep() {
    in_time(|| {
        let name = SegmentName::new("killed-waiters");
        let account = SynchronizedAccount::create(&name, Account::after(1)).unwrap();
        for _ in 0..10 {
            let guard = account.lock().unwrap();
            let waiters = [(); 2].map(|()| {
                let mut waiter = worker("take", [&*name]);
                waiter.expect("waiting");
                // By then the waiter sleeps.
                thread::sleep(Duration::from_millis(5));
                waiter
            });
            let [first, mut second] = waiters;
            drop(guard);
            // The first waiter is woken, and dies before it takes the lock, or with it.
            first.signal(Signal::KILL);
            let said = second.hear();
            assert!(said.ends_with("whole=true balance=10"), "{said}");
            second.finish();
        }
    });
}

/// The kernel must find every lock that the process held, not only the last one.
#[test]
fn all_locks_of_a_killed_process_are_recovered() {
    in_time(|| {
        let names: Vec<_> = (0..20).map(|_| SegmentName::new("several")).collect();
        let accounts: Vec<_> = names
            .iter()
            .map(|name| {
                let account = SynchronizedAccount::create(name, Account::after(1)).unwrap();
                account.set(Account::after(2)).unwrap();
                account
            })
            .collect();
        let mut holder = worker("hold", names.iter().map(|name| name.to_string()));
        holder.expect("held");
        for account in &accounts {
            assert!(matches!(account.try_lock(), Err(Error::Lock(LockError::WouldBlock))));
        }
        holder.kill();
        for account in &accounts {
            assert_recovered(account);
        }
    });
}

/// Destructors run at few ends of a process; the lock must be freed at all of them.
#[test]
fn an_owner_that_ends_in_any_way_is_rolled_back() {
    in_time(|| {
        let (_name, account, mut holder) = held("panic-abort", "panic-abort");
        holder.tell("end");
        holder.finish_by(Signal::ABORT);
        assert_recovered(&account);

        let (_name, account, mut holder) = held("abort", "abort");
        holder.tell("end");
        holder.finish_by(Signal::ABORT);
        assert_recovered(&account);

        let (_name, account, mut holder) = held("exit", "exit");
        holder.tell("end");
        holder.finish_with(3);
        assert_recovered(&account);

        let (_name, account, mut holder) = held("exit-now", "exit-now");
        holder.tell("end");
        holder.finish_with(4);
        assert_recovered(&account);

        let (_name, account, holder) = held("term", "finish");
        holder.signal(Signal::TERM);
        holder.finish_by(Signal::TERM);
        assert_recovered(&account);
    });
}

/// A thread that ends with a forgotten guard must lose the lock, although its process lives.
#[test]
fn an_owner_whose_thread_ends_is_rolled_back() {
    in_time(|| {
        let (_name, account, mut holder) = held("thread", "thread");
        holder.tell("end");
        holder.expect("ended");
        assert_recovered(&account);
        holder.tell("end");
        holder.finish();
    });
}

/// `exec` must free the locks of the old program, although the process lives.
#[test]
fn an_owner_that_becomes_another_program_is_rolled_back() {
    in_time(|| {
        let (_name, account, mut holder) = held("exec", "exec");
        holder.tell("end");
        let guard = account.lock_timeout(DEADLINE).unwrap();
        assert!(guard.recovered());
        drop(guard);
        assert_eq!((account.load().unwrap(), account.recoveries()), (Account::after(2), 1));
        holder.tell("end");
        holder.finish();
    });
}

/// Without a rollback in the guard's destructor, a panic would commit a half-written value.
#[test]
fn an_owner_that_panics_rolls_back_itself() {
    in_time(|| {
        let (_name, account, mut holder) = held("panic", "panic");
        holder.tell("end");
        holder.finish_with(101);
        let guard = account.try_lock().expect("the guard has released it");
        assert!(!guard.recovered(), "the guard released it, and not the kernel");
        assert_eq!((account.load().unwrap(), account.recoveries()), (Account::after(2), 0));
    });
}

/// A process may be killed between any two instructions of a lock, a write, a commit, a rollback or an unlock.
#[test]
fn processes_killed_at_random_break_nothing() {
    in_time(|| {
        let kills = scaled(400, 60);
        let (small_name, large_name) = (SegmentName::new("storm-small"), SegmentName::new("storm-large"));
        let small = SynchronizedTwins::create(&small_name, PairTwins::of(1)).unwrap();
        let large = SynchronizedTwins::create(&large_name, LargeTwins::of(1)).unwrap();
        let mut random = fastrand::Rng::with_seed(20_260_401);
        let start = |seed: u64| {
            let mut storm = worker("storm", [&*small_name, &*large_name, &seed.to_string()]);
            storm.expect("ready");
            storm
        };
        let mut storms = [start(1), start(2)];
        let (mut last_small, mut last_large) = (0, 0);
        let recoveries = || small.recoveries() + large.recoveries();
        for kill in 0.. {
            // On a busy machine, more of them are killed without a lock.
            if kill >= kills && recoveries() > kills / 20 {
                println!(
                    "{kill} kills, {} recoveries, {} and {} commits",
                    recoveries(),
                    small.version(),
                    large.version()
                );
                break;
            }
            thread::sleep(Duration::from_micros(random.u64(..1_000)));
            std::mem::replace(&mut storms[random.usize(..2)], start(kill + 3)).kill();

            let now_small = small.load().unwrap();
            let now_large = large.load().unwrap();
            assert!(now_small.are_equal() && now_small.left >= last_small, "{last_small} became {now_small:?}");
            assert!(now_large.are_equal() && now_large.left >= last_large, "{last_large} became {now_large:?}");
            (last_small, last_large) = (now_small.left, now_large.left);
            let small_guard = small.lock_timeout(AT_ONCE).expect("its owner is dead");
            let large_guard = large.lock_timeout(AT_ONCE).expect("its owner is dead");
            assert!(large_guard.load().unwrap().are_equal() && small_guard.load().unwrap().are_equal());
        }
        for storm in storms {
            storm.kill();
        }
    });
}
