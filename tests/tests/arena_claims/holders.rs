//! Processes that have values open which another one removes.

use shared_value::{Access, Arena, Filled, Synchronized};
use shared_value_tests::{SegmentFile, SegmentName, alone};

use crate::{CAPACITY, Child, all_comes_back, churn, fill, slots_of, value_of};

/// Without claims, nothing could be used again before all processes have closed the arena.
#[test]
fn space_is_used_again_while_others_have_other_values_open() {
    let _alone = alone();
    let name = SegmentName::new("claims-others");
    let arena = Arena::create(&name, CAPACITY).unwrap();
    for number in 0..600_u64 {
        arena.insert(&number.to_string(), number).unwrap();
    }
    let writer = Child::new(|step| {
        let arena = Arena::open(&name).unwrap();
        let held: Vec<_> = (0..600_u64).map(|number| value_of(&arena, &number.to_string())).collect();
        step();
        assert_eq!(held.iter().map(Synchronized::get).sum::<u64>(), 599 * 300);
    });
    let reader = Child::new(|step| {
        let arena = Arena::open_read_only(&name).unwrap();
        let held: Vec<_> = (0..100_u64).map(|number| value_of(&arena, &number.to_string())).collect();
        step();
        assert_eq!(held.iter().map(Synchronized::get).sum::<u64>(), 99 * 50);
    });
    churn(&arena);
    let used = arena.used();
    for _ in 0..4 {
        churn(&arena);
    }
    assert_eq!(arena.used(), used);
    assert!(arena.stats().removed <= 16, "{:?}", arena.stats());
    writer.finish();
    reader.finish();
}

/// Opens fifty values, and drops them in two steps.
fn hold<A: Access>(arena: &Arena<A>, step: &mut dyn FnMut()) {
    let held: Vec<_> = (0..50_u64).map(|number| value_of(arena, &format!("key {number}"))).collect();
    let again = held.clone();
    let check = || held.iter().zip(0..).for_each(|(value, number)| assert_eq!(value.get(), number));
    check();
    step();
    check();
    drop(again);
    step();
    check();
    drop(held);
    step();
}

/// Without a claim, a handle would lead to the value that takes the space next.
#[test]
fn a_removed_value_stays_as_long_as_another_process_has_it() {
    let _alone = alone();
    for read_only in [false, true] {
        let name = SegmentName::new("claims-held");
        let arena = Arena::create(&name, CAPACITY).unwrap();
        for number in 0..50_u64 {
            arena.insert(&format!("key {number}"), number).unwrap();
        }
        let mut child = Child::new(|step| {
            if read_only {
                hold(&Arena::open_read_only(&name).unwrap(), step);
            } else {
                hold(&Arena::open(&name).unwrap(), step);
            }
        });
        for number in 0..50 {
            assert!(arena.remove(&format!("key {number}")).unwrap());
        }
        fill(&arena);
        assert_eq!(arena.stats().removed, 50, "read only: {read_only}");
        child.go_on();
        fill(&arena);
        assert_eq!(arena.stats().removed, 50, "read only: {read_only}");
        child.go_on();
        all_comes_back(&arena);
        child.finish();
    }
}

/// Claims by locks cover everything from some number on, and end when the handles are dropped.
#[test]
fn a_reader_with_many_values_keeps_them_all() {
    let _alone = alone();
    let name = SegmentName::new("claims-many");
    let arena = Arena::create(&name, CAPACITY).unwrap();
    for number in 0..1_000_u64 {
        arena.insert(&format!("key {number}"), number).unwrap();
    }
    let mut child = Child::new(|step| {
        let arena = Arena::open_read_only(&name).unwrap();
        let mut held: Vec<_> = (0..1_000_u64).map(|number| value_of(&arena, &format!("key {number}"))).collect();
        step();
        assert!(held.iter().zip(0..).all(|(value, number)| value.get() == number));
        held.clear();
        step();
    });
    for number in 0..1_000 {
        assert!(arena.remove(&format!("key {number}")).unwrap());
    }
    fill(&arena);
    assert!(arena.stats().removed >= 1_000, "{:?}", arena.stats());
    child.go_on();
    all_comes_back(&arena);
    child.finish();
}

