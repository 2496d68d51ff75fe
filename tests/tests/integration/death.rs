//! Processes that die, at known points and at all others, with locks that others need.

use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use shared_value::{Error, LockState};
use shared_value_tests::values::{Account, LargeTwins, PairTwins, SynchronizedAccount, SynchronizedTwins};
use shared_value_tests::{DEADLINE, SegmentName, Worker, in_time, scaled};

use crate::worker;

/// How long the next owner may have to wait.
const AT_ONCE: Duration = Duration::from_secs(1);

/// A sleeper that was woken is there sooner than one that looks by itself, every 50 milliseconds.
const WOKEN: Duration = Duration::from_millis(25);

fn median(durations: &mut [Duration]) -> Duration {
    durations.sort_unstable();
    durations[durations.len() / 2]
}

/// Holds the lock of a new account in another process, which has written half of its fields.
fn held(label: &str, end: &str) -> (SegmentName, SynchronizedAccount, Worker) {
    let name = SegmentName::new(label);
    let account = SynchronizedAccount::create(&name, Account::after(1)).unwrap();
    account.store(Account::after(2)).unwrap();
    let mut holder = worker("hold", [&*name, "--end", end]);
    holder.expect("held");
    assert!(matches!(account.lock_state(), LockState::Held { .. }), "{account:?}");
    assert!(matches!(account.try_lock(), Err(Error::WouldBlock)));
    (name, account, holder)
}

/// The lock must come back at once, with the last committed value.
#[track_caller]
fn assert_recovered(account: &SynchronizedAccount) {
    let start = Instant::now();
    let guard = account.lock_timeout(DEADLINE).unwrap();
    assert!(start.elapsed() < AT_ONCE, "it took {:?}", start.elapsed());
    assert!(guard.recovered(), "the guard must say so: {account:?}");
    assert_eq!(guard.load().unwrap(), Account::after(2), "the last committed value");
    drop(guard);
    assert_eq!((account.load().unwrap(), account.recoveries()), (Account::after(2), 1));
    assert!(!account.lock().unwrap().recovered(), "only the next owner is told");
    account.update(|account| *account = Account::after(3)).unwrap();
    assert_eq!((account.load().unwrap(), account.recoveries()), (Account::after(3), 1));
}

/// Without an entry in the robust list, the lock of a killed process is held for ever; without a rollback, the next
/// owner goes on with what it had half written.
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
            assert_eq!(account.load().unwrap(), Account::after(repetition - 1), "readers see what is committed");
            let killed = Instant::now();
            holder.kill();
            let called = Instant::now();
            let mut guard = account.lock().unwrap();
            since_kill.push(killed.elapsed());
            since_call.push(called.elapsed());
            assert!(guard.recovered());
            assert_eq!(guard.load().unwrap(), Account::after(repetition - 1), "the last committed value");
            assert_eq!(account.recoveries(), repetition.into());
            guard.store(Account::after(repetition));
        }
        println!(
            "{repetitions} killed owners: lock() returned {:?} after SIGKILL, {:?} after it was called (medians)",
            median(&mut since_kill),
            median(&mut since_call)
        );
        assert!(since_kill.iter().all(|latency| *latency < AT_ONCE), "{since_kill:?}");
    });
}

/// If the kernel did not wake a sleeper, or nobody carried the waiters bit, those who wait already would never wake.
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
            // By then, the waiter sleeps.
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
        // The quickest quarter, because the machine may be busy.
        assert!(latencies[latencies.len() / 4] < WOKEN, "they were not woken, but looked by themselves: {latencies:?}");
    });
}

/// A waiter in another process is woken by the kernel through shared memory, not through anything of this process.
#[test]
fn a_waiter_in_another_process_gets_it_too() {
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
            "one of them recovers it"
        );
        for waiter in waiters {
            waiter.finish();
        }
        assert_eq!(account.recoveries(), 1);
    });
}

/// A killed sleeper takes the wake-up along that was meant for another, who would then sleep for ever.
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
                // By then, it sleeps.
                thread::sleep(Duration::from_millis(5));
                waiter
            });
            let [first, mut second] = waiters;
            drop(guard);
            // The first one is woken, and dies on its way to the lock, or with it.
            first.signal(Signal::KILL);
            let said = second.hear();
            assert!(said.ends_with("whole=true balance=10"), "{said}");
            second.finish();
        }
    });
}

/// The kernel must find every lock that the process held, not just the last one.
#[test]
fn all_locks_of_a_killed_process_are_recovered() {
    in_time(|| {
        let names: Vec<_> = (0..20).map(|_| SegmentName::new("several")).collect();
        let accounts: Vec<_> = names
            .iter()
            .map(|name| {
                let account = SynchronizedAccount::create(name, Account::after(1)).unwrap();
                account.store(Account::after(2)).unwrap();
                account
            })
            .collect();
        let mut holder = worker("hold", names.iter().map(|name| name.to_string()));
        holder.expect("held");
        for account in &accounts {
            assert!(matches!(account.try_lock(), Err(Error::WouldBlock)));
        }
        holder.kill();
        for account in &accounts {
            assert_recovered(account);
        }
    });
}

/// However a process ends, its destructors may not run; the lock must come back all the same.
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

/// A thread that ends with a forgotten guard is gone, although its process lives.
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

/// A program that was replaced by another holds nothing, although its process lives.
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

/// Without a rollback in the guard's destructor, a panic would commit what is half written.
#[test]
fn an_owner_that_panics_rolls_back_itself() {
    in_time(|| {
        let (_name, account, mut holder) = held("panic", "panic");
        holder.tell("end");
        holder.finish_with(101);
        let guard = account.try_lock().expect("it was released");
        assert!(!guard.recovered(), "it was not the kernel that released it");
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
        for kill in 0..kills {
            thread::sleep(Duration::from_micros(random.u64(..1_000)));
            std::mem::replace(&mut storms[random.usize(..2)], start(kill + 3)).kill();

            let now_small = small.load().unwrap();
            let now_large = large.load().unwrap();
            assert!(now_small.are_equal() && now_small.left >= last_small, "{last_small} became {now_small:?}");
            assert!(now_large.are_equal() && now_large.left >= last_large, "{last_large} became {now_large:?}");
            (last_small, last_large) = (now_small.left, now_large.left);
            let small_guard = small.lock_timeout(AT_ONCE).expect("nobody keeps it");
            let large_guard = large.lock_timeout(AT_ONCE).expect("nobody keeps it");
            assert!(large_guard.load().unwrap().are_equal() && small_guard.load().unwrap().are_equal());
        }
        for storm in storms {
            storm.kill();
        }
        let recoveries = small.recoveries() + large.recoveries();
        println!("{kills} kills, {recoveries} recoveries, {} and {} commits", small.version(), large.version());
        assert!(recoveries > kills / 20, "they were hardly ever killed with a lock: {recoveries} of {kills}");
    });
}
