//! `options().wait(..)`: opens a value as soon as there is one.

use std::thread;
use std::time::{Duration, Instant};

use shared_value::{Arena, DynValue, Error, Filled, RLock, SharedArray, Synchronized};
use shared_value_tests::{DEADLINE, SHORT, SegmentName, fork, in_time};

/// Opens one kind of handle, and waits for it up to the time that it is given.
type Open<'o> = &'o dyn Fn(Duration) -> Result<(), Error>;

/// How late a wait may return on a busy machine.
const LATE: Duration = Duration::from_secs(5);

/// A program that starts before its peer would otherwise have to repeat `open` itself.
#[test]
fn a_wait_ends_once_the_name_exists() {
    in_time(|| {
        let name = SegmentName::new("wait");
        let start = Instant::now();
        let creator = fork(|| {
            thread::sleep(SHORT);
            Synchronized::create(&name, 7_u64).expect("the name is free");
        });
        let value = Synchronized::<u64>::options().wait(DEADLINE).open(&name).expect("the child creates it");
        let waited = start.elapsed();
        assert_eq!(value.get(), 7);
        assert!(waited >= SHORT && waited < LATE, "it waited {waited:?} for a value that came after {SHORT:?}");
        creator.finish();
        let read_only = Synchronized::<u64>::options().read_only().wait(DEADLINE).open(&name).expect("it exists");
        assert_eq!(read_only.get(), 7);
    });
}

/// A wait must end, with the error that says what is missing.
#[test]
fn a_wait_in_vain_ends_in_time() {
    in_time(|| {
        let name = SegmentName::new("in-vain");
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("value");
        let waits: [(&str, Open<'_>); 7] = [
            ("a value", &|wait| Synchronized::<u64>::options().wait(wait).open(&name).map(drop)),
            ("a file", &|wait| Synchronized::<u64>::options().wait(wait).open(&path).map(drop)),
            ("for reading", &|wait| Synchronized::<u64>::options().read_only().wait(wait).open(&name).map(drop)),
            ("an array", &|wait| SharedArray::<u64>::options().wait(wait).open(&name).map(drop)),
            ("a dynamic value", &|wait| DynValue::options().wait(wait).open(&name).map(drop)),
            ("an arena", &|wait| Arena::options().wait(wait).open(&name).map(drop)),
            ("a lock", &|wait| RLock::options().wait(wait).open(&name).map(drop)),
        ];
        for (kind, wait) in waits {
            for timeout in [Duration::ZERO, Duration::from_millis(1), SHORT] {
                let start = Instant::now();
                let result = wait(timeout);
                let waited = start.elapsed();
                assert!(matches!(result, Err(Error::NotFound { .. })), "{kind}: {result:?}");
                assert!(waited >= timeout && waited < timeout + LATE, "{kind}: {waited:?} instead of {timeout:?}");
            }
        }
    });
}

/// An error that waiting does not cure must be returned at once.
#[test]
fn a_wait_ends_at_an_error_of_another_kind() {
    in_time(|| {
        let name = SegmentName::new("other-type");
        let _array = SharedArray::create(&name, Filled(0_u32, 3)).unwrap();
        let start = Instant::now();
        let result = Synchronized::<u64>::options().wait(DEADLINE).open(&name);
        assert!(matches!(result, Err(Error::LayoutMismatch { .. })), "{result:?}");
        let result = Synchronized::<u64>::options().wait(DEADLINE).open("a/b");
        assert!(matches!(result, Err(Error::InvalidName { .. })), "{result:?}");
        assert!(start.elapsed() < LATE, "it waited {:?}", start.elapsed());
    });
}
