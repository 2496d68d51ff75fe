//! Models of the lock word.

use std::time::Duration;

use loom::cell::UnsafeCell;
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;

use crate::models::model;
use crate::primitive::{AtomicU32, Ordering::Relaxed};
use crate::word::{Kernel, Taken, Wait, release, take};

/// The kernel's queue for one word, without timeouts: whoever is not woken sleeps for ever, which loom reports.
#[derive(Default)]
struct Futex {
    queue: Mutex<()>,
    woken: Condvar,
}

impl Kernel for Futex {
    fn announce(&self) {}

    fn retract(&self) {}

    fn wait(&self, word: &AtomicU32, expected: u32, _timeout: Duration) {
        // The kernel compares and queues under the lock that a wake-up takes too.
        let queue = self.queue.lock().unwrap();
        if word.load(Relaxed) == expected {
            drop(self.woken.wait(queue).unwrap());
        }
    }

    fn wake_one(&self, _word: &AtomicU32) {
        let _queue = self.queue.lock().unwrap();
        self.woken.notify_one();
    }
}

#[derive(Default)]
struct Lock {
    word: AtomicU32,
    futex: Futex,
    guarded: UnsafeCell<u32>,
}

impl Lock {
    fn take(&self, thread: u32) -> Taken {
        take(&self.word, thread, Wait::Forever, &self.futex).expect("waits for ever")
    }

    fn release(&self, thread: u32) {
        release(&self.word, thread, &self.futex).expect("is held");
    }

    fn increment(&self) {
        // loom fails if two threads get here at once, or if one does not see what the other did.
        self.guarded.with_mut(increment);
    }

    /// What the kernel does for a thread that dies with the lock.
    fn owner_died(&self) {
        let seen = self.word.load(Relaxed);
        let waiters = seen & 0x8000_0000;
        self.word.compare_exchange(seen, 0x4000_0000 | waiters, loom_seq_cst(), Relaxed).map_or_else(
            |_| self.owner_died(),
            |_| {
                if waiters != 0 {
                    self.futex.wake_one(&self.word);
                }
            },
        );
    }
}
