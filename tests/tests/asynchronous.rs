//! Waiting for changes on a tokio runtime.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use shared_value::{Error, Filled, Lock, LockError, ReadOnly, SharedArray, Synchronized};
use shared_value_tests::{DEADLINE, SHORT, fork};
use tokio::runtime::Handle;
use tokio::time::{sleep, timeout};

/// A task must see the changes of other processes, through any handle that has versions.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_sees_the_changes_of_another_process() {
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
        assert!(seen > last, "the changes come in order");
        last = seen;
    }
    while timeout(DEADLINE, read_only.changed()).await.expect("it looks by itself").unwrap() < 20 {}
    child.finish();
}

/// A wait must not block the runtime.
#[tokio::test]
async fn other_tasks_run_while_one_waits() {
    let value = Synchronized::new(0_u64).unwrap();
    let mut changes = value.changes();
    // The runtime has one thread: if the wait blocked it, the other task would never make the change.
    let (seen, ()) = tokio::join!(timeout(DEADLINE, changes.changed()), async {
        sleep(SHORT / 2).await;
        value.set(7).unwrap();
    });
    assert_eq!(seen.expect("it is woken").unwrap(), 7);
}

/// A guard across an `.await` lets another task of the thread in. With a lock that is not recursive, that task gets an error,
/// and no change is lost.
#[tokio::test]
#[expect(clippy::await_holding_invalid_type, reason = "this is the mistake that the test is about")]
async fn a_second_task_is_refused_by_a_lock_that_is_not_recursive() {
    let balance = Synchronized::options().non_recursive().new(100_i64).unwrap();
    let withdraw = async || {
        let guard = balance.lock()?;
        let seen = guard.get();
        tokio::task::yield_now().await;
        guard.set(seen - 80)?;
        Ok::<_, Error>(())
    };
    let (first, second) = tokio::join!(withdraw(), withdraw());
    first.unwrap();
    assert!(matches!(second, Err(Error::Lock(LockError::AlreadyHeld))), "{second:?}");
    assert_eq!(balance.get(), 20);

    let lock = Lock::new().unwrap();
    let held = async || {
        let _guard = lock.lock()?;
        tokio::task::yield_now().await;
        Ok::<_, Error>(())
    };
    let (first, second) = tokio::join!(held(), held());
    assert!(first.is_ok() && matches!(second, Err(Error::Lock(LockError::AlreadyHeld))), "{second:?}");
}

/// If a wait copied a large value again and again without a pause, a timeout could not end it, and no other task would run.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_timeout_ends_a_wait_for_a_large_value() {
    let array = SharedArray::new(Filled(0_u64, 8 << 20)).unwrap();
    let mut changes = array.read_only().unwrap().changes();
    let (stop, start) = (AtomicBool::new(false), Instant::now());
    let waited = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Relaxed) && start.elapsed() < DEADLINE {
                array.update_at(0, |word| *word += 1).unwrap();
                std::thread::sleep(Duration::from_micros(20));
            }
        });
        let waiting = async { timeout(SHORT, changes.changed()).await.map(|changed| changed.unwrap().len()) };
        let waited = tokio::task::block_in_place(|| Handle::current().block_on(waiting));
        stop.store(true, Relaxed);
        waited
    });
    assert!(waited.is_err() || waited == Ok(8 << 20), "{waited:?}");
    assert!(start.elapsed() < DEADLINE / 3, "{:?}", start.elapsed());
}

/// A task that waits under a guard of its thread would wait forever.
#[tokio::test]
#[expect(clippy::await_holding_invalid_type, reason = "this is the mistake that the test is about")]
async fn a_wait_under_the_own_lock_is_an_error() {
    let value = Synchronized::new(0_u64).unwrap();
    let reader = value.read_only().unwrap();
    let (mut changes, mut seen) = (value.changes(), reader.changes());
    let guard = value.lock().unwrap();
    let waited = timeout(DEADLINE, changes.changed()).await.expect("it is refused at once");
    assert!(matches!(waited, Err(Error::WaitUnderLock { .. })), "{waited:?}");
    let waited = timeout(DEADLINE, seen.changed()).await.expect("it is refused at once");
    assert!(matches!(waited, Err(Error::WaitUnderLock { .. })), "read only: {waited:?}");
    drop(guard);
}

/// A future may be dropped at any time, for example by a timeout.
#[tokio::test]
async fn a_dropped_wait_loses_no_change() {
    let value = Synchronized::new(0_u64).unwrap();
    let mut changes = value.changes();
    assert!(timeout(SHORT / 4, changes.changed()).await.is_err(), "nothing has changed");
    value.set(1).unwrap();
    assert_eq!(timeout(DEADLINE, changes.changed()).await.expect("the value has changed").unwrap(), 1);
    assert!(timeout(SHORT / 4, changes.changed()).await.is_err(), "nothing has changed since");
}
