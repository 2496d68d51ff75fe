//! Listing and finding values of an arena while others are added and removed.

use std::sync::atomic::{
    AtomicBool, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};
use std::{hint, thread};

use shared_value::{Arena, Entry, Error, Filled};
use shared_value_tests::scaled;

/// The values that stay, whose keys are these numbers.
const STAYING: u64 = 10;

/// Runs the work in another thread, and as long as it runs, checks that the values that stay are listed, counted and found.
/// The work counts the further values that it has added, and that stay.
fn always_there(arena: &Arena, work: impl FnOnce(&AtomicU64) + Send) {
    let (begun, added) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        let worker = scope.spawn(|| {
            while !begun.load(Relaxed) {
                hint::spin_loop();
            }
            work(&added);
        });
        loop {
            let is_last = worker.is_finished();
            // A block is looked at for some nanoseconds only. So most listings do nothing but look.
            for _ in 0..50 {
                // Only these are there during the whole walk. A value that replaces another meanwhile may lie where the walk
                // has been, or where it has not been yet.
                let expected = STAYING + added.load(Acquire);
                let live = arena.stats().live as u64;
                assert!(live >= expected, "{live} values are counted, and there are at least {expected}");
            }
            let listed: Vec<_> = arena.iter().filter_map(|entry: Entry| entry.key()?.parse::<u64>().ok()).collect();
            begun.store(true, Relaxed);
            assert_eq!(listed.iter().filter(|number| **number < STAYING).count() as u64, STAYING, "{listed:?}");
            for number in 0..STAYING {
                assert!(arena.contains(&*number.to_string()), "{number}");
            }
            if is_last {
                break;
            }
        }
    });
}

fn with_staying() -> Arena {
    let arena = Arena::new(1 << 26).unwrap();
    for number in 0..STAYING {
        arena.insert(&number.to_string(), number).unwrap();
    }
    arena
}

/// If a walk over the blocks ended at a block whose state changes at that moment, it would miss all older values.
#[test]
fn removals_hide_no_older_value() {
    for _ in 0..scaled(400, 200) {
        let arena = with_staying();
        // The more blocks are listed, the less often the one that changes.
        let ids: Vec<_> = (0..150_u64).map(|number| arena.alloc(number).unwrap()).collect();
        // The last ones first, because they are listed first: then the other values are those that stay.
        always_there(&arena, |_| {
            for id in ids.into_iter().rev() {
                assert!(arena.remove(id).unwrap());
            }
        });
        assert_eq!(arena.iter().count() as u64, STAYING);
        assert_eq!(arena.len() as u64, STAYING);
    }
}

/// If a walk ended at a block that is used again, or that a transaction adds, it would miss all older values.
#[test]
fn additions_hide_no_older_value() {
    for _ in 0..scaled(50, 12) {
        let arena = with_staying();
        always_there(&arena, |added| {
            for round in 0..200_u64 {
                arena
                    .transaction(|tx| {
                        tx.replace("replaced", round)?;
                        tx.alloc(round)?;
                        Ok(())
                    })
                    .unwrap();
                added.fetch_add(1, Release);
            }
        });
    }
}

/// If a look-up gave up on a value whose state changes while it looks, a key that always has a value would have none.
#[test]
fn a_key_that_is_replaced_always_has_a_value() {
    let arena = with_staying();
    arena.insert("replaced", 0_u64).unwrap();
    thread::scope(|scope| {
        let worker = scope.spawn(|| {
            for round in 0..20_000_u64 {
                if round % 2 == 0 {
                    arena.replace("replaced", round).unwrap();
                } else {
                    arena.transaction(|tx| tx.replace("replaced", round).map(drop)).unwrap();
                }
            }
        });
        while !worker.is_finished() {
            assert!(arena.contains("replaced"));
        }
    });
}

/// If a listing followed the trailer of a block that merges with others, it would read the words of a value as a trailer.
#[test]
fn blocks_that_split_and_merge_hide_no_value() {
    let arena = with_staying();
    for number in 0..STAYING {
        // Free blocks between the values that stay.
        arena.replace(&number.to_string(), number).unwrap();
    }
    always_there(&arena, |_| {
        for round in 0..3_000_u64 {
            let failed = arena.transaction::<()>(|tx| {
                for length in [1, 30, 4, 200, 11] {
                    tx.alloc(Filled(round, length))?;
                }
                Err(Error::TimedOut { awaited: "nothing".to_owned() })
            });
            assert!(failed.is_err());
            let key = format!("key {round}");
            arena.insert(&key, round).unwrap();
            arena.remove(&key).unwrap();
        }
    });
}
