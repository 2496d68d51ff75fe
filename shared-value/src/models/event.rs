//! Models of waiting for a commit.

use std::time::Duration;

use loom::sync::{Arc, Mutex};
use loom::thread;

use crate::models::futex::Futex;
use crate::models::model;
use crate::protocol::atomics::Ordering::{Relaxed, SeqCst};
use crate::protocol::atomics::{AtomicU64, fence};
use crate::protocol::event::{announce, count, has_waiters, is_announced, order};
use crate::protocol::lock_word::{Kernel, Wait, call_back, is_called_back, release, retire, take};
use crate::protocol::retired::{self, Standing, standing};
use crate::protocol::slots::{Slots, Versions};

/// A value of one word, its lock, and the threads that wait for a commit.
#[derive(Default)]
struct Awaited {
    versions: Versions,
    words: [AtomicU64; 2],
    lock: AtomicU64,
    lockers: Futex,
    event: AtomicU64,
    waiters: Futex,
    /// The event word of the arena in which the value lies.
    signal: AtomicU64,
    watchers: Futex,
    /// The word *retired*.
    retired: AtomicU64,
    /// Takes the place of the lock word if a pthread mutex guards the value.
    mutex: Mutex<()>,
}

impl Awaited {
    fn publish(&self) {
        Slots::new(&self.versions, &self.words, 1, 8, &[]).publish(&(0..8), |slot| slot[0].store(1, Relaxed));
    }

    fn raise(&self) {
        if has_waiters(&self.event) {
            count(&self.event);
            self.waiters.wake_all();
        }
    }

    /// Changes the value as a handle does, under the native lock.
    fn change(&self, thread: u64) {
        take(&self.lock, thread, Wait::Forever, &self.lockers).expect("waits forever");
        self.publish();
        if release(&self.lock, thread, &self.lockers).expect("is held") {
            self.raise();
        }
    }

    /// Changes the value of an arena as a handle does.
    fn change_in_arena(&self, thread: u64) {
        take(&self.lock, thread, Wait::Forever, &self.lockers).expect("waits forever");
        self.publish();
        if release(&self.lock, thread, &self.lockers).expect("is held") && has_waiters(&self.event) {
            count(&self.event);
            order();
            if has_waiters(&self.signal) {
                count(&self.signal);
                self.watchers.wake_all();
            }
        }
    }

    /// Announces a thread that waits for changes of the arena in the value.
    fn announce_watcher(&self) -> u64 {
        let announced = announce(&self.event);
        call_back(&self.lock);
        announced
    }

    /// Waits for version 1 as a thread does that waits for changes of the arena. `announced` is from an earlier wait.
    fn watch(&self, mut announced: Option<u64>) {
        while self.versions.committed() == Some(0) {
            let signal = announce(&self.signal);
            order();
            if announced.is_none_or(|announced| !is_announced(&self.event, announced)) {
                announced = Some(self.announce_watcher());
            } else if !is_called_back(&self.lock) {
                call_back(&self.lock);
            }
            if self.versions.committed() == Some(0) {
                (&self.watchers).wait(&self.signal, signal, Duration::MAX);
            }
        }
        assert_eq!(self.words[1].load(Relaxed), 1, "a thread that sees a version sees the writes before it");
    }

    /// Retires the value.
    fn retire(&self, thread: u64) {
        take(&self.lock, thread, Wait::Forever, &self.lockers).expect("waits forever");
        retired::set(&self.retired, Standing::Replaced);
        retire(&self.lock, &self.lockers);
        release(&self.lock, thread, &self.lockers).expect_err("it is retired");
        self.raise();
    }

    /// Waits for a change that never comes, until the value is retired.
    fn wait_for_retirement(&self) {
        while standing(&self.retired) == Standing::InPlace {
            let announced = announce(&self.event);
            call_back(&self.lock);
            if standing(&self.retired) == Standing::InPlace {
                (&self.waiters).wait(&self.event, announced, Duration::MAX);
            }
        }
    }

    /// Changes the value as a handle does, under a pthread mutex.
    fn change_under_mutex(&self) {
        let locked = self.mutex.lock().unwrap();
        self.publish();
        drop(locked);
        fence(SeqCst);
        self.raise();
    }

    /// Waits for version 1, without a timeout.
    fn wait(&self, call_back: impl Fn(&Self)) {
        while self.versions.committed() == Some(0) {
            let announced = announce(&self.event);
            call_back(self);
            if self.versions.committed() == Some(0) {
                (&self.waiters).wait(&self.event, announced, Duration::MAX);
            }
        }
        assert_eq!(self.words[1].load(Relaxed), 1, "a thread that sees a version sees the writes before it");
    }
}

/// Runs a change in this thread, and the waiters in others. The change comes first in loom's first execution: loom
/// backtracks to an access of a word only if the same thread has not accessed the word since.
fn run(waiters: usize, change: fn(&Awaited), call_back: fn(&Awaited)) {
    let value = Arc::new(Awaited::default());
    let waiting = (0..waiters)
        .map(|_| {
            let value = Arc::clone(&value);
            thread::spawn(move || value.wait(call_back))
        })
        .collect::<Vec<_>>();
    change(&value);
    for waiter in waiting {
        waiter.join().unwrap();
    }
}

/// Without the waiters bit in the lock word, or if the two words were changed in the other order, or without their
/// orderings, the thread that commits sees no waiter, and the waiter sees no commit.
#[test]
fn a_change_wakes_its_waiter() {
    model(3, || run(1, |value| value.change(1), |value| call_back(&value.lock)));
}

#[test]
fn a_change_wakes_all_its_waiters() {
    model(2, || run(2, |value| value.change(1), |value| call_back(&value.lock)));
}

/// If the word *retired* were set after the lock word, or without the orderings of the lock word, a waiter would sleep forever.
#[test]
fn a_retirement_wakes_its_waiter() {
    model(3, || {
        let value = Arc::new(Awaited::default());
        let waiting = {
            let value = Arc::clone(&value);
            thread::spawn(move || value.wait_for_retirement())
        };
        value.retire(1);
        waiting.join().unwrap();
    });
}

/// A pthread mutex has no waiters bit. Without the two fences, the thread that commits may look for a waiter before its
/// commit, and the waiter may look for a commit before its announcement.
#[test]
fn a_change_under_a_mutex_wakes_its_waiter() {
    model(3, || run(1, Awaited::change_under_mutex, |_| fence(SeqCst)));
}

/// A thread that waits for changes of an arena sleeps on a word of the arena. Without the fence on either side, the thread that
/// commits may look at that word before it has counted in the value's word, or the watcher the other way round.
#[test]
fn a_change_in_an_arena_wakes_a_watcher() {
    for is_announced in [true, false] {
        model(3, move || {
            let value = Arc::new(Awaited::default());
            let announced = is_announced.then(|| value.announce_watcher());
            let watching = {
                let value = Arc::clone(&value);
                thread::spawn(move || value.watch(announced))
            };
            value.change_in_arena(1);
            watching.join().unwrap();
        });
    }
}
