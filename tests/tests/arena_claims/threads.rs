//! Threads of one process share its claims.

use shared_value::{Arena, Entry};
use shared_value_tests::{SegmentFile, SegmentName, scaled};

use crate::{CAPACITY, Child, all_comes_back, alone};

/// While one thread unmaps the arena, another one maps it again: the old mapping still vouches for the process.
#[test]
fn threads_open_and_drop_an_arena_at_once() {
    const UNVOUCHED: u64 = 88;
    let _alone = alone();
    let name = SegmentName::new("claims-opened");
    let holder = Child::new(|step| {
        let _arena = Arena::create(&name, CAPACITY).unwrap();
        step();
    });
    std::thread::scope(|scope| {
        for thread in 0..2 {
            let name = &name;
            scope.spawn(move || {
                for _ in 0..scaled(2_000, 500) {
                    let arena = Arena::open(name).unwrap();
                    let key = format!("of {thread}");
                    arena.insert(&key, 1_u64).unwrap();
                    assert!(arena.remove(&key).unwrap());
                }
            });
        }
    });
    assert_eq!(SegmentFile::open(name.path()).bytes(UNVOUCHED, 8), [0; 8]);
    all_comes_back(&Arena::open(&name).unwrap());
    holder.finish();
}

/// A thread of the same process may drop the last handle while another one opens the value.
#[test]
fn handles_of_many_threads_are_counted() {
    let _alone = alone();
    let arena = Arena::new(CAPACITY).unwrap();
    arena.insert("contended", [1_u64; 8]).unwrap();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    for _ in 0..scaled(200_000, 10_000) {
                        let Some(value) = arena.get::<[u64; 8]>("contended").unwrap() else { continue };
                        let found = value.clone().get();
                        assert!(found.iter().all(|element| *element == found[0]), "{found:?}");
                    }
                })
            })
            .collect();
        let mut number = 1_u64;
        while !workers.iter().all(std::thread::ScopedJoinHandle::is_finished) {
            number += 1;
            arena.replace("contended", [number; 8]).unwrap();
        }
    });
    assert!(arena.remove("contended").unwrap());
    all_comes_back(&arena);
    assert!(arena.iter().map(|entry: Entry| entry.size()).next().is_none());
    assert!(arena.used() < 1 << 14, "{} bytes", arena.used());
}
