//! Waiting for a change of a live value.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use shared_value::{Arena, Error, Live, LockKind};
use shared_value_tests::{DEADLINE, Futex, SHORT, SegmentName, fork, in_time};

use crate::poke;

fn values() -> [Live<u64>; 3] {
    let arena = Arena::new(1 << 20).unwrap();
    [
        Live::new(0).unwrap(),
        Live::options().lock_kind(LockKind::Pthread).new(0).unwrap(),
        Live::alloc(&arena, 0).unwrap(),
    ]
}

/// Two processes that wait for each other's changes must not miss one, however the change is made.
#[test]
fn waiters_see_each_change() {
    in_time(|| {
        for value in values() {
            for way in 0..3 {
                value.set(0).unwrap();
                let child = fork(|| {
                    for turn in 1..=100_u64 {
                        value.wait_until(|| value.get() == 2 * turn - 1, DEADLINE).unwrap();
                        match way {
                            0 => value.set(2 * turn).unwrap(),
                            1 => {
                                let _guard = value.lock().unwrap();
                                poke(&value, 0, 2 * turn);
                            }
                            _ => {
                                poke(&value, 0, 2 * turn);
                                value.notify();
                            }
                        }
                    }
                });
                for turn in 1..=100 {
                    value.set(2 * turn - 1).unwrap();
                    value.wait_until(|| value.get() == 2 * turn, DEADLINE).unwrap();
                }
                child.finish();
            }
        }
    });
}

/// A waiter that is not woken would sleep until its next look of its own, each time. Where it sleeps is a part of the format.
#[test]
fn each_way_of_changing_wakes_waiters() {
    let name = SegmentName::new("live-woken");
    let value = Live::create(&name, 0_u64).unwrap();
    let futex = Futex::of_changes(&name);
    futex.assert_woken_by(2, || value.set(1).unwrap());
    futex.assert_woken_by(2, || value.update(|number| *number += 1).unwrap());
    futex.assert_woken_by(2, || drop(value.lock().unwrap()));
    futex.assert_woken_by(2, || {
        value.lock().unwrap().keep();
        value.release().unwrap();
    });
    futex.assert_woken_by(2, || value.notify());
    futex.assert_slept_on(|| value.wait_until(|| value.get() == 9, DEADLINE).unwrap(), || value.set(9).unwrap());
}

/// Each end of a wait must be told apart.
#[test]
fn waits_end() {
    for value in values() {
        value.wait_until(|| true, Duration::ZERO).unwrap();
        assert!(matches!(value.wait_until(|| false, Duration::ZERO), Err(Error::TimedOut { .. })));
        assert!(matches!(value.wait_until(|| false, SHORT), Err(Error::TimedOut { .. })));
        let guard = value.lock().unwrap();
        value.wait_until(|| true, SHORT).unwrap();
        assert!(matches!(value.wait_until(|| false, SHORT), Err(Error::WaitUnderLock { .. })));
        drop(guard);
        let mut asked = 0;
        let _ = value.wait_until(
            || {
                asked += 1;
                false
            },
            Duration::ZERO,
        );
        assert_eq!(asked, 1);
    }
}

/// A change between the first look and the sleep must not be missed.
#[test]
fn a_change_before_the_sleep_is_seen() {
    let value = Live::new(0_u64).unwrap();
    let (sender, asked) = mpsc::channel();
    thread::scope(|scope| {
        let value = &value;
        scope.spawn(move || {
            asked.recv().unwrap();
            poke(value, 0, 1);
            value.notify();
        });
        let mut first = true;
        let start = Instant::now();
        value
            .wait_until(
                || {
                    let seen = value.get() == 1;
                    if std::mem::take(&mut first) {
                        sender.send(()).unwrap();
                        thread::sleep(SHORT);
                    }
                    seen
                },
                DEADLINE,
            )
            .unwrap();
        assert!(start.elapsed() < DEADLINE / 2);
    });
}
