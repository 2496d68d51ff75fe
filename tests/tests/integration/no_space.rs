//! Shared memory that is full.

use crate::worker;

/// Without reserving the space at creation, the first access to a page that there is no room for is a SIGBUS.
#[test]
fn a_full_dev_shm_is_an_error() {
    let mut worker = worker("full", [0_u8; 0]);
    let said = worker.hear();
    println!("{said}");
    assert!(said == "done" || said.starts_with("skipped"), "{said}");
    worker.finish();
}
