//! Models of the lock word.

use std::time::Duration;

use loom::cell::UnsafeCell;
use loom::sync::{Arc, Mutex};
use loom::thread;

use crate::models::futex::Futex;
use crate::models::model;
use crate::protocol::atomics::AtomicU64;
use crate::protocol::atomics::Ordering::{Relaxed, SeqCst};
use crate::protocol::lock_word::{
    Kernel, OWNER_DIED, Taken, WAITERS, Wait, die, is_retired, owner_of, process_and_thread, release, retire, take,
};
use crate::protocol::unvouched;

#[derive(Default)]
struct Model {
    word: AtomicU64,
    futex: Futex,
    guarded: UnsafeCell<u32>,
}

impl Model {
    fn take(&self, thread: u64) -> Taken {
        take(&self.word, thread, Wait::Forever, &self.futex).expect("waits forever")
    }

    fn release(&self, thread: u64) {
        release(&self.word, thread, &self.futex).expect("is held");
    }

    fn increment(&self) {
        // loom fails if two threads get here at once, or if one does not see the writes of the other.
        self.guarded.with_mut(increment);
    }

    /// Changes the word as the kernel does for a thread that dies with the lock (`handle_futex_death`).
    fn owner_dies(&self) {
        loop {
            let seen = self.word.load(Relaxed);
            let dead = (seen & WAITERS) | OWNER_DIED;
            if self.word.compare_exchange(seen, dead, SeqCst, Relaxed).is_ok() {
                if seen & WAITERS != 0 {
                    (&self.futex).wake_one(&self.word);
                }
                return;
            }
        }
    }
}

fn increment(guarded: *mut u32) {
    #[expect(unsafe_code, reason = "loom's cells give out pointers")]
    // SAFETY: loom checks that the access is exclusive.
    unsafe {
        *guarded += 1;
    }
}

/// Without acquire and release ordering, an owner does not see the writes of the owner before. Without the waiters bit, or
/// if a thread that has slept did not set it again, a sleeper is never woken.
#[test]
fn three_threads_exclude_and_wake_each_other() {
    model(2, || {
        let lock = Arc::new(Model::default());
        let threads = [1, 2].map(|thread| {
            let lock = Arc::clone(&lock);
            thread::spawn(move || {
                lock.take(thread);
                lock.increment();
                lock.release(thread);
            })
        });
        lock.take(3);
        lock.increment();
        lock.release(3);
        for thread in threads {
            thread.join().unwrap();
        }
        lock.take(4);
        lock.guarded.with(|guarded| assert_eq!(read(guarded), 3));
    });
}

/// If a word with the owner-died bit did not count as free, or without the kernel's wake-up, the lock of a dead owner would
/// be stuck.
#[test]
fn a_dead_owner_is_succeeded() {
    model(2, || {
        let lock = Arc::new(Model::default());
        lock.take(1);
        let waiters = [2, 3].map(|thread| {
            let lock = Arc::clone(&lock);
            thread::spawn(move || {
                let taken = lock.take(thread);
                lock.increment();
                lock.release(thread);
                u32::from(taken.owner_died)
            })
        });
        lock.increment();
        lock.owner_dies();
        let recoveries: u32 = waiters.into_iter().map(|waiter| waiter.join().unwrap()).sum();
        assert_eq!(recoveries, 1, "one successor, and one only, learns of the death");
        lock.take(4);
        lock.guarded.with(|guarded| assert_eq!(read(guarded), 3));
    });
}

/// Without release ordering in `die`, the next owner does not see the writes of a thread that ended with the lock.
#[test]
fn a_thread_that_ends_is_succeeded() {
    model(2, || {
        let lock = Arc::new(Model::default());
        lock.take(1);
        let waiter = {
            let lock = Arc::clone(&lock);
            thread::spawn(move || {
                assert!(lock.take(2).owner_died);
                lock.increment();
                lock.release(2);
            })
        };
        lock.increment();
        die(&lock.word, 1, &lock.futex);
        waiter.join().unwrap();
        lock.take(3);
        lock.guarded.with(|guarded| assert_eq!(read(guarded), 2));
    });
}

/// Without the wake-up of all, a sleeper would wait forever. Without its orderings, a thread that finds the lock retired would
/// not see what the last owner did. An owner after the last one would change the value that was replaced.
#[test]
fn a_retired_lock_is_taken_by_none() {
    model(2, || {
        let lock = Arc::new(Model::default());
        let threads = [1, 2].map(|thread| {
            let lock = Arc::clone(&lock);
            thread::spawn(move || {
                if take(&lock.word, thread, Wait::Forever, &lock.futex).is_some() {
                    lock.increment();
                    lock.release(thread);
                    return 1;
                }
                assert!(is_retired(&lock.word));
                lock.guarded.with(|guarded| assert!(read(guarded) >= 1));
                0
            })
        });
        lock.take(3);
        lock.increment();
        retire(&lock.word, &lock.futex);
        release(&lock.word, 3, &lock.futex).expect_err("it is not the owner's any more");
        let taken: u32 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        lock.guarded.with(|guarded| assert_eq!(read(guarded), 1 + taken));
    });
}

/// A lock beside what the kernel tells of its first owner: whether that process has ended.
#[derive(Default)]
struct Watched {
    lock: Model,
    has_ended: Mutex<bool>,
}

