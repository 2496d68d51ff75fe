//! Threads of one process that share a value. Nothing here forks or is killed, so sanitizers can watch.
//!
//! Beside each value lies plain memory that its lock guards, or that its commits publish. Accesses to it are free of races
//! only if every way to take the lock acquires and every way to leave it releases, and if commits release and reads
//! acquire. `tests/sanitizers.sh` runs these tests under a sanitizer for races and one for accesses out of bounds.
#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::mem;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use shared_value::{Error, LockError, Synchronized};
use shared_value_tests::values::{LineTwins, SynchronizedTally, Tally};
use shared_value_tests::{DEADLINE, SegmentName, in_time, scaled};

/// A number in plain memory.
#[derive(Debug, Default)]
struct Plain(UnsafeCell<u64>);

// SAFETY: the locks and commits under test keep two threads from using the number at once.
unsafe impl Sync for Plain {}

impl Plain {
    fn get(&self) -> u64 {
        // SAFETY: no thread writes now: the caller holds the lock, or the writer has published the number and ended its write.
        unsafe { *self.0.get() }
    }

    fn set(&self, number: u64) {
        // SAFETY: no other thread uses the number now: the caller holds the lock, or has not published the number yet.
        unsafe { *self.0.get() = number }
    }
}

/// Runs threads that begin together, and joins them: a scope alone does not wait for their thread-locals.
fn together<const N: usize>(threads: [&mut (dyn FnMut() + Send); N]) {
    let start = Barrier::new(N);
    thread::scope(|scope| {
        let running = threads.map(|body| {
            scope.spawn(|| {
                start.wait();
                body();
            })
        });
        for thread in running {
            thread.join().expect("the thread does not panic");
        }
    });
}

/// Without acquire and release orderings, an owner would not see the writes of the owner before.
#[test]
fn the_lock_guards_memory_of_the_process() {
    in_time(|| {
        let rounds = scaled(20_000, 3_000);
        let (value, plain) = (Synchronized::new(0_u64).unwrap(), Plain::default());
        let add = || plain.set(plain.get() + 1);
        let mut by_guards = || {
            for _ in 0..rounds {
                let guard = value.lock().unwrap();
                add();
                let again = value.lock().unwrap();
                guard.set(again.load().unwrap() + 1).unwrap();
            }
        };
        let mut by_updates = || {
            for _ in 0..rounds {
                value
                    .update(|number| {
                        add();
                        *number += 1;
                    })
                    .unwrap();
            }
        };
        let mut by_trying = || {
            let mut done = 0;
            while done < rounds {
                let is_patient = done % 2 == 0;
                let tried = if is_patient { value.lock_timeout(Duration::from_micros(100)) } else { value.try_lock() };
                match tried {
                    Ok(guard) => {
                        add();
                        guard.update(|number| *number += 1).unwrap();
                        done += 1;
                    }
                    Err(Error::Lock(LockError::WouldBlock | LockError::TimedOut)) => thread::yield_now(),
                    Err(error) => panic!("{error:?}"),
                }
            }
        };
        together([&mut by_guards, &mut by_updates, &mut by_trying]);
        assert_eq!((value.get(), plain.get()), (3 * rounds, 3 * rounds));
    });
}

/// If an owner ends with the lock, its successor must see its writes too.
#[test]
fn the_lock_of_an_ended_thread_guards_memory_too() {
    in_time(|| {
        let rounds = scaled(1_000, 200);
        let (value, plain) = (Synchronized::new(0_u64).unwrap(), Plain::default());
        for round in 1..=rounds {
            thread::scope(|scope| {
                let ending = scope.spawn(|| {
                    let guard = value.lock().unwrap();
                    guard.set(u64::MAX).unwrap();
                    plain.set(plain.get() + 1);
                    mem::forget(guard);
                });
                // Only the lock tells that the thread has written.
                let guard = loop {
                    let guard = value.lock_timeout(DEADLINE).expect("its owner ends");
                    if guard.recovered() {
                        break guard;
                    }
                    drop(guard);
                    thread::yield_now();
                };
                assert_eq!((guard.load().unwrap(), plain.get()), (0, round));
                drop(guard);
                ending.join().expect("the thread does not panic");
            });
        }
        assert_eq!(value.recoveries(), rounds);
    });
}

