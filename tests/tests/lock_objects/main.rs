//! Lock objects: one lock that guards several values.

mod commit;
mod identity;
mod panic;
mod processes;

use std::thread;

use shared_value::{RLock, Synchronized};

/// Two values under one lock.
struct Pair {
    lock: RLock,
    left: Synchronized<i64>,
    right: Synchronized<[u64; 20]>,
}

impl Pair {
    fn new() -> Self {
        let lock = RLock::new().unwrap();
        let left = Synchronized::options().lock(&lock).new(0).unwrap();
        let right = Synchronized::options().lock(&lock).new([0; 20]).unwrap();
        Self { lock, left, right }
    }

    fn versions(&self) -> (u64, u64) {
        (self.left.version(), self.right.version())
    }

    fn values(&self) -> (i64, u64) {
        let right = self.right.get();
        assert_eq!(right, [right[0]; 20], "torn");
        (self.left.get(), right[0])
    }

    fn set_both(&self, number: u32) {
        self.left.set(number.into()).unwrap();
        self.right.set([number.into(); 20]).unwrap();
    }
}

/// Runs a test twice: the first lock that a thread ever takes, it takes on another path than the later ones.
fn twice(test: impl Fn()) {
    test();
    test();
}

/// Runs the closure in another thread, which holds no lock.
fn elsewhere<R: Send>(look: impl FnOnce() -> R + Send) -> R {
    thread::scope(|scope| scope.spawn(look).join().unwrap())
}
