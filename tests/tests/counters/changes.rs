//! Totals, resets, and changes of the rest of the value.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use shared_value::{Arena, Counter, SharedCounter, Synchronized, Zeroed};
use shared_value_tests::SegmentName;

use crate::{Server, SynchronizedServer};

const START: Server = Server { name: 7, hits: 5, limit: -1, by_status: [0, 10, 0, 0, 0, 60], open: 3 };

fn counted(value: &SynchronizedServer) -> (u64, [u64; 6]) {
    (value.hits().get(), value.by_status().get())
}

/// If a write of the whole value wrote the bytes of a counter, the additions since its copy was made would be undone.
#[test]
fn other_changes_leave_counters_alone() {
    let value = Synchronized::new(START).unwrap();
    assert_eq!(value.get(), START);
    value.set(Server { hits: 99, by_status: [9; 6], ..START }).unwrap();
    assert_eq!(value.get(), START);
    value
        .update(|server| {
            value.hits().add(10);
            value.by_status().element(1).increment();
            assert_eq!(server.hits, 5);
            (server.limit, server.hits, server.by_status) = (8, 1, [1; 6]);
        })
        .unwrap();
    assert_eq!((counted(&value), value.limit()), ((15, [0, 11, 0, 0, 0, 60]), 8));
    value.copy_from(&Server { name: 9, ..START }).unwrap();
    value.set_limit(4).unwrap();
    let guard = value.lock().unwrap();
    guard.set(START).unwrap();
    guard.hits().increment();
    guard.set_name(1).unwrap();
    drop(guard);
    assert_eq!(value.get(), Server { name: 1, hits: 16, by_status: [0, 11, 0, 0, 0, 60], ..START });
    let copy = value.load_boxed().unwrap();
    assert_eq!((copy.hits, copy.by_status[5], copy.open), (16, 60, 3));
}

/// If a commit copied the baseline from the slot before, or a rollback did not restore it, totals would jump back.
#[test]
fn a_reset_is_a_commit() {
    let value = Synchronized::new(START).unwrap();
    let version = value.version();
    assert_eq!((value.hits().reset().unwrap(), value.version()), (5, version + 1));
    value.hits().add(3);
    value.set_limit(1).unwrap();
    value.set(START).unwrap();
    assert_eq!(value.hits().get(), 3);

    let guard = value.lock().unwrap();
    assert_eq!(guard.hits().reset().unwrap(), 3);
    guard.hits().add(2);
    let other = thread::scope(|scope| scope.spawn(|| (value.hits().get(), value.get().hits)).join().unwrap());
    assert_eq!((guard.hits().get(), guard.get().hits, value.hits().get(), value.get().hits), (2, 2, 2, 2));
    assert_eq!(other, (5, 5), "the reset is not committed");
    guard.rollback();
    assert_eq!((guard.hits().get(), guard.get().hits), (5, 5));
    drop(guard);

    assert_eq!(value.by_status().reset().unwrap(), [0, 10, 0, 0, 0, 60]);
    value.by_status().element(5).add(1);
    assert_eq!(value.by_status().element(5).reset().unwrap(), 1);
    assert_eq!(counted(&value), (5, [0; 6]));
    let failed = catch_unwind(AssertUnwindSafe(|| {
        let _guard = value.lock().unwrap();
        value.hits().reset().unwrap();
        panic!("a test");
    }));
    assert!(failed.is_err());
    assert_eq!(value.hits().get(), 5);
}

/// Each addition must count to exactly one of the totals that resets return, and no reader may see a total that never was.
#[test]
fn resets_beside_adders() {
    const ADDERS: u64 = 3;
    const EACH: u64 = 200_000;
    let value = Synchronized::new(Server::default()).unwrap();
    let is_over = AtomicBool::new(false);
    let taken: u64 = thread::scope(|scope| {
        let adders: Vec<_> =
            (0..ADDERS).map(|_| scope.spawn(|| (0..EACH).for_each(|_| value.hits().increment()))).collect();
        let readers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    while !is_over.load(Ordering::Relaxed) {
                        let totals = [value.hits().get(), value.load().unwrap().hits];
                        assert!(totals.iter().all(|total| *total <= ADDERS * EACH), "{totals:?}");
                    }
                })
            })
            .collect();
        let resetter = scope.spawn(|| {
            let mut taken = 0;
            while !is_over.load(Ordering::Relaxed) {
                taken += value.hits().reset().unwrap();
            }
            taken
        });
        for adder in adders {
            adder.join().unwrap();
        }
        is_over.store(true, Ordering::Relaxed);
        for reader in readers {
            reader.join().unwrap();
        }
        resetter.join().unwrap()
    });
    assert_eq!(taken + value.hits().get(), ADDERS * EACH);
}

/// A counter counts wherever its value lives: under each kind of access, in files, in arenas, with each number of lanes.
#[test]
fn counters_of_all_kinds() {
    let counter: SharedCounter = SharedCounter::new(Counter::new(4)).unwrap();
    counter.add(u64::MAX);
    assert_eq!((counter.total(), counter.get().total(), counter.read_only().unwrap().total()), (3, 3, 3));
    assert_eq!(counter.lock().unwrap().reset().unwrap(), 3);

    let alone = SharedCounter::<1>::new(Zeroed).unwrap();
    let many = SharedCounter::<4096>::new(Counter::new(1)).unwrap();
    let unlocked = Synchronized::<Counter>::options().unlocked().new(Counter::new(1)).unwrap();
    for _ in 0..10 {
        alone.increment();
        many.increment();
        unlocked.increment();
    }
    assert_eq!((alone.total(), many.total(), unlocked.total()), (10, 11, 11));
    assert_eq!((unlocked.reset().unwrap(), unlocked.total()), (11, 0));

    let arena = Arena::new(1 << 20).unwrap();
    for turn in 0..3 {
        let server = arena.insert("server", START).unwrap();
        let hits = arena.insert("hits", Counter::<4>::new(turn)).unwrap();
        server.hits().add(2);
        server.by_status().element(0).increment();
        hits.increment();
        let seen = arena.snapshot(|snapshot| Ok((snapshot.load(&server)?.hits, snapshot.load(&hits)?.total())));
        assert_eq!(seen.unwrap(), (7, turn + 1));
        arena.transaction(|tx| tx.lock(&server)?.hits().reset().map(drop)).unwrap();
        assert_eq!(counted(&arena.get("server").unwrap().unwrap()), (0, [1, 10, 0, 0, 0, 60]));
        arena.remove("server").unwrap();
        arena.remove("hits").unwrap();
    }

    let name = SegmentName::new("replaced");
    let old = Synchronized::create(&name, START).unwrap();
    old.hits().add(1);
    let new = Synchronized::<Counter>::replace(&*name, |old: Server| Counter::new(old.hits)).unwrap();
    new.increment();
    assert_eq!(new.total(), 7);
}

/// A thread that uses more values than it remembers must find its lanes again.
#[test]
fn many_counters() {
    let arena = Arena::new(1 << 20).unwrap();
    let counters: Vec<_> =
        (0..100).map(|number| arena.insert(&format!("{number}"), Counter::<4>::new(0)).unwrap()).collect();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..1_000).for_each(|_| counters.iter().for_each(|counter| counter.increment())));
        }
    });
    assert!(counters.iter().all(|counter| counter.total() == 2_000));
}
