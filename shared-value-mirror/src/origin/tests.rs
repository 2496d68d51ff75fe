use shared_value::{Arena, Capacity, Synchronized, unlink};
use shared_value_tests::SegmentName;

use super::*;

/// Publishers number the moments of an arena from 1 on, each time that they open it: under one session, a follower would take
/// changes since the moment of another numbering for those since its own.
#[test]
fn each_source_of_an_arena_has_a_session_of_its_own() {
    let name = SegmentName::new("session");
    let _arena = Arena::create(&*name, 1 << 16).expect("the name is free");
    let open = || {
        let source = Source::open(&name, "*", 1 << 20).expect("it is one");
        source.expect("it is there").refresh().expect("nobody writes")
    };
    let (first, second) = (open(), open());
    assert_eq!((first.sequence, second.sequence, first.identity), (1, 1, second.identity));
    assert!(!first.is_comparable(second));
}

/// A follower of an older state would remove it.
#[test]
fn a_key_that_was_added_again_is_not_told_as_removed() {
    let name = SegmentName::new("news");
    let arena = Arena::create(&*name, 1 << 16).expect("the name is free");
    for key in ["a", "b"] {
        arena.insert(key, 1_u64).expect("there is room");
    }
    let mut source = Source::open(&name, "*", 1 << 20).expect("it is one").expect("it is there");
    let first = source.refresh().expect("nobody writes");
    for key in ["a", "b"] {
        assert!(arena.remove(key).expect("it is whole"));
    }
    source.refresh().expect("nobody writes");
    arena.insert("a", 2_u64).expect("there is room");
    let last = source.refresh().expect("nobody writes");
    let news = source.news(last, source.known(last, Some(first)));
    assert_eq!((first.sequence, last.sequence), (1, 3));
    assert_eq!(news.removed, ["b"]);
    assert_eq!(news.entries.iter().map(|entry| entry.key).collect::<Vec<_>>(), ["a"]);
}

/// A program that has no descriptor left finds out nothing about names. That is no reason to begin again.
#[test]
fn a_source_is_current_until_the_name_leads_elsewhere() {
    let name = SegmentName::new("current");
    let _arena = Arena::create(&*name, Capacity(1 << 16)).expect("the name is free");
    let source = Source::open(&name, "*", 1 << 20).expect("it is one").expect("it is there");
    assert!(source.is_current());
    unlink(&*name).expect("it is there");
    assert!(!source.is_current());
    let _other = Synchronized::create(&*name, 1_u64).expect("the name is free");
    assert!(!source.is_current());
}