/// The process of the first owner.
const FIRST: u32 = 1;

impl Kernel for &Watched {
    fn announce(&self) {}

    fn retract(&self) {}

    fn may_own_elsewhere(&self) -> bool {
        false
    }

    fn wait(&self, word: &AtomicU64, expected: u64, timeout: Duration) {
        // Every sleep ends by itself some time later, when the first owner has ended.
        let (process, _) = process_and_thread(expected);
        if process != FIRST || !*self.has_ended.lock().unwrap() {
            (&self.lock.futex).wait(word, expected, timeout);
        }
    }

    fn wake_one(&self, word: &AtomicU64) {
        (&self.lock.futex).wake_one(word);
    }

    fn wake_all(&self, _word: &AtomicU64) {
        self.lock.futex.wake_all();
    }

    fn is_replaced(&self, _word: &AtomicU64) -> bool {
        false
    }

    fn is_gone(&self, _word: &AtomicU64, owner: u64) -> bool {
        let (process, _) = process_and_thread(owner);
        // The kernel removes and looks for locks on a file under a lock of its own.
        process == FIRST && *self.has_ended.lock().unwrap()
    }

    fn is_interrupted(&self) -> bool {
        false
    }
}

/// A lock whose first owner replaces the value and dies.
#[derive(Default)]
struct Replaced(Model);

impl Kernel for &Replaced {
    fn announce(&self) {}

    fn retract(&self) {}

    fn may_own_elsewhere(&self) -> bool {
        false
    }

    fn wait(&self, word: &AtomicU64, expected: u64, timeout: Duration) {
        (&self.0.futex).wait(word, expected, timeout);
    }

    fn wake_one(&self, word: &AtomicU64) {
        (&self.0.futex).wake_one(word);
    }

    fn wake_all(&self, _word: &AtomicU64) {
        self.0.futex.wake_all();
    }

    fn is_replaced(&self, _word: &AtomicU64) -> bool {
        // The name and the header say so.
        true
    }

    fn is_gone(&self, _word: &AtomicU64, _owner: u64) -> bool {
        false
    }

    fn is_interrupted(&self) -> bool {
        false
    }
}

/// The kernel wakes one sleeper. If the thread that takes the lock over did not wake the others, they would sleep forever.
#[test]
fn an_owner_that_died_while_it_replaced_the_value_has_no_successor() {
    model(2, || {
        let lock = Arc::new(Replaced::default());
        lock.0.take(1);
        let waiters = [2, 3].map(|thread| {
            let lock = Arc::clone(&lock);
            thread::spawn(move || assert_eq!(take(&lock.0.word, thread, Wait::Forever, &*lock), None))
        });
        lock.0.owner_dies();
        for waiter in waiters {
            waiter.join().unwrap();
        }
        assert!(is_retired(&lock.0.word));
    });
}

/// Without release ordering in the take-over, the owner after the next one does not see what the dead owner wrote. If the
/// thread alone named an owner, a living thread of the same id would lose the lock.
#[test]
fn an_owner_that_is_gone_is_succeeded_by_one() {
    model(2, || {
        let watched = Arc::new(Watched::default());
        let (dead, living) = (owner_of(FIRST, 7), [owner_of(2, 7), owner_of(3, 7)]);
        take(&watched.lock.word, dead, Wait::Forever, &*watched).expect("it is free");
        let waiters = living.map(|owner| {
            let watched = Arc::clone(&watched);
            thread::spawn(move || {
                let taken = take(&watched.lock.word, owner, Wait::Forever, &*watched).expect("waits forever");
                watched.lock.increment();
                release(&watched.lock.word, owner, &*watched).expect("is held");
                u32::from(taken.owner_died)
            })
        });
        watched.lock.increment();
        *watched.has_ended.lock().unwrap() = true;
        watched.lock.futex.wake_all();
        let recoveries: u32 = waiters.into_iter().map(|waiter| waiter.join().unwrap()).sum();
        assert_eq!(recoveries, 1, "one successor, and one only, learns of the death");
        take(&watched.lock.word, living[0], Wait::Forever, &*watched).expect("it is free");
        watched.lock.guarded.with(|guarded| assert_eq!(read(guarded), 3));
    });
}

/// Without the fences, a waiter could see the lock word of an owner that nothing vouches for, but not the word *unvouched*,
/// and would take the living owner for gone.
#[test]
fn an_owner_that_nothing_vouches_for_is_known() {
    model(2, || {
        let words = Arc::new([AtomicU64::default(), AtomicU64::default()]);
        let owner = {
            let words = Arc::clone(&words);
            thread::spawn(move || {
                let [word, unvouched] = &*words;
                unvouched::set(unvouched);
                take(word, owner_of(FIRST, 7), Wait::Forever, &Futex::default()).expect("it is free");
            })
        };
        let [word, unvouched] = &*words;
        let is_held = word.load(Relaxed) != 0;
        let is_unvouched = unvouched::is_set(unvouched);
        assert!(is_unvouched || !is_held);
        owner.join().unwrap();
    });
}

fn read(guarded: *const u32) -> u32 {
    #[expect(unsafe_code, reason = "loom's cells give out pointers")]
    // SAFETY: loom checks that no other thread writes during the access.
    unsafe {
        *guarded
    }
}
