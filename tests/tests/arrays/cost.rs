//! The cost of a change, which must not grow with the size of the value.
//!
//! It is measured as processor time of this thread, so that a busy machine changes little.

use std::time::Duration;

use shared_value::{Filled, SharedArray, SharedValue, Synchronized, Zeroed};
use shared_value_tests::{longer_if_emulated, processor_time};

/// Far more than the changes of a test take, and a fraction of what the copies would take.
const MOST: Duration = longer_if_emulated(Duration::from_millis(800));

#[track_caller]
fn assert_cheap(changes: impl FnOnce()) {
    let start = processor_time();
    changes();
    let spent = processor_time().saturating_sub(start);
    assert!(spent < MOST, "the changes took {spent:?}");
}

/// If every commit copied all of a large array, changes would take a thousand times as long.
#[test]
fn a_commit_costs_what_it_changes() {
    let array = SharedArray::new(Filled(0.0, 10_000_019)).unwrap();
    let mut place = 1;
    // 600 copies of 80 megabytes take several seconds.
    assert_cheap(|| {
        for _ in 0..600 {
            let guard = array.lock().unwrap();
            for _ in 0..20 {
                place = place * 7_919 % guard.len();
                let value = guard.at(place);
                guard.set_at(place, value + 1.0).unwrap();
            }
        }
    });
    assert_eq!(array.version(), 600);
}

/// If every commit copied all of a large struct, a change of one field would take a thousand times as long.
#[test]
fn a_change_of_one_field_costs_little() {
    #[derive(SharedValue, Clone, Copy)]
    #[repr(C)]
    struct Large {
        first: u64,
        rest: [u64; 1_048_575],
    }
    let large = Synchronized::<Large>::new(Zeroed).unwrap();
    // 8,000 copies of 8 megabytes take several seconds.
    assert_cheap(|| {
        for number in 1..=4_000 {
            large.set_first(number).unwrap();
            large.in_rest().set_at(usize::try_from(number).unwrap() * 131, number).unwrap();
        }
    });
    assert_eq!((large.first(), large.in_rest().at(524_000), large.in_rest().at(131)), (4_000, 4_000, 1));
    assert_eq!(large.load_boxed().unwrap().rest.iter().sum::<u64>(), 8_002_000);
}
