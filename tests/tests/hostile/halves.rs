//! The upper halves of the lock word and of the event word, which have 64 bits; the kernel looks at the lower 32.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use rustix::process::{Signal, getpid, kill_process};
use rustix::thread::gettid;
use shared_value::{Error, LockError, LockState, Synchronized};
use shared_value_tests::{AT_ONCE, DEADLINE, Futex, SHORT, SegmentName, fork, in_time};

use crate::peer::{OWNER_DIED, Peer, WAITERS};

/// Upper halves; some of them would have a meaning in the lower half.
const HALVES: [u32; 6] = [1, 2, OWNER_DIED, WAITERS, 0x7fff_ffff, u32::MAX];

fn number(label: &str) -> (Synchronized<u64>, Peer, SegmentName) {
    let name = SegmentName::new(label);
    let value = Synchronized::create(&name, 0).unwrap();
    let peer = Peer::of(&name);
    (value, peer, name)
}

/// The upper half of a free lock names a process that has nothing to do with it any more: the kernel leaves it there.
#[test]
fn the_lower_half_decides_whether_the_lock_is_free() {
    in_time(|| {
        let (value, peer, _name) = number("upper");
        let id = gettid().as_raw_pid().unsigned_abs();
        value.update(|_| {}).unwrap();
        for half in HALVES {
            peer.set_upper_half(half);
            assert_eq!(value.lock_state(), LockState::Free, "{half:#x}");
            value.update(|number| *number += 1).expect("the lock is free");
            assert_eq!((peer.lock_word(), peer.upper_half()), (0, 0), "{half:#x}: a lock is released as a whole");
            peer.set_upper_half(half);
            let guard = value.try_lock().expect("the lock is free");
            assert!(!guard.recovered(), "{half:#x}: no owner died");
            assert_eq!(peer.lock_word(), id);
            assert_ne!(peer.upper_half(), half, "it names this process");
            fork(|| {
                assert_eq!(value.lock_state(), LockState::Held { thread_id: id });
                assert!(matches!(value.try_lock(), Err(Error::Lock(LockError::WouldBlock))));
                assert!(matches!(value.lock_timeout(SHORT / 10), Err(Error::Lock(LockError::TimedOut))));
            })
            .finish();
            drop(guard);
            let refused = value.update(|_| peer.set_lock_word(OWNER_DIED));
            assert!(matches!(refused, Err(Error::Lock(LockError::Corrupted))), "{half:#x}: {refused:?}");
            assert!(value.try_lock().expect("the lock is free").recovered());
        }
    });
}

/// Another process of the same thread id may own the lock now, which must not be released under it. If there is no such
/// process, the lock is taken over.
#[test]
fn an_owner_of_another_process_is_another_owner() {
    // In a process of its own: another test may give up the right to open the file again while this process is vouched for.
    fork(|| {
        let (value, peer, _name) = number("upper-other");
        let refused = value.update(|_| peer.set_upper_half(!peer.upper_half() | 1));
        assert!(matches!(refused, Err(Error::Lock(LockError::Corrupted))), "{refused:?}");
        assert_ne!(peer.lock_word(), 0, "it was not released");
        assert!(value.lock_timeout(AT_ONCE).expect("there is no such process").recovered());
    })
    .finish();
}

/// The kernel clears the lower half of a dead owner's lock: the next owner must not wait for the upper half.
#[test]
fn a_dead_owner_is_succeeded() {
    in_time(|| {
        let (value, peer, _name) = number("upper-dead");
        value.update(|_| {}).unwrap();
        for (deaths, half) in (0..).zip(HALVES) {
            peer.set_upper_half(half);
            fork(|| {
                let guard = value.try_lock().expect("the lock is free");
                guard.set(7).unwrap();
                kill_process(getpid(), Signal::KILL).expect("it is this process");
            })
            .finish_killed();
            assert_eq!(peer.lock_word(), OWNER_DIED);
            assert!(value.try_lock().expect("the owner is dead").recovered(), "{half:#x}");
            assert_eq!((value.get(), value.recoveries()), (0, 2 * deaths + 1));
            // A thread that ends leaves its lock itself.
            let leaving = value.clone();
            thread::spawn(move || std::mem::forget(leaving.lock().unwrap())).join().unwrap();
            assert!(value.try_lock().expect("the owner is dead").recovered(), "{half:#x}");
        }
    });
}

/// If the library gave the kernel the wrong half, waiters would not sleep, or would not be woken.
#[test]
fn a_waiter_for_the_lock_is_woken() {
    in_time(|| {
        let (value, peer, name) = number("upper-sleepers");
        let futex = Futex::of_lock(&name);
        for half in HALVES {
            peer.set_upper_half(half);
            let guard = value.lock().unwrap();
            futex.assert_woken_by(1, || drop(guard));
            assert_eq!((peer.lock_word(), peer.upper_half()), (0, 0), "{half:#x}: it is released as a whole");
            let guard = value.lock().unwrap();
            futex.assert_slept_on(|| drop(value.lock().unwrap()), || drop(guard));
        }
    });
}

/// The event word counts with all of its bits, and wraps around after the last number.
#[test]
fn a_waiter_for_a_change_is_woken() {
    in_time(|| {
        let (value, peer, name) = number("upper-signal");
        let futex = Futex::of_changes(&name);
        let change = || value.update(|number| *number += 1).unwrap();
        for signal in [1 << 32, u64::from(u32::MAX), u64::from(u32::MAX) - 1, 1 << 63, u64::MAX, u64::MAX - 1] {
            peer.set_signal(signal);
            futex.assert_woken_by(3, change);
            assert_eq!(
                peer.signal(),
                (signal | 1).wrapping_add(1),
                "{signal:#x}: counted, and the waiting bit is cleared"
            );
            peer.set_signal(signal);
            let seen = value.get();
            let wait = || {
                value.wait_for(|number| *number != seen, DEADLINE).expect("the value changes");
            };
            futex.assert_slept_on(wait, change);
            assert_eq!(peer.signal() | 1, (signal | 1).wrapping_add(2), "{signal:#x}: counted");
        }
    });
}

/// A peer that writes the upper half all the time undoes mutual exclusion, and each owner that it robs is told so or waits. But
/// it can neither crash a process nor block one for longer than it goes on.
#[test]
fn an_upper_half_that_changes_all_the_time_blocks_no_thread_for_ever() {
    const ROUNDS: u64 = 100;
    in_time(|| {
        let (value, peer, _name) = number("upper-restless");
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                for half in HALVES.iter().chain(&[0]).cycle() {
                    if stop.load(Relaxed) {
                        break;
                    }
                    peer.set_upper_half(*half);
                }
            });
            for _ in 0..ROUNDS {
                match value.try_lock() {
                    Ok(guard) => drop(guard),
                    Err(Error::Lock(LockError::WouldBlock)) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            stop.store(true, Relaxed);
        });
        // Zero may be the last half. It names a process that nothing vouches for, whose locks nobody takes over.
        peer.set_upper_half(HALVES[0]);
        drop(value.lock_timeout(AT_ONCE).expect("no owner exists"));
        assert_eq!(value.lock_state(), LockState::Free);
    });
}
