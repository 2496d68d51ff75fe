//! The space of removed values is used again while other processes have the arena open, and no handle ever leads to another value.
//!
//! A child that any test of this file forks has a part in the arenas of all tests. So the tests run one after the other.

use std::io::{Read, Write, pipe};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::Signal;
use shared_value::{Access, Arena, Entry, Error, Filled, LockState, RLock, Recursive, Synchronized, Zeroed};
use shared_value_tests::{Forked, SegmentFile, SegmentName, eventually, fork, scaled};

const CAPACITY: usize = 1 << 20;

fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A child that does its part step by step.
struct Child {
    forked: Forked,
    steps: std::io::PipeWriter,
    done: std::io::PipeReader,
}

impl Child {
    /// Forks a child. Its body gets a function that ends one step, and waits until the next one may begin.
    fn new(body: impl FnOnce(&mut dyn FnMut())) -> Self {
        let (mut next, steps) = pipe().unwrap();
        let (done, mut ended) = pipe().unwrap();
        let forked = fork(|| {
            let mut step = || {
                ended.write_all(&[1]).unwrap();
                next.read_exact(&mut [0]).unwrap();
            };
            body(&mut step);
        });
        let mut child = Self { forked, steps, done };
        child.wait();
        child
    }

    fn wait(&mut self) {
        self.done.read_exact(&mut [0]).expect("the child goes on");
    }

    /// Lets the child do its next step.
    fn go_on(&mut self) {
        self.steps.write_all(&[1]).unwrap();
        self.wait();
    }

    fn finish(mut self) {
        self.steps.write_all(&[1]).unwrap();
        self.forked.finish();
    }

    fn kill(self) {
        self.forked.signal(Signal::KILL);
        self.forked.finish_killed();
    }
}

/// Adds and removes many values, which take the same space again and again.
fn churn(arena: &Arena) {
    for number in 0..scaled(4_000_u64, 1_000) {
        let key = format!("churn {}", number % 7);
        arena.replace(&key, Filled(u64::MAX - number, 1 + (number % 40) as usize)).unwrap();
        if number % 3 == 0 {
            arena.remove(&key).unwrap();
        }
    }
}

/// Fills the arena with values, and removes them again. So all space that is not claimed was written.
fn fill(arena: &Arena) {
    let count = (0..1_u64 << 32).find(|number| match arena.insert(&format!("fill {number}"), Filled(u64::MAX, 30)) {
        Err(Error::ArenaFull { .. }) => true,
        added => added.map(drop).is_err(),
    });
    for number in 0..count.unwrap() {
        assert!(arena.remove(&format!("fill {number}")).unwrap());
    }
}

fn all_comes_back(arena: &Arena) {
    eventually("the space of removed values comes back", || {
        arena.insert("one more", 1_u64).unwrap();
        arena.remove("one more").unwrap();
        arena.stats().removed == 0
    });
}

fn value_of<A: Access>(arena: &Arena<A>, key: &str) -> Synchronized<u64, A> {
    arena.get(key).unwrap().unwrap_or_else(|| panic!("{key} is there"))
}

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

/// Holds values twice, then once, then not at all, and checks them before each step.
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

