//! Forked children have the values of their parent.

use std::io::{Read, Write, pipe};

use shared_value::{Arena, Error};
use shared_value_tests::{SegmentFile, SegmentName, fork};

use crate::{CAPACITY, Child, all_comes_back, alone, fill, slots_of, value_of};

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
    drop(arena.insert("removed", 777_u64).unwrap());
    let mut child = Child::new(|step| {
        let call = || assert_eq!(value_of(&arena, "other").get(), 77);
        step();
        call();
        step();
        call();
        step();
        assert_eq!(inherited.get(), 7);
    });
    // As if another process had begun to look for claims, and was stopped after the counters.
    let file = SegmentFile::open(name.path());
    let searches = slots_of(&file, std::fs::metadata(name.path()).unwrap().len()) + 544;
    let ended = file.bytes(searches, 8);
    assert_eq!(ended[0] % 2, 0, "no search is under way");
    let under_way = [&[ended[0] | 1], &ended[1..]].concat();
    file.overwrite(searches, &under_way);
    child.go_on();
    // The child claims neither this value nor its space, but its pin covers all of the arena. The search of this removal ends.
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
