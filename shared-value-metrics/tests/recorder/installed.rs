//! A recorder that is installed for the whole process.

use metrics::counter;
use shared_value_tests::fork;

use crate::{arena, recorder, samples};

#[test]
fn the_macros_find_it() {
    let recorder = recorder(arena());
    // In a child: no other test gets this recorder.
    fork(|| {
        recorder.install().unwrap();
        assert!(recorder.install().is_err());
        counter!("jobs").increment(1);
        fork(|| counter!("jobs").increment(1)).finish();
        std::thread::scope(|scope| scope.spawn(|| counter!("jobs").increment(1)).join().unwrap());
    })
    .finish();
    assert_eq!(samples(&recorder, "jobs_total"), [3.0]);
}
