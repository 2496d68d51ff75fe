//! Waiting for changes on a tokio runtime.

use std::time::Duration;

use shared_value::{ReadOnly, Synchronized};
use shared_value_tests::{DEADLINE, SHORT, fork};
use tokio::time::{sleep, timeout};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_by_another_process_are_seen() {
    let value = Synchronized::new(0_u64).unwrap();
    let mut changes = value.changes();
    let mut read_only: shared_value::Changes<u64, ReadOnly> = value.read_only().unwrap().changes();
    let child = fork(|| {
        for number in 1..=20 {
            std::thread::sleep(Duration::from_millis(2));
            value.set(number).unwrap();
        }
    });
    let mut last = 0;
    while last < 20 {
        let seen = timeout(DEADLINE, changes.changed()).await.expect("it is woken").unwrap();
        assert!(seen > last, "each change is newer than the last");
        last = seen;
    }
    while timeout(DEADLINE, read_only.changed()).await.expect("it looks").unwrap() < 20 {}
    child.finish();
}

#[tokio::test]
async fn waiting_leaves_the_runtime_to_others() {
    let value = Synchronized::new(0_u64).unwrap();
    let mut changes = value.changes();
    // One thread: if waiting blocked it, the other task would never make the change.
    let (seen, ()) = tokio::join!(timeout(DEADLINE, changes.changed()), async {
        sleep(SHORT / 2).await;
        value.set(7).unwrap();
    });
    assert_eq!(seen.expect("it is woken").unwrap(), 7);
}

#[tokio::test]
async fn a_dropped_wait_loses_no_change() {
    let value = Synchronized::new(0_u64).unwrap();
    let mut changes = value.changes();
    assert!(timeout(SHORT / 4, changes.changed()).await.is_err(), "nothing has changed");
    value.set(1).unwrap();
    assert_eq!(timeout(DEADLINE, changes.changed()).await.expect("it has changed").unwrap(), 1);
    assert!(timeout(SHORT / 4, changes.changed()).await.is_err(), "it has not changed since");
}