/// Finds the slots: in the last page before the index that is followed by nothing but areas.
fn slots_of(file: &SegmentFile, length: u64) -> u64 {
    // See docs/format.md, Claims.
    let capacity = CAPACITY as u64;
    let index = (capacity / 4096 + 32) * 32 + 1024 + 64;
    let units = (capacity + (128 << 10)) / 128 + 1;
    let pages = units.div_ceil(2048);
    let start = (length - index) / 4096 * 4096 - 4096 - 64 * (4096 + pages * 4096);
    assert!(file.bytes(start + 512, 32).len() == 32);
    start
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

/// A child has its parent's handles before it has made any call that could show its claims, and after the parent has dropped its
/// own.
#[test]
fn a_forked_child_keeps_the_values_that_it_inherits() {
    let _alone = alone();
    for read_only in [false, true] {
        let name = SegmentName::new("claims-forked");
        let arena = Arena::create(&name, CAPACITY).unwrap();
        let reader = Arena::open_read_only(&name).unwrap();
        let values: Vec<_> =
            (0..20_u64).map(|number| arena.insert(&format!("key {number}"), number).unwrap()).collect();
        let read: Vec<_> = (0..20_u64).map(|number| value_of(&reader, &format!("key {number}"))).collect();
        let mut child = Child::new(|step| {
            // Without a clone, which would be a call that shows its claims.
            let (values, read) = if read_only { (&[][..], &read[..]) } else { (&values[..], &[][..]) };
            let check = || {
                values.iter().zip(0..).for_each(|(value, number)| assert_eq!(value.get(), number));
                read.iter().zip(0..).for_each(|(value, number)| assert_eq!(value.get(), number));
            };
            check();
            step();
            // Its first call of the arena.
            assert!(arena.get::<u64>("other").unwrap().is_some() && reader.get::<u64>("other").unwrap().is_some());
            check();
            step();
            check();
            step();
        });
        arena.insert("other", 77_u64).unwrap();
        drop((values, read));
        for number in 0..20 {
            assert!(arena.remove(&format!("key {number}")).unwrap());
        }
        fill(&arena);
        child.go_on();
        fill(&arena);
        assert_eq!(arena.stats().removed, 20, "read only: {read_only}");
        child.go_on();
        // Values that the child does not have come back at once by now.
        child.finish();
        all_comes_back(&arena);
    }
}

/// A child finds the marks of pages that its parent has used, but counts in a window of its own.
#[test]
fn a_child_claims_in_pages_that_its_parent_has_used() {
    let _alone = alone();
    let arena = Arena::new(CAPACITY).unwrap();
    arena.insert("first", 1_u64).unwrap();
    for number in 0..5_000_u64 {
        arena.insert(&number.to_string(), number).unwrap();
    }
    arena.insert("kept", 7_u64).unwrap();
    let child = Child::new(|step| {
        drop(value_of(&arena, "first"));
        let kept = value_of(&arena, "kept");
        step();
        assert_eq!(kept.get(), 7);
    });
    assert!(arena.remove("kept").unwrap());
    fill(&arena);
    assert_eq!(arena.stats().removed, 1);
    child.finish();
}

/// A lock object may lie in an arena. Values that it guards keep it, without a handle of their own.
#[test]
fn a_lock_object_stays_as_long_as_values_use_it() {
    let _alone = alone();
    let arena = Arena::new(CAPACITY).unwrap();
    let inside = arena.insert::<Recursive>("lock", Zeroed).unwrap();
    let lock = RLock::open(inside.token().unwrap()).unwrap();
    let value = Synchronized::<u64>::options().lock(&lock).new(1_u64).unwrap();
    drop((inside, lock));
    let guard = value.lock().unwrap();
    assert!(arena.remove("lock").unwrap());
    fill(&arena);
    assert_eq!((arena.stats().removed, value.lock_state()), (1, LockState::HeldHere));
    drop(guard);
    drop(value);
    all_comes_back(&arena);
}

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

/// A child that only removes has shown nothing before, and its parent's pin would be in its own way.
#[test]
fn a_child_that_only_removes_frees_the_space() {
    let _alone = alone();
    let arena = Arena::new(CAPACITY).unwrap();
    for number in 0..100_u64 {
        arena.insert(&format!("key {number}"), number).unwrap();
    }
    let child = fork(|| {
        for number in 0..100 {
            assert!(arena.remove(&format!("key {number}")).unwrap());
        }
        // The parent may have ended its part of the pin only after the first of them.
        all_comes_back(&arena);
    });
    child.finish();
}

/// The child of a closure may ask for a value that its parent has given up since.
#[test]
fn a_child_does_not_look_for_ever_for_a_value_that_its_parent_has_made() {
    let _alone = alone();
    let arena = Arena::new(CAPACITY).unwrap();
    let mut child = None;
    let _ = arena.transaction::<()>(|tx| {
        tx.insert("made", 1_u64)?;
        let (mut next, steps) = pipe().unwrap();
        let forked = fork(|| {
            next.read_exact(&mut [0]).unwrap();
            let found = tx.get::<u64>("made");
            assert!(matches!(found, Ok(Some(_)) | Err(Error::Unsupported { .. })), "{found:?}");
        });
        child = Some((forked, steps));
        Err(Error::TimedOut { awaited: "nothing".to_owned() })
    });
    let (child, mut steps) = child.unwrap();
    steps.write_all(&[1]).unwrap();
    child.finish();
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
