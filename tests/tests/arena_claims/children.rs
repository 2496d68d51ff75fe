//! Forked children have the values of their parent.

use std::fs::File;
use std::io::{Read, Write, pipe};

use rustix::process::{Resource, Rlimit, setrlimit};
use shared_value::{Arena, Error};
use shared_value_tests::{SegmentFile, SegmentName, When, alone, eventually, fork, refuse};

use crate::{CAPACITY, Child, Searches, all_comes_back, churn, fill, value_of};

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

/// A search that is under way may have passed the counters of a child before the child has shown its claims there, and asks for
/// locks only afterwards. If the child ended its pin in between, the search would see neither, and free values that the child has.
#[test]
fn a_child_keeps_its_pin_until_searches_have_ended() {
    let _alone = alone();
    let name = SegmentName::new("claims-searched");
    let arena = Arena::create(&name, CAPACITY).unwrap();
    let inherited = arena.insert("inherited", 7_u64).unwrap();
    drop(arena.insert("other", 77_u64).unwrap());
    let removed = arena.insert("removed", 777_u64).unwrap();
    let searches = Searches::of(&name);
    let (arena_of_child, inherited_by_child) = (&arena, &inherited);
    let mut child = Child::new(move |step| {
        let call = || assert_eq!(value_of(arena_of_child, "other").get(), 77);
        step();
        call();
        drop(removed);
        step();
        call();
        step();
        assert_eq!(inherited_by_child.get(), 7);
    });
    // As if another process had begun to look for claims, and was stopped after the counters.
    searches.begin();
    child.go_on();
    // The child does not have this value any more, but its pin covers it. The search of this removal ends.
    assert!(arena.remove("removed").unwrap());
    assert_eq!(arena.stats().removed, 1, "the child has its pin");
    child.go_on();
    all_comes_back(&arena);
    drop(inherited);
    assert!(arena.remove("inherited").unwrap());
    fill(&arena);
    assert_eq!(arena.stats().removed, 1, "the child has shown its claims");
    child.finish();
    all_comes_back(&arena);
}

/// The child of a child that has shown its claims, but not ended its pin, has more than that pin claims.
#[test]
fn a_grandchild_keeps_what_its_parent_has_opened() {
    let _alone = alone();
    let name = SegmentName::new("claims-grandchild");
    let arena = Arena::create(&name, CAPACITY).unwrap();
    drop(arena.insert("later", 77_u64).unwrap());
    let inherited = arena.insert("inherited", 7_u64).unwrap();
    let searches = Searches::of(&name);
    let mut child = Child::new(|step| {
        step();
        let later = value_of(&arena, "later");
        let grandchild = Child::new(|step| {
            step();
            assert_eq!((inherited.get(), later.get()), (7, 77));
        });
        drop(later);
        step();
        grandchild.finish();
    });
    searches.begin();
    child.go_on();
    drop(inherited);
    for key in ["inherited", "later"] {
        assert!(arena.remove(key).unwrap());
    }
    fill(&arena);
    assert_eq!(arena.stats().removed, 2);
    child.finish();
    all_comes_back(&arena);
}

/// A child that makes no call claims what its parent had open at the fork, and nothing else. If it claimed all of the arena, as
/// long as it makes no call, children that follow each other would keep all space of removed values forever.
#[test]
fn a_child_that_makes_no_call_claims_what_it_has_inherited() {
    let _alone = alone();
    for read_only in [false, true] {
        let name = SegmentName::new("claims-idle");
        let arena = Arena::create(&name, CAPACITY).unwrap();
        for number in 0..40_u64 {
            arena.insert(&format!("key {number}"), number).unwrap();
        }
        let holder = Child::new(|step| {
            let _held = value_of(&arena, "key 5");
            step();
        });
        let reader = Arena::open_read_only(&name).unwrap();
        let keys = || (0..40_u64).step_by(2);
        let mut values: Vec<_> = keys().map(|number| value_of(&arena, &format!("key {number}"))).collect();
        let mut read: Vec<_> = keys().map(|number| value_of(&reader, &format!("key {number}"))).collect();
        if read_only {
            values.clear();
        } else {
            read.clear();
        }
        assert!(arena.remove("key 5").unwrap());
        assert_eq!(arena.stats().removed, 1, "another process has it");
        let child = Child::new(|step| {
            step();
            values.iter().zip(keys()).for_each(|(value, number)| assert_eq!(value.get(), number));
            read.iter().zip(keys()).for_each(|(value, number)| assert_eq!(value.get(), number));
        });
        drop((values, read));
        holder.finish();
        for number in (0..40).filter(|number| *number != 5) {
            assert!(arena.remove(&format!("key {number}")).unwrap());
        }
        // A search asks for few owners of slots at once.
        eventually("the space of all others comes back", || {
            fill(&arena);
            arena.stats().removed == 20
        });
        fill(&arena);
        assert_eq!(arena.stats().removed, 20, "read only: {read_only}");
        child.finish();
        all_comes_back(&arena);
    }
}

