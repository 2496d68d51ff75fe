//! A `/dev/shm` that is full.

use crate::worker;

/// If the space were not reserved at creation, the first access to a page for which there is no room would be a SIGBUS.
#[test]
fn a_full_dev_shm_is_an_error() {
    let mut worker = worker("full", [0_u8; 0]);
    let said = worker.hear();
    println!("{said}");
    assert!(said == "done" || said.starts_with("skipped"), "{said}");
    worker.finish();
}