/// Without the release of a commit and the acquire of a read, a reader would see the value and not the writes before it.
#[test]
fn a_commit_publishes_the_writes_before_it() {
    in_time(|| {
        let rounds = usize::try_from(scaled(20_000, 3_000)).unwrap();
        let plain: Vec<_> = (0..rounds).map(|_| Plain::default()).collect();
        let value = Synchronized::new(0_usize).unwrap();
        let mut changes = value.changes();
        let mut write = || {
            for (round, plain) in (1..).zip(&plain) {
                plain.set(7);
                match round % 3 {
                    0 => value.set(round).unwrap(),
                    1 => value.update(|number| *number = round).unwrap(),
                    _ => {
                        let guard = value.lock().unwrap();
                        guard.set(round).unwrap();
                        guard.commit();
                    }
                }
            }
        };
        // Checks all numbers that are published, up to the one that `reached` returns, until the last one is.
        let follow = |reached: &mut dyn FnMut() -> usize| {
            let mut done = 0;
            while done < rounds {
                let reached = reached();
                assert!(plain[done..reached].iter().all(|plain| plain.get() == 7));
                done = reached;
            }
        };
        let mut read = || follow(&mut || value.get());
        // There is one commit in each round.
        let mut count = || follow(&mut || usize::try_from(value.version()).unwrap());
        let mut wait = || follow(&mut || changes.next_timeout(DEADLINE).unwrap());
        together([&mut write, &mut read, &mut count, &mut wait]);
    });
}

/// Slots are written while others read them: with plain accesses that would be a race, with weaker orderings a mixture.
#[test]
fn readers_beside_writers_see_whole_values() {
    in_time(|| {
        let rounds = scaled(20_000, 3_000);
        let value = Synchronized::new(LineTwins::of(0)).unwrap();
        let increment = || value.update(|twins| *twins = LineTwins::of(twins.left + 1)).unwrap();
        let mut by_updates = || (0..rounds).for_each(|_| increment());
        // Some drafts are rolled back.
        let mut by_drafts = || {
            for round in 0..rounds {
                let guard = value.lock().unwrap();
                let number = guard.load().unwrap().left;
                guard.set(LineTwins::of(u64::MAX)).unwrap();
                if round % 3 == 0 {
                    guard.rollback();
                }
                guard.set(LineTwins::of(number + 1)).unwrap();
            }
        };
        let read = |load: &dyn Fn() -> LineTwins| {
            let mut last = 0;
            while last < 2 * rounds {
                let twins = load();
                assert_eq!(twins, LineTwins::of(twins.left));
                assert!(twins.left >= last, "{} after {last}", twins.left);
                last = twins.left;
            }
        };
        let read_only = value.read_only().unwrap();
        let mut by_handle = || read(&|| value.load().unwrap());
        let mut by_another_mapping = || read(&|| read_only.load().unwrap());
        let mut by_waiting = || {
            let done = value.wait_for(|twins| twins.left == 2 * rounds, DEADLINE).unwrap();
            assert_eq!(done, LineTwins::of(2 * rounds));
        };
        together([&mut by_updates, &mut by_drafts, &mut by_handle, &mut by_another_mapping, &mut by_waiting]);
    });
}

/// Atomic fields change during commits, which must neither race with the change nor undo it.
#[test]
fn atomic_fields_are_changed_beside_commits() {
    in_time(|| {
        let rounds = scaled(20_000, 3_000);
        let tally = SynchronizedTally::new(Tally::default()).unwrap();
        let count = |lane: usize| {
            for _ in 0..rounds {
                tally.sum().fetch_add(1);
                tally.in_lanes().set_at(lane, tally.in_lanes().at(lane) + 1).unwrap();
                assert!(tally.load().unwrap().sum >= i64::from(tally.in_lanes().at(lane)));
            }
        };
        together([&mut || count(0), &mut || count(1)]);
        let rounds = u32::try_from(rounds).unwrap();
        let lanes = (tally.in_lanes().at(0), tally.in_lanes().at(1));
        assert_eq!((tally.sum().load(), lanes), (2 * i64::from(rounds), (rounds, rounds)));
    });
}

/// All threads use one registry of mapped segments, and one of threads and their locks.
#[test]
fn handles_and_threads_come_and_go() {
    in_time(|| {
        const THREADS: u64 = 4;
        let rounds = scaled(500, 100);
        let name = SegmentName::new("come-and-go");
        let plain = Plain::default();
        let work = || {
            for round in 0..rounds {
                let value = Synchronized::open_or_create(&name, 0_u64).unwrap();
                let other = Synchronized::new(round).unwrap();
                let guard = value.lock().unwrap();
                plain.set(plain.get() + 1);
                guard.update(|number| *number += 1).unwrap();
                let both = (other.lock().unwrap(), value.clone());
                drop(guard);
                if round % 2 == 0 {
                    // The memory has to stay, because this thread keeps the lock in it.
                    mem::forget(both.0);
                }
            }
        };
        for _ in 0..2 {
            // In the second round, threads reuse the records of ended ones.
            together([&mut || work(), &mut || work(), &mut || work(), &mut || work()]);
        }
        let value = Synchronized::<u64>::open(&name).unwrap();
        assert_eq!((value.get(), value.recoveries(), plain.get()), (2 * THREADS * rounds, 0, 2 * THREADS * rounds));
    });
}