/// There is always a child that has not used the library.
#[test]
fn space_comes_back_beside_children_that_follow_each_other() {
    let _alone = alone();
    let arena = Arena::new(CAPACITY).unwrap();
    let kept = arena.insert("kept", 7_u64).unwrap();
    let mut used = 0;
    let next = || {
        Child::new(|step| {
            step();
            assert_eq!(kept.get(), 7);
        })
    };
    let mut child = next();
    for round in 0..10 {
        let successor = next();
        child.finish();
        child = successor;
        churn(&arena);
        if round == 1 {
            used = arena.used();
        }
    }
    assert_eq!(arena.used(), used);
    assert!(arena.stats().removed <= 16, "{:?}", arena.stats());
    child.finish();
}

/// If a parent has very many values open, its child claims some that lie between them too.
#[test]
fn a_child_keeps_many_values() {
    let _alone = alone();
    let arena = Arena::new(CAPACITY).unwrap();
    let values: Vec<_> = (0..1_500_u64).map(|number| arena.insert(&format!("key {number}"), number).unwrap()).collect();
    let (kept, dropped): (Vec<_>, Vec<_>) = values.into_iter().partition(|value| value.get() % 2 == 0);
    drop(dropped);
    let child = Child::new(|step| {
        step();
        kept.iter().zip(0..).for_each(|(value, number)| assert_eq!(value.get(), 2 * number));
    });
    drop(kept);
    for number in 0..1_500 {
        assert!(arena.remove(&format!("key {number}")).unwrap());
    }
    fill(&arena);
    // For about as many gaps as there are locks, the space between two values came back.
    let removed = arena.stats().removed;
    assert!((750..=1_300).contains(&removed), "{removed} removed values");
    child.finish();
    all_comes_back(&arena);
}

/// A pin needs a descriptor until the fork. If there are too few, the child claims all of an arena as long as it makes no call.
#[test]
fn children_keep_their_values_if_descriptors_are_short() {
    const UNVOUCHED: u64 = 88;
    let _alone = alone();
    let names = [0; 3].map(|_| SegmentName::new("claims-short"));
    let arenas = names.each_ref().map(|name| Arena::create(name, CAPACITY).unwrap());
    for arena in &arenas {
        drop(arena.insert("kept", 7_u64).unwrap());
    }
    let (mut next, mut steps) = pipe().unwrap();
    let parent = Child::new(|step| {
        let kept = arenas.each_ref().map(|arena| value_of(arena, "kept"));
        setrlimit(Resource::Nofile, Rlimit { current: Some(256), maximum: Some(256) }).unwrap();
        let mut taken: Vec<_> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
        drop(taken.pop().expect("less than 256 files are open"));
        let child = fork(|| {
            next.read_exact(&mut [0]).unwrap();
            for kept in &kept {
                assert_eq!(kept.get(), 7);
            }
        });
        drop(kept);
        step();
        child.finish();
    });
    for (name, arena) in names.iter().zip(&arenas) {
        assert_eq!(SegmentFile::open(name.path()).bytes(UNVOUCHED, 8), [0; 8]);
        assert!(arena.remove("kept").unwrap());
        fill(arena);
        assert!(arena.stats().removed >= 1);
    }
    assert!(arenas.iter().any(|arena| arena.stats().removed == 1), "one of the pins had a descriptor");
    steps.write_all(&[1]).unwrap();
    parent.finish();
    arenas.iter().for_each(all_comes_back);
}

/// What a process could not claim for its child, it must not count as claimed: it would open values that nothing keeps.
#[test]
fn a_reader_opens_nothing_that_it_cannot_claim_beside_a_child() {
    let _alone = alone();
    let name = SegmentName::new("claims-refused");
    let arena = Arena::create(&name, CAPACITY).unwrap();
    drop((arena.insert("kept", 7_u64).unwrap(), arena.insert("other", 8_u64).unwrap()));
    drop(arena);
    let reader = fork(|| {
        let arena = Arena::open_read_only(&name).unwrap();
        let kept = value_of(&arena, "kept");
        // As if the kernel had no memory for another lock.
        refuse(libc::SYS_fcntl, When::Equal(1, libc::F_OFD_SETLK.unsigned_abs()), libc::ENOLCK);
        fork(|| assert_eq!(kept.get(), 7)).finish();
        let other = arena.get::<u64>("other");
        assert!(matches!(other, Err(Error::Io { .. })), "{other:?}");
    });
    reader.finish();
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
