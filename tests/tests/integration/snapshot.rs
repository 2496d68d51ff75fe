//! Readers in other processes, beside a writer that never pauses.

use std::env;
use std::time::Instant;

use shared_value_tests::values::{LARGE, LINE, PAGE, SynchronizedTwins, Twins};
use shared_value_tests::{DEADLINE, SegmentName, Worker, scaled};

use crate::worker;

const READERS: u64 = 2;

/// How many snapshots are taken in all; `SHARED_VALUE_SNAPSHOTS` asks for another number, such as 50000000.
fn snapshots() -> u64 {
    match env::var("SHARED_VALUE_SNAPSHOTS") {
        Ok(number) => number.parse().expect("SHARED_VALUE_SNAPSHOTS is a number"),
        Err(_) => scaled(4_000_000, 200_000),
    }
}

/// Takes snapshots of twins with `WORDS` words between them, and asserts that none is torn.
fn read<const WORDS: usize>(snapshots: u64) {
    let name = SegmentName::new("twins");
    let twins = SynchronizedTwins::create(&name, Twins::<[u64; WORDS]>::of(1)).unwrap();
    let arguments = |count: u64| [name.to_string(), WORDS.to_string(), count.to_string()];
    let mut writer = worker("write-twins", &arguments(0)[..2]);
    writer.expect("writing");
    let mut readers: Vec<_> =
        (0..READERS).map(|_| worker("read-twins", arguments(snapshots.div_ceil(READERS)))).collect();
    for reader in &mut readers {
        reader.expect("ready");
    }
    let (start, before) = (Instant::now(), twins.version());
    for reader in &mut readers {
        reader.tell("go");
    }
    let mut changes = 0;
    for reader in &mut readers {
        // Millions of snapshots take long: the deadline is one for progress.
        let said = loop {
            let seen = twins.version();
            match reader.hear_within(DEADLINE) {
                Some(said) => break said,
                None => assert!(twins.version() > seen, "the writer stopped"),
            }
        };
        changes += said.parse::<u64>().unwrap();
    }
    let elapsed = start.elapsed();
    for reader in readers {
        reader.finish();
    }
    let commits = twins.version() - before;
    writer.kill();
    let size = size_of::<Twins<[u64; WORDS]>>();
    println!("{size} bytes: {snapshots} snapshots in {elapsed:?}, {commits} commits meanwhile, {changes} of them seen");
    assert!(commits > 0 && changes > 0, "the writer and the readers did not run at the same time");
}

/// A reader that compared versions in another order, or without the fences, would see halves of two values.
#[test]
fn two_fields_are_always_equal() {
    let all = snapshots();
    read::<1>(all / 2);
    read::<LINE>(all / 4);
    read::<LARGE>(all / 8);
    read::<PAGE>(all / 8);
}

/// Threads of one process read through one mapping, and need the same care.
#[test]
fn two_fields_are_equal_between_threads() {
    use std::sync::atomic::{AtomicBool, Ordering};

    let twins = SynchronizedTwins::new(Twins::<[u64; LINE]>::of(1)).unwrap();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut number = 1;
            while !is_over.load(Ordering::Relaxed) {
                number += 1;
                twins.set(Twins::of(number)).unwrap();
            }
        });
        let mut latest = Twins::of(0);
        let torn = (0..scaled(1_000_000, 30_000)).find_map(|_| {
            let before = latest;
            latest = twins.load().unwrap();
            (!latest.are_equal() || latest.left < before.left).then_some((before, latest))
        });
        is_over.store(true, Ordering::Relaxed);
        assert_eq!(torn, None);
    });
}

/// The tests above prove nothing if a reader does not notice a torn value.
#[test]
fn a_reader_notices_a_torn_value() {
    let name = SegmentName::new("torn");
    let mut torn = Twins::<[u64; LINE]>::of(1);
    torn.right = 2;
    let _twins = SynchronizedTwins::create(&name, torn).unwrap();
    let mut reader: Worker = worker("read-twins", [name.to_string(), LINE.to_string(), "1".to_owned()]);
    reader.expect("ready");
    reader.tell("go");
    reader.finish_with(1);
}
