//! Models of lanes: threads add, give lanes back and die, while another one reads the total.

use loom::sync::{Arc, Mutex};
use loom::thread;

use crate::models::model;
use crate::protocol::atomics::AtomicU64;
use crate::protocol::atomics::Ordering::Relaxed;
use crate::protocol::lanes::{add_alone, add_shared, give_back, is_owned_by, owner, sum, take};

/// A counter with a lane that can be owned, and a shared one.
#[derive(Default)]
struct Counter {
    owner: AtomicU64,
    sums: [AtomicU64; 2],
}

impl Counter {
    /// Adds one, as a thread of this name does. `is_gone` tells whether an owner is known not to exist.
    fn add(&self, this: u64, is_gone: impl Fn(u64) -> bool) {
        let seen = owner(&self.owner);
        let is_free = seen == 0 || (seen != this && is_gone(seen));
        if is_owned_by(&self.owner, this) || is_free && take(&self.owner, seen, this) {
            add_alone(&self.sums[0], 1);
        } else {
            add_shared(&self.sums[1], 1);
        }
    }

    fn total(&self) -> u64 {
        self.sums.iter().map(sum).sum()
    }
}

/// If the next owner did not see the sum that the last one left, additions would be lost.
#[test]
fn no_addition_is_lost_when_a_lane_is_given_back() {
    model(3, || {
        let counter = Arc::new(Counter::default());
        let adders = [1, 2].map(|this| {
            let counter = Arc::clone(&counter);
            thread::spawn(move || {
                for _ in 0..2 {
                    counter.add(this, |_| false);
                    give_back(&counter.owner, this);
                }
            })
        });
        for adder in adders {
            adder.join().unwrap();
        }
        assert_eq!(counter.total(), 4);
    });
}

/// If a lane were taken from an owner that lives, two threads would add by load and store. The kernel tells of a death under a
/// lock of its own, after it has ended the owner.
#[test]
fn the_sum_of_a_dead_owner_stays() {
    model(3, || {
        let counter = Arc::new(Counter::default());
        let is_gone = Arc::new(Mutex::new(false));
        let dying = {
            let (counter, is_gone) = (Arc::clone(&counter), Arc::clone(&is_gone));
            thread::spawn(move || {
                counter.add(1, |_| false);
                counter.add(1, |_| false);
                *is_gone.lock().unwrap() = true;
            })
        };
        let adders = [2, 3].map(|this| {
            let (counter, is_gone) = (Arc::clone(&counter), Arc::clone(&is_gone));
            thread::spawn(move || counter.add(this, |owner| owner == 1 && *is_gone.lock().unwrap()))
        });
        dying.join().unwrap();
        for adder in adders {
            adder.join().unwrap();
        }
        assert_eq!(counter.total(), 4);
    });
}

/// A reader that sees an addition sees what its thread did before, in an owned lane and in a shared one.
fn who_sees_an_addition_sees_what_came_before(add: fn(&AtomicU64, u64)) {
    model(3, move || {
        let [before, total] = [(); 2].map(|()| Arc::new(AtomicU64::new(0)));
        // The reader is the thread that comes second in the first run: loom looks back from a store only to the last access, which
        // is the load of the addition itself.
        let reader = {
            let (before, total) = (Arc::clone(&before), Arc::clone(&total));
            thread::spawn(move || {
                if sum(&total) == 1 {
                    assert_eq!(before.load(Relaxed), 1);
                }
            })
        };
        before.store(1, Relaxed);
        add(&total, 1);
        reader.join().unwrap();
    });
}

#[test]
fn an_addition_in_an_owned_lane_tells_what_came_before() {
    who_sees_an_addition_sees_what_came_before(add_alone);
}

#[test]
fn an_addition_in_a_shared_lane_tells_what_came_before() {
    who_sees_an_addition_sees_what_came_before(add_shared);
}