/// A process that finds no slot must keep its values too.
#[test]
fn a_process_without_a_slot_keeps_its_values() {
    let _alone = alone();
    let name = SegmentName::new("claims-no-slot");
    let arena = Arena::create(&name, CAPACITY).unwrap();
    drop(arena.insert("kept", 1_u64).unwrap());
    // As if 63 other processes had taken the others.
    let file = SegmentFile::open(name.path());
    let slots = slots_of(&file, std::fs::metadata(name.path()).unwrap().len());
    let free = (0..64).map(|number| slots + number * 8).filter(|slot| file.bytes(*slot, 8) == [0; 8]);
    let free: Vec<_> = free.collect();
    assert_eq!(free.len(), 63);
    let taken = (0..64).map(|number| file.bytes(slots + number * 8, 8)).find(|slot| *slot != [0; 8]).unwrap();
    for slot in &free {
        file.overwrite(*slot, &taken);
    }
    let mut child = Child::new(|step| {
        let arena = Arena::open(&name).unwrap();
        let (held, again) = (value_of(&arena, "kept"), value_of(&arena, "kept"));
        step();
        drop(again);
        held.update(|value| *value += 1).unwrap();
        assert_eq!(held.get(), 2);
        drop(held);
        step();
    });
    assert!(arena.remove("kept").unwrap());
    for slot in free {
        file.overwrite(slot, &[0; 8]);
    }
    fill(&arena);
    assert_eq!(arena.stats().removed, 1);
    child.go_on();
    all_comes_back(&arena);
    child.finish();
}

/// A process that was killed cannot take back its claims.
#[test]
fn a_killed_holder_pins_nothing() {
    let _alone = alone();
    for kind in 0..4 {
        let name = SegmentName::new("claims-killed");
        let arena = Arena::create(&name, CAPACITY).unwrap();
        let kept = arena.insert("inherited", 7_u64).unwrap();
        for number in 0..50_u64 {
            arena.insert(&format!("key {number}"), number).unwrap();
        }
        let child = Child::new(|step| {
            let inherited = kept.clone();
            if kind == 0 {
                // It has the handles of its parent, and a transaction under way.
                let _ = inherited.get();
                let _ = arena.transaction::<()>(|tx| {
                    let value = tx.insert("not committed", Filled(1_u64, 1_000))?;
                    step();
                    drop(value);
                    Ok(())
                });
            } else if kind == 1 {
                let arena = Arena::open_read_only(&name).unwrap();
                let _held: Vec<_> = (0..50_u64).map(|number| value_of(&arena, &format!("key {number}"))).collect();
                step();
            } else if kind == 2 {
                let held: Vec<_> = (0..50_u64).map(|number| value_of(&arena, &format!("key {number}"))).collect();
                let _guard = held[0].lock().unwrap();
                step();
            } else {
                // It has made no call.
                step();
            }
        });
        drop(kept);
        assert!(arena.remove("inherited").unwrap());
        for number in 0..50 {
            assert!(arena.remove(&format!("key {number}")).unwrap());
        }
        fill(&arena);
        assert!(arena.stats().removed >= 1, "kind {kind}");
        child.kill();
        all_comes_back(&arena);
        let stats = arena.stats();
        assert_eq!(stats.reusable_bytes + stats.overhead_bytes, arena.used(), "kind {kind}: {stats:?}");
    }
}

/// The lock of a leaked guard lies in the robust list of its thread. If its space were used again, the kernel would follow the
/// words of another value.
#[test]
fn a_value_whose_guard_was_leaked_stays() {
    let _alone = alone();
    let arena = Arena::new(CAPACITY).unwrap();
    let value = arena.insert("leaked", 5_u64).unwrap();
    std::mem::forget(value.lock().unwrap());
    drop(value);
    assert!(arena.remove("leaked").unwrap());
    fill(&arena);
    assert_eq!(arena.stats().removed, 1);
    // Another one with a lock that was released.
    let value = arena.insert("released", 5_u64).unwrap();
    drop(value.lock().unwrap());
    drop(value);
    assert!(arena.remove("released").unwrap());
    assert_eq!(arena.stats().removed, 1);
}
