//! Models of the lock word.

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

use crate::models::futex::Futex;
use crate::models::model;
use crate::protocol::atomics::AtomicU64;
use crate::protocol::atomics::Ordering::{Relaxed, SeqCst};
use crate::protocol::lock_word::{Kernel, OWNER_DIED, Taken, WAITERS, Wait, die, release, take};

#[derive(Default)]
struct Model {
    word: AtomicU64,
    futex: Futex,
    guarded: UnsafeCell<u32>,
}

impl Model {
    fn take(&self, thread: u32) -> Taken {
        take(&self.word, thread, Wait::Forever, &self.futex).expect("waits for ever")
    }

    fn release(&self, thread: u32) {
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

fn read(guarded: *const u32) -> u32 {
    #[expect(unsafe_code, reason = "loom's cells give out pointers")]
    // SAFETY: loom checks that no other thread writes during the access.
    unsafe {
        *guarded
    }
}
