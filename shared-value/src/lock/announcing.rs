//! `Announcing`: a lock that a thread takes or releases, as the kernel must know of it.

use std::time::Duration;

use crate::lock::line::LockLine;
use crate::lock::thread::Thread;
use crate::lock::{interruption, process};
use crate::protocol::atomics::AtomicU64;
use crate::protocol::fault;
use crate::protocol::lock_word;
use crate::sys;
use crate::sys::robust::RobustList;

/// Announces one lock of a thread to the kernel, through the thread's robust list.
#[derive(Clone, Copy)]
pub(super) struct Announcing {
    list: RobustList,
    node: u64,
}

impl Announcing {
    #[inline(always)]
    pub(super) fn of(thread: Thread, line: &LockLine) -> Self {
        Self { list: thread.list(), node: line.node() }
    }
}

impl lock_word::Kernel for Announcing {
    #[inline]
    fn announce(&self) {
        if !fault::is_chosen("link_unannounced") {
            self.list.announce(self.node);
        }
    }

    #[inline]
    fn retract(&self) {
        self.list.retract();
    }

    fn may_own_elsewhere(&self) -> bool {
        sys::copies::is_any_held()
    }

    fn wait(&self, word: &AtomicU64, expected: u64, timeout: Duration) {
        interruption::sleep(timeout, |timeout| sys::futex::wait(word, expected, timeout));
    }

    fn wake_one(&self, word: &AtomicU64) {
        sys::futex::wake_one(word);
    }

    fn wake_all(&self, word: &AtomicU64) {
        sys::futex::wake_all(word);
    }

    fn is_replaced(&self, word: &AtomicU64) -> bool {
        process::is_replaced(word.as_ptr().addr())
    }

    fn is_gone(&self, word: &AtomicU64, owner: u64) -> bool {
        process::is_gone(word.as_ptr().addr(), owner)
    }

    fn is_interrupted(&self) -> bool {
        interruption::is_noted()
    }
}
