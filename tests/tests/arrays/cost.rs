//! The cost of a change, which must not grow with the size of the value.

use std::time::{Duration, Instant};

use shared_value::{Filled, SharedArray, SharedValue, Synchronized, Zeroed};

/// If every commit copied all of a large array, changes would take a thousand times as long.
#[test]
fn a_commit_costs_what_it_changes() {
    fn fastest(mut work: impl FnMut()) -> Duration {
        let time = |_| {
            let start = Instant::now();
            work();
            start.elapsed()
        };
        (0..10).map(time).min().expect("several")
    }
    let change = |array: &SharedArray<f64>| {
        let guard = array.lock().unwrap();
        let mut place = 1;
        for _ in 0..1_000 {
            place = place * 7_919 % guard.len();
            let value = guard.at(place);
            guard.set_at(place, value + 1.0).unwrap();
        }
    };
    let small = SharedArray::new(Filled(0.0, 20_011)).unwrap();
    let large = SharedArray::new(Filled(0.0, 10_000_019)).unwrap();
    let (small, large) = (fastest(|| change(&small)), fastest(|| change(&large)));
    // A copy of the large array has 80 megabytes and takes about 10 milliseconds.
    assert!(large < small * 20, "{large:?} for 10 million elements, {small:?} for 20,000");
}

/// If every commit copied all of a large struct, a change of one field would take a thousand times as long.
#[test]
fn a_change_of_one_field_costs_little() {
    #[derive(SharedValue, Clone, Copy)]
    #[repr(C)]
    struct Large {
        first: u64,
        rest: [u64; 131_071],
    }
    let large = Synchronized::<Large>::new(Zeroed).unwrap();
    let start = Instant::now();
    for number in 1..=1_000 {
        large.set_first(number).unwrap();
        large.in_rest().set_at(usize::try_from(number).unwrap() * 131, number).unwrap();
    }
    // 2,000 copies of a megabyte take more than a tenth of a second, even in a cache.
    assert!(start.elapsed() < Duration::from_millis(50), "{:?}", start.elapsed());
    assert_eq!((large.first(), large.in_rest().at(131_000), large.in_rest().at(131)), (1_000, 1_000, 1));
    assert_eq!(large.load_boxed().unwrap().rest.iter().sum::<u64>(), 500_500);
}
