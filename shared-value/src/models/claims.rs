//! Models of claims: one process opens a value while another one removes it and uses its space again.
//!
//! loom takes sequentially consistent operations for acquire and release only. `protocol/claims.rs` has a fence in their place, in
//! models alone. So these models check what has to lie between two steps, and in which order the steps come.

use loom::cell::UnsafeCell;
use loom::sync::{Arc, Mutex};
use loom::thread;

use crate::models::model;
use crate::protocol::atomics::Ordering::{Acquire, Relaxed, Release};
use crate::protocol::atomics::{AtomicU32, AtomicU64};
use crate::protocol::claims::{
    begin_search, claim, count_down, counters, end_search, is_open, is_quiet, look_again, show, withdraw,
};

const PRESENT: u64 = 1;
const REMOVED: u64 = 2;

/// What counts one in the counter.
const ONE: u64 = 1 << 16;

/// A value of an arena, and the claims of the process that opens it.
struct Model {
    /// The first word of the block.
    block: AtomicU64,
    searches: AtomicU64,
    counter: AtomicU64,
    count: AtomicU32,
    /// How often the space was used again.
    contents: UnsafeCell<u32>,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            block: AtomicU64::new(PRESENT),
            searches: AtomicU64::default(),
            counter: AtomicU64::default(),
            count: AtomicU32::default(),
            contents: UnsafeCell::new(0),
        }
    }
}

impl Model {
    /// Opens the value, reads it, and drops the handle. Returns whether it was there.
    fn open(&self) -> bool {
        if self.block.load(Acquire) != PRESENT {
            return false;
        }
        assert!(claim(&self.count, ONE, || Some(&self.counter)));
        let is_there = look_again(&self.block) == PRESENT;
        if is_there {
            self.read();
        }
        self.drop();
        is_there
    }

    /// Reads the value by a handle.
    fn read(&self) {
        // loom fails if this happens while the space is used again.
        self.contents.with(|contents| assert_eq!(read(contents), 0, "the handle leads to another value"));
    }

    fn drop(&self) {
        if count_down(&self.count, || false) {
            withdraw(&self.counter, ONE);
        }
    }

    /// Removes the value. `is_locked` tells whether the unit is claimed by a lock.
    fn remove(&self, is_locked: impl Fn() -> bool) {
        self.block.store(REMOVED, Release);
        begin_search(&self.searches);
        if counters(&self.counter) / ONE == 0 && !is_locked() {
            self.contents.with_mut(increment);
        }
        end_search(&self.searches);
    }
}

fn increment(contents: *mut u32) {
    #[expect(unsafe_code, reason = "loom's cells give out pointers")]
    // SAFETY: loom checks that the access is exclusive.
    unsafe {
        *contents += 1;
    }
}

fn read(contents: *const u32) -> u32 {
    #[expect(unsafe_code, reason = "loom's cells give out pointers")]
    // SAFETY: loom checks that no other thread writes during the access.
    unsafe {
        *contents
    }
}

/// Without the claim, the second look, or what orders them, a handle would lead to the value that takes the space next. Without
/// release ordering at its end, a handle would still read while that value is written.
#[test]
fn a_value_that_is_open_keeps_its_space() {
    model(3, || {
        let arena = Arc::new(Model::default());
        let opener = {
            let arena = Arc::clone(&arena);
            thread::spawn(move || arena.open())
        };
        arena.remove(|| false);
        opener.join().unwrap();
        assert_eq!(arena.counter.load(Relaxed), 0);
    });
}

/// The counter is shown by the first handle of a process and taken back by the last one, of whatever thread they are.
#[test]
fn threads_of_a_process_share_a_claim() {
    model(3, || {
        let arena = Arc::new(Model::default());
        let openers = [(); 2].map(|()| {
            let arena = Arc::clone(&arena);
            thread::spawn(move || arena.open())
        });
        arena.remove(|| false);
        for opener in openers {
            opener.join().unwrap();
        }
        assert_eq!((arena.counter.load(Relaxed), arena.count.load(Relaxed)), (0, 0));
    });
}

/// A process and the child that it forks: each has a counter in a window of its own.
struct Family {
    arena: Model,
    /// The counter of the child. The counts are copies, so only the child's is here.
    child: AtomicU64,
    /// Whether the pin stands: a lock on the file, which the kernel guards.
    pin: Mutex<bool>,
}

/// A handle is claimed by the parent's counter, then by the pin, then by the child's counter. If the pin ended while a search is under
/// way, or if the search asked for the pin first, the search could see none of the three.
#[test]
fn a_child_inherits_a_claim() {
    model(3, || {
        let arena = Model { counter: AtomicU64::new(ONE), count: AtomicU32::new(1), ..Model::default() };
        let family = Arc::new(Family { arena, child: AtomicU64::default(), pin: Mutex::new(true) });
        let child = {
            let family = Arc::clone(&family);
            thread::spawn(move || {
                // Its first call.
                show(&family.child, ONE);
                if is_quiet(&family.arena.searches) {
                    *family.pin.lock().unwrap() = false;
                }
                family.arena.read();
            })
        };
        let remover = {
            let family = Arc::clone(&family);
            thread::spawn(move || family.arena.remove(|| counters(&family.child) != 0 || *family.pin.lock().unwrap()))
        };
        // The parent, after the fork.
        family.arena.drop();
        child.join().unwrap();
        remover.join().unwrap();
    });
}

/// A process that forks while another thread of it opens a value, and a child that makes no call.
#[derive(Default)]
struct Forking {
    arena: Model,
    /// Whether the other thread has put the handle where the child finds it.
    is_passed_on: AtomicU64,
    /// Whether the pin covers the unit: a lock on the file, which the kernel guards.
    pin: Mutex<bool>,
}

impl Forking {
    /// Opens the value, and keeps the handle.
    fn open(&self) {
        if self.arena.block.load(Acquire) == PRESENT {
            assert!(claim(&self.arena.count, ONE, || Some(&self.arena.counter)));
            if look_again(&self.arena.block) == PRESENT {
                self.is_passed_on.store(1, Release);
            } else {
                self.arena.drop();
            }
        }
    }

    /// Forks. The child ends the pin of the unit unless it has inherited a handle, which it uses when the parent has dropped its own.
    fn fork(&self) {
        *self.pin.lock().unwrap() = true;
        // All memory is copied at one moment: with a handle, the child has the count that was stored before.
        let has_inherited = self.is_passed_on.load(Acquire) == 1;
        let is_kept = is_open(&self.arena.count);
        if !is_kept {
            *self.pin.lock().unwrap() = false;
        }
        if has_inherited {
            self.arena.drop();
            self.arena.read();
        }
    }
}

/// A child claims what was open at the fork by the rest of its pin. If it asked its counts before the pin stood, or ended the pin of a
/// unit with a count, its handle would lead to another value.
#[test]
fn a_child_keeps_the_pin_of_what_it_has_inherited() {
    model(3, || {
        let family = Arc::new(Forking::default());
        let opener = {
            let family = Arc::clone(&family);
            thread::spawn(move || family.open())
        };
        let remover = {
            let family = Arc::clone(&family);
            thread::spawn(move || family.arena.remove(|| *family.pin.lock().unwrap()))
        };
        family.fork();
        opener.join().unwrap();
        remover.join().unwrap();
    });
}
