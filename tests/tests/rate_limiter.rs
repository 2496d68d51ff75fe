//! The rate limiter of the examples, under contention and SIGKILL.

#[path = "../../examples/rate_limiter/bucket.rs"]
mod bucket;

use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use shared_value::{Synchronized, Timestamp, Zeroed};
use shared_value_tests::{Forked, fork};

use crate::bucket::{Bucket, Limiter, SynchronizedLimiter, admit};

#[track_caller]
fn check(bucket: Bucket) {
    let Bucket { interval, burst, elapsed, credit, spilled, granted, .. } = bucket;
    assert_eq!(granted * interval + credit + spilled, burst * interval + elapsed, "{bucket:?}");
    assert!(granted <= burst + elapsed / interval, "more than the rate allows: {bucket:?}");
}

/// If a bucket forgot a fraction of a token, or the time of a death, it would grant too few requests or too many.
#[test]
fn requests_are_granted_exactly_though_workers_are_killed() {
    const WORKERS: usize = 4;
    const KILLS: usize = 60;
    const BURST: u64 = 500;
    let limiter = SynchronizedLimiter::new(Limiter::new(30_000, BURST)).unwrap();
    let began = Instant::now();
    let served = Synchronized::<[u64; WORKERS]>::options().unlocked().new(Zeroed).unwrap();
    let work = |worker: usize| {
        let (limiter, served) = (limiter.clone(), served.clone());
        fork(move || {
            let before = served.at(worker);
            let mut own = 0;
            loop {
                if admit(&limiter).unwrap() {
                    own += 1;
                    served.set_at(worker, before + own).unwrap();
                }
            }
        })
    };
    let kill = |child: Forked| {
        child.signal(Signal::KILL);
        child.finish_killed();
    };
    let mut workers: Vec<_> = (0..WORKERS).map(work).collect();
    for turn in 0..KILLS {
        let until = Instant::now() + Duration::from_millis(5 + turn as u64 % 11);
        while Instant::now() < until {
            check(limiter.in_bucket().load().unwrap());
        }
        let worker = (turn * 3 + turn / 4) % WORKERS;
        kill(workers.swap_remove(worker));
        workers.push(work(worker));
        workers.swap(worker, WORKERS - 1);
    }
    workers.into_iter().for_each(kill);

    let bucket = limiter.in_bucket().get();
    check(bucket);
    let served: u64 = served.get().iter().sum();
    let killed = (KILLS + WORKERS) as u64;
    assert!(served <= bucket.granted && bucket.granted <= served + killed, "{served} served: {bucket:?}");
    // Another clock shows the same time, unless one of them is set.
    assert!(Duration::from_nanos(bucket.elapsed) < began.elapsed() + Duration::from_secs(1), "{bucket:?}");
    assert!(served > BURST && limiter.refused().get() > 1_000, "the workers are limited: {served} served");

    // A token that was lost is not lost forever: the next request gets what is left, and no more.
    while admit(&limiter).unwrap() {}
    let rest = limiter.in_bucket().get();
    check(rest);
    assert!(rest.credit < rest.interval, "{rest:?}");
}

/// A bucket that is idle is full, and never more than full.
#[test]
fn an_idle_bucket_gets_full() {
    let limiter = SynchronizedLimiter::new(Limiter::new(1_000, 10)).unwrap();
    let requests = || (0..1_000).filter(|_| admit(&limiter).unwrap()).count() as u64;
    assert!(requests() >= 10);
    thread::sleep(Duration::from_millis(200));
    let before = limiter.in_bucket().get();
    let granted = requests();
    let after = limiter.in_bucket().get();
    check(after);
    assert!((10..=10 + (after.elapsed - before.elapsed) / after.interval).contains(&granted), "{granted} granted");
    assert!(after.spilled > before.spilled);
}

/// If time that is set back were taken for time that passes, or for a debt, a limiter would grant everything or nothing.
#[test]
fn a_clock_that_is_set() {
    let limiter = SynchronizedLimiter::new(Limiter::new(1_000, 10)).unwrap();
    let granted = |hours: i64| {
        while admit(&limiter).unwrap() {}
        let filled = |filled: Timestamp| Timestamp::from_nanos(filled.as_nanos() + hours * 3_600 * 1_000_000_000);
        limiter.in_bucket().update(|bucket| bucket.filled = filled(bucket.filled)).unwrap();
        let before = limiter.in_bucket().get().granted;
        thread::sleep(Duration::from_millis(20));
        for _ in 0..3 {
            let _ = admit(&limiter).unwrap();
            thread::sleep(Duration::from_millis(20));
        }
        check(limiter.in_bucket().get());
        limiter.in_bucket().get().granted - before
    };
    // As if the clock had been set back by an hour, and then forward.
    assert!((1..=3).contains(&granted(1)));
    assert_eq!(granted(-1), 3);
    let spilled = limiter.in_bucket().get().spilled;
    assert!(spilled > 3_500 * 1_000_000_000, "an hour fills a bucket of 10 once: {spilled}");
}
