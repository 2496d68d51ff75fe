//! Many processes that change one value.

use shared_value_tests::values::{LANES, SynchronizedTally, Tally};
use shared_value_tests::{SegmentName, scaled};

use crate::worker;

/// Without mutual exclusion between processes, increments would be lost. So would those of a neighbour in the same word,
/// if a write replaced the whole word.
#[test]
fn eight_processes_count_exactly() {
    let count = scaled(40_000, 4_000);
    let name = SegmentName::new("counting");
    let tally = SynchronizedTally::create(&name, Tally::default()).unwrap();
    let mut workers: Vec<_> =
        (0..LANES).map(|lane| worker("increment", [&*name, &lane.to_string(), &count.to_string()])).collect();
    for worker in &mut workers {
        worker.expect("ready");
    }
    for worker in &mut workers {
        worker.tell("go");
    }
    for worker in workers {
        worker.finish();
    }
    assert_eq!(tally.total(), count * LANES as u64);
    assert_eq!(tally.lanes(), [u32::try_from(count).unwrap(); LANES]);
    assert_eq!(tally.version(), 2 * count * LANES as u64, "every change is one commit");
    assert_eq!(tally.recoveries(), 0, "no owner died");
}
