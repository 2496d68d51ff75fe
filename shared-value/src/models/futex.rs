//! The kernel's part in the models.

use std::time::Duration;

use loom::sync::{Condvar, Mutex};

use crate::protocol::atomics::{AtomicU64, Ordering::Relaxed};
use crate::protocol::lock_word::Kernel;

/// The bits of a word that the kernel compares.
const LOWER_HALF: u64 = 0xffff_ffff;

/// The kernel's queue for one word. There are no timeouts: loom reports a sleeper that is never woken.
#[derive(Default)]
pub(super) struct Futex {
    queue: Mutex<()>,
    woken: Condvar,
}

impl Futex {
    pub(super) fn wake_all(&self) {
        let _queue = self.queue.lock().unwrap();
        self.woken.notify_all();
    }
}

impl Kernel for &Futex {
    fn announce(&self) {}

    fn retract(&self) {}

    fn may_own_elsewhere(&self) -> bool {
        false
    }

    fn wait(&self, word: &AtomicU64, expected: u64, _timeout: Duration) {
        // The kernel compares and enqueues under a lock that a wake-up takes too.
        let queue = self.queue.lock().unwrap();
        if word.load(Relaxed) & LOWER_HALF == expected & LOWER_HALF {
            drop(self.woken.wait(queue).unwrap());
        }
    }

    fn wake_one(&self, _word: &AtomicU64) {
        let _queue = self.queue.lock().unwrap();
        self.woken.notify_one();
    }

    fn wake_all(&self, _word: &AtomicU64) {
        Futex::wake_all(self);
    }

    fn is_replaced(&self, _word: &AtomicU64) -> bool {
        false
    }

    fn is_gone(&self, _word: &AtomicU64, _owner: u64) -> bool {
        false
    }

    fn is_interrupted(&self) -> bool {
        false
    }
}
