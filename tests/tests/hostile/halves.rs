//! The upper halves of the lock word and of the signal: 64 bits of which the kernel looks at 32.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Signal, getpid, kill_process};
use rustix::thread::gettid;
use shared_value::{Error, LockState, Synchronized};
use shared_value_tests::{AT_ONCE, DEADLINE, SegmentName, eventually, fork, in_time};

use crate::peer::{OWNER_DIED, Peer, WAITERS};

/// Among them what would mean something in the lower half.
const HALVES: [u32; 6] = [1, 2, OWNER_DIED, WAITERS, 0x7fff_ffff, u32::MAX];

/// Long enough for a thread to go to sleep.
const ASLEEP: Duration = Duration::from_millis(5);

/// How long a sleeper sleeps that nobody wakes.
const LOOKING: Duration = Duration::from_millis(50);

fn number(label: &str) -> (Synchronized<u64>, Peer, SegmentName) {
    let name = SegmentName::new(label);
    let value = Synchronized::create(&name, 0).unwrap();
    let peer = Peer::of(&name);
    (value, peer, name)
}

/// If the halves were compared together, a lock whose upper half is set would be nobody's: never free, never released.
#[test]
fn a_lock_is_what_its_lower_half_says() {
    in_time(|| {
        let (value, peer, _name) = number("upper");
        let id = gettid().as_raw_pid().unsigned_abs();
        for half in HALVES {
            peer.set_upper_half(half);
            assert_eq!(value.lock_state(), LockState::Free, "{half:#x}");
            value.update(|number| *number += 1).expect("the lock is free");
            let guard = value.try_lock().expect("the lock is free");
            assert!(!guard.recovered(), "{half:#x}: nobody died");
            assert_eq!((peer.lock_word(), peer.upper_half()), (id, half));
            fork(|| {
                assert_eq!(value.lock_state(), LockState::Held { thread_id: id });
                assert!(matches!(value.try_lock(), Err(Error::Lock(LockError::WouldBlock))));
                assert!(matches!(value.lock_timeout(ASLEEP), Err(Error::Lock(LockError::TimedOut))));
            })
            .finish();
            // It is set while the lock is held, too.
            peer.set_upper_half(!half);
            drop(guard);
            assert_eq!((peer.lock_word(), peer.upper_half()), (0, !half), "free, and the rest as it was");
            let refused = value.update(|_| peer.set_lock_word(OWNER_DIED));
            assert!(matches!(refused, Err(Error::Lock(LockError::Corrupted))), "{half:#x}: {refused:?}");
            assert!(value.try_lock().expect("the lock is free").recovered());
        }
    });
}

/// The kernel frees the lower half of a dead owner's lock; who takes over must not wait for the upper one.
#[test]
fn a_dead_owner_is_succeeded() {
    in_time(|| {
        let (value, peer, _name) = number("upper-dead");
        for (deaths, half) in (0..).zip(HALVES) {
            peer.set_upper_half(half);
            fork(|| {
                let guard = value.try_lock().expect("the lock is free");
                guard.set(7).unwrap();
                kill_process(getpid(), Signal::KILL).expect("it is this process");
            })
            .finish_killed();
            let start = Instant::now();
            assert!(value.lock().expect("the owner is dead").recovered(), "{half:#x}");
            assert!(start.elapsed() < AT_ONCE, "{half:#x}: it took {:?}", start.elapsed());
            assert_eq!((value.get(), value.recoveries(), peer.upper_half()), (0, 2 * deaths + 1, half));
            // So does a thread that leaves its lock itself.
            let leaving = value.clone();
            thread::spawn(move || std::mem::forget(leaving.lock().unwrap())).join().unwrap();
            assert!(value.try_lock().expect("the owner is dead").recovered(), "{half:#x}");
            assert_eq!(peer.upper_half(), half);
        }
    });
}

/// How often the calling thread has gone to sleep.
fn sleeps() -> u64 {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    line.expect("the kernel counts them").trim().parse().unwrap()
}

/// Runs in another thread what sleeps until it is woken, then what wakes it. Returns how long that took.
fn woken_after(peer: &Peer, sleep: impl FnOnce() + Send, wake: impl FnOnce()) -> Duration {
    thread::scope(|scope| {
        let sleeper = scope.spawn(|| {
            let before = sleeps();
            sleep();
            let woken = Instant::now();
            (woken, sleeps() - before)
        });
        eventually("it marks the lock", || peer.lock_word() & WAITERS != 0);
        thread::sleep(ASLEEP);
        let start = Instant::now();
        wake();
        let (woken, sleeps) = sleeper.join().unwrap();
        assert_ne!(sleeps, 0, "it looks at the word all the time");
        woken.saturating_duration_since(start)
    })
}

/// Not of all of them: on a busy machine it may take long for other reasons.
#[track_caller]
fn assert_soon(mut delays: Vec<Duration>) {
    delays.sort();
    assert!(delays[delays.len() / 2] < LOOKING / 2, "woken after {delays:?}");
}

/// If the kernel compared what it does not look at, waiters would not sleep; if it woke others, they would sleep until they
/// look for themselves.
#[test]
fn who_waits_for_the_lock_is_woken() {
    in_time(|| {
        let (value, peer, _name) = number("upper-sleepers");
        let delays = HALVES.into_iter().cycle().take(30).map(|half| {
            peer.set_upper_half(half);
            let guard = value.lock().unwrap();
            woken_after(&peer, || drop(value.lock().unwrap()), || drop(guard))
        });
        assert_soon(delays.collect());
    });
}

/// The signal counts in all of its bits, and begins anew after the last number.
#[test]
fn who_waits_for_a_change_is_woken() {
    in_time(|| {
        let (value, peer, _name) = number("upper-signal");
        let signals = [1 << 32, u64::from(u32::MAX), u64::from(u32::MAX) - 1, 1 << 63, u64::MAX, u64::MAX - 1];
        let delays = signals.into_iter().cycle().take(30).map(|signal| {
            peer.set_signal(signal);
            let seen = value.get();
            let wait = || {
                value.wait_for(|number| *number != seen, DEADLINE).expect("it is changed");
            };
            let delay = woken_after(&peer, wait, || value.update(|number| *number += 1).unwrap());
            assert_eq!(peer.signal() | 1, (signal | 1).wrapping_add(2), "{signal:#x}: counted");
            delay
        });
        assert_soon(delays.collect());
    });
}

/// Threads exclude each other although a peer writes all the time beside the half that says who holds the lock.
#[test]
fn a_half_that_changes_all_the_time_harms_nobody() {
    const ROUNDS: u64 = 5_000;
    in_time(|| {
        let (value, peer, _name) = number("upper-restless");
        let (stop, start) = (AtomicBool::new(false), Instant::now());
        thread::scope(|scope| {
            scope.spawn(|| {
                for half in HALVES.iter().chain(&[0]).cycle() {
                    if stop.load(Relaxed) || start.elapsed() > DEADLINE {
                        break;
                    }
                    peer.set_upper_half(*half);
                }
            });
            let changing = [(); 2].map(|()| {
                scope.spawn(|| {
                    for _ in 0..ROUNDS {
                        value.update(|number| *number += 1).expect("what says who holds the lock was not touched");
                    }
                })
            });
            for thread in changing {
                thread.join().unwrap();
            }
            stop.store(true, Relaxed);
        });
        assert_eq!((value.get(), value.recoveries()), (2 * ROUNDS, 0));
        assert_eq!(value.lock_state(), LockState::Free);
    });
}
