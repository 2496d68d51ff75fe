//! Arenas: many values in one segment, found by key or by id.
//!
//! Tests that fork, and those that look how much space is used, run one after the other.

use std::collections::BTreeSet;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use shared_value::{
    Arena, Capacity, Dyn, DynData, Error, Filled, FixedStr, Id, ReadOnly, SharedArray, SharedValue, Synchronized,
    Zeroed, names,
};
use shared_value_tests::values::Account;
use shared_value_tests::{SegmentName, alone, fork, in_time, scaled};

const CAPACITY: usize = 1 << 24;

fn arena() -> Arena {
    Arena::new(CAPACITY).unwrap()
}

/// The number under a key.
fn number(arena: &Arena, key: &str) -> Option<u64> {
    arena.get::<u64>(key).unwrap().map(|value| value.get())
}

/// Without the check of the layout, the words of one type would be taken for those of another.
#[test]
fn a_key_leads_to_its_value_as_what_it_is() {
    let arena = arena();
    let account = arena.insert("account", Account::after(0)).unwrap();
    account.set_balance(7).unwrap();
    arena.insert("number", 1_u64).unwrap();
    assert_eq!(arena.get::<Account>("account").unwrap().unwrap().balance(), 7);
    let error = arena.get::<u64>("account").unwrap_err();
    assert!(matches!(&error, Error::LayoutMismatch { name, .. } if name.contains("account")), "{error}");
    assert!(matches!(arena.get::<i64>("number"), Err(Error::LayoutMismatch { .. })));
    assert!(arena.get::<u64>("nothing").unwrap().is_none());
    assert!(matches!(arena.insert("number", 2_u64), Err(Error::AlreadyExists { .. })));
    assert!(matches!(arena.get_or_insert_with("number", || 2_i64), Err(Error::LayoutMismatch { .. })));
    assert_eq!(arena.get_or_insert_with("number", || 2_u64).unwrap().get(), 1);
    for key in [String::new(), "x".repeat(256), "a\0b".to_owned()] {
        assert!(matches!(arena.insert(&key, 1_u8), Err(Error::InvalidName { .. })), "{key}");
        assert!(matches!(arena.replace(&key, 1_u8), Err(Error::InvalidName { .. })), "{key}");
    }
    let longest = "y".repeat(255);
    arena.insert(&longest, 3_u8).unwrap();
    assert_eq!(arena.get::<u8>(&longest).unwrap().unwrap().get(), 3);
}

/// Values of an arena can be made from zeros, boxed values, lists and layouts, and used without knowing their type.
#[test]
fn an_arena_takes_values_of_all_kinds() {
    let arena = arena();
    let large = arena.insert::<[u64; 5_000]>("large", Zeroed).unwrap();
    large.set_at(4_999, 7).unwrap();
    let boxed = large.load_boxed().unwrap();
    let copy = arena.alloc::<[u64; 5_000]>(&*boxed).unwrap();
    assert_eq!(arena.get(copy).unwrap().unwrap().at(4_999), 7);
    let prices = arena.insert("prices", Filled(0.5, 100)).unwrap();
    assert_eq!((prices.len(), prices.at(99)), (100, 0.5));
    assert_eq!(arena.insert("list", vec![1_u8, 2, 3]).unwrap().to_vec().unwrap(), [1, 2, 3]);
    assert_eq!(arena.get::<[u8]>("list").unwrap().unwrap().len(), 3);
    let value = arena.get::<Dyn>("list").unwrap().unwrap();
    value.set("[1]", 9).unwrap();
    assert_eq!(value.get("[1]").unwrap(), DynData::Unsigned(9));
    let account = arena.insert("account", Account::after(1)).unwrap();
    let layout = arena.iter().next().unwrap().layout().unwrap();
    arena.insert::<Dyn>("other", layout).unwrap().set("balance", 5).unwrap();
    let other = arena.get::<Account>("other").unwrap().unwrap();
    assert_eq!((account.balance(), other.balance(), other.deposits()), (10, 5, 0));
    assert_eq!(arena.values_of::<Dyn>().count(), arena.len());
    assert_eq!(
        arena.values_of::<[u8]>().map(|(key, list)| (key, list.at(1))).collect::<Vec<_>>(),
        [(Some("list".to_owned()), 9)]
    );
}

/// If a growing table lost entries, or mixed up keys with one hash, some of many keys would be lost or lead to other values.
#[test]
fn every_one_of_many_is_found() {
    let arena = arena();
    let count = scaled(20_000, 3_000);
    let mut ids = Vec::new();
    let is_removed = |number: u64| number.is_multiple_of(3);
    for number in 0..count {
        let value = arena.insert(&format!("key {number}"), number).unwrap();
        ids.push(arena.id_of(&value).unwrap());
        if is_removed(number) {
            assert!(arena.remove(&format!("key {number}")).unwrap());
        }
    }
    for number in 0..count {
        let by_key = arena.get::<u64>(&format!("key {number}")).unwrap().map(|value| value.get());
        let by_id = arena.get(ids[usize::try_from(number).unwrap()]).unwrap().map(|value| value.get());
        let expected = (!is_removed(number)).then_some(number);
        assert_eq!((by_key, by_id), (expected, expected), "{number}");
    }
    let keys: BTreeSet<_> = arena.iter().map(|entry| entry.key().unwrap().to_owned()).collect();
    let expected: BTreeSet<_> =
        (0..count).filter(|number| !is_removed(*number)).map(|number| format!("key {number}")).collect();
    assert_eq!(keys, expected);
    assert_eq!((arena.len(), arena.is_empty()), (expected.len(), false));
    assert_eq!(arena.values_of::<u64>().count(), expected.len());
    assert_eq!(arena.values_of::<i64>().count(), 0);
}

/// A value of up to 16 bytes must take 128 bytes, including its description: two cache lines, which it shares with no other.
#[test]
fn small_values_are_compact() {
    let arena = arena();
    arena.alloc(0_u64).unwrap();
    let before = arena.used();
    for number in 0..100_u64 {
        arena.alloc(number).unwrap();
    }
    assert_eq!(arena.used() - before, 100 * 128);
    let before = arena.used();
    arena.alloc([1_u64, 2]).unwrap();
    let with_type = arena.used() - before;
    arena.alloc([1_u64, 2]).unwrap();
    assert_eq!(arena.used() - before - with_type, 128);
}

/// Without `fallocate`, a full file system would cause SIGBUS; without the check of the capacity, blocks would lie beyond the
/// mapping.
#[test]
fn an_arena_has_an_end() {
    let small = Arena::new(4096).unwrap();
    let error = loop {
        if let Err(error) = small.alloc(1_u64) {
            break error;
        }
    };
    assert!(matches!(&error, Error::ArenaFull { capacity, .. } if *capacity >= 4000), "{error}");
    assert!(matches!(small.insert("large", Filled(0.0, 1 << 20)), Err(Error::ArenaFull { .. })));
    assert!(small.insert("huge", Filled(0.0, usize::MAX / 64)).is_err());
    assert!(small.replace("large", Filled(0.0, 1 << 20)).is_err() && !small.contains("large"));
    let count = small.iter().count();
    assert!((10..33).contains(&count), "{count}");
    assert_eq!(small.len(), count);

    // Address space takes no memory.
    let large = Arena::new(Capacity(1 << 36)).unwrap();
    large.alloc(1_u64).unwrap();
    assert_eq!(large.capacity(), 1 << 36);
}

/// If `get_or_insert_with` did not hold the lock from the lookup to the addition, two processes could add one key.
#[test]
fn of_many_who_add_a_key_one_does() {
    let _alone = alone();
    in_time(|| {
        let arena = arena();
        let rounds = scaled(300, 50);
        let children: Vec<_> = (0..4_u64)
            .map(|child| {
                let arena = &arena;
                fork(move || {
                    for round in 0..rounds {
                        let value = arena.get_or_insert_with(&format!("common {round}"), || 0_u64).unwrap();
                        value.update(|count| *count += 1).unwrap();
                        arena.insert(&format!("own {child} {round}"), round).unwrap();
                        arena.alloc(round).unwrap();
                    }
                })
            })
            .collect();
        children.into_iter().for_each(shared_value_tests::Forked::finish);
        for round in 0..rounds {
            assert_eq!(number(&arena, &format!("common {round}")), Some(4));
            for child in 0..4 {
                assert_eq!(number(&arena, &format!("own {child} {round}")), Some(round));
            }
        }
        let with_keys = arena.iter().filter(|entry| entry.key().is_some()).count();
        assert_eq!((arena.len() as u64, with_keys as u64), (rounds * 9, rounds * 5));
    });
}

/// A count that missed an addition or a removal would differ from a walk over all values.
#[test]
fn values_are_counted() {
    let arena = arena();
    let mut random = fastrand::Rng::with_seed(7);
    let mut expected = BTreeSet::new();
    let mut ids = Vec::new();
    for _ in 0..scaled(5_000, 500) {
        let key = random.u8(..40).to_string();
        match random.u8(..5) {
            0 => assert_eq!(arena.insert(&key, 1_u64).is_ok(), expected.insert(key.clone()), "{key}"),
            1 => {
                arena.replace(&key, 2_u64).unwrap();
                expected.insert(key);
            }
            2 => assert_eq!(arena.remove(&key).unwrap(), expected.remove(&key), "{key}"),
            3 => ids.push(arena.alloc(3_u64).unwrap()),
            _ => {
                if let Some(id) = ids.pop() {
                    assert!(arena.remove(id).unwrap() && !arena.remove(id).unwrap());
                }
            }
        }
        assert_eq!(arena.len(), expected.len() + ids.len());
    }
    assert_eq!(arena.iter().count(), expected.len() + ids.len());
    assert_eq!(arena.read_only().unwrap().len(), arena.len());
}

/// If removing freed the space at once, open handles would see another value.
#[test]
fn a_removed_value_goes_on_for_those_who_have_it() {
    let _alone = alone();
    let name = SegmentName::new("arena-remove");
    let arena = Arena::create(&*name, CAPACITY).unwrap();
    let old = arena.insert("key", 1_u64).unwrap();
    let id = arena.id_of(&old).unwrap();
    assert!(arena.remove("key").unwrap());
    assert!(!arena.contains("key") && arena.id_of(&old).is_none());
    assert!(!arena.remove("key").unwrap());
    let new = arena.insert("key", 2_u64).unwrap();
    old.update(|value| *value += 10).unwrap();
    assert_eq!((old.get(), new.get(), number(&arena, "key")), (11, 2, Some(2)));
    assert!(arena.get(id).unwrap().is_none());
    let used = arena.used();

    // The value was removed, but has a handle.
    assert_eq!(arena.stats().removed, 1);
    arena.insert("another", 3_u64).unwrap();
    assert!(arena.used() > used);
    let used = arena.used();

    // Without the handle, its space is used again, although a reader has the arena open.
    let reader = Arena::open_read_only(&*name).unwrap();
    let read = reader.get::<u64>("key").unwrap().unwrap();
    drop(old);
    assert!(arena.remove("another").unwrap());
    let reused = [arena.insert("reused", 4_u64).unwrap(), arena.insert("another", 3_u64).unwrap()];
    assert_eq!((arena.used(), arena.len(), arena.stats().removed), (used, 3, 0));
    assert!(arena.get(id).unwrap().is_none(), "an old id leads to a new value");
    assert_eq!((reused[0].get(), reused[0].version(), number(&arena, "key")), (4, 0, Some(2)));
    let keys: BTreeSet<_> = arena.iter().map(|entry| entry.key().unwrap().to_owned()).collect();
    assert_eq!(keys, ["another", "key", "reused"].map(str::to_owned).into());

    // The reader keeps its value too, also when the arena is opened by a first process.
    assert!(arena.remove("key").unwrap());
    drop((new, reused, arena));
    let arena = Arena::open(&*name).unwrap();
    for number in 0..100_u64 {
        arena.insert(&number.to_string(), number).unwrap();
    }
    assert_eq!((read.get(), arena.stats().removed), (2, 1));
    drop((read, reader));
    assert!(arena.remove("0").unwrap());
    assert_eq!(arena.stats().removed, 0);
}

/// A value that replaces another may have another type and length, and handles of the old value must keep working.
#[test]
fn a_value_is_replaced() {
    let arena = arena();
    let first = arena.replace("key", 1_u64).unwrap();
    let second = arena.replace("key", Filled(2_u8, 1_000)).unwrap();
    assert_eq!((first.get(), second.at(999), arena.len()), (1, 2, 1));
    assert!(matches!(arena.get::<u64>("key"), Err(Error::LayoutMismatch { .. })));
    assert!(arena.id_of(&first).is_none() && arena.id_of(&second).is_some());
    first.set(9).unwrap();
    let third = arena.replace("key", 3_u64).unwrap();
    assert_eq!((first.get(), number(&arena, "key"), third.get()), (9, Some(3), 3));
    assert!(arena.remove("key").unwrap() && arena.is_empty());
}

/// The key has a value at every moment. But a lookup may have passed the place that the new value gets, or search a table
/// that is replaced meanwhile: without a second search it would find no value.
#[test]
fn a_key_that_is_replaced_is_never_gone() {
    in_time(|| {
        let arena = arena();
        for number in 0..20_u64 {
            arena.insert(&number.to_string(), number).unwrap();
        }
        arena.insert("key", 0_u64).unwrap();
        let reader = arena.read_only().unwrap();
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            let read = || {
                let (mut last, mut reads) = (0, 0_u64);
                while !is_over.load(Relaxed) {
                    let value = reader.get::<u64>("key").unwrap().expect("the key always leads to a value").get();
                    assert!(value >= last, "{value} after {last}");
                    assert_eq!(reader.len(), 21);
                    (last, reads) = (value, reads + 1);
                }
                reads
            };
            let readers = [scope.spawn(read), scope.spawn(read)];
            for number in 1..=scaled(20_000_u64, 2_000) {
                arena.replace("key", number).unwrap();
            }
            is_over.store(true, Relaxed);
            assert!(readers.into_iter().map(|reader| reader.join().unwrap()).sum::<u64>() > 0);
        });
    });
}

/// If places in the table were never reused, it would fill up with removed entries, and grow.
#[test]
fn keys_that_come_and_go_take_no_more_room() {
    let _alone = alone();
    let arena = arena();
    arena.insert("stays", 1_u64).unwrap();
    let add_and_remove = |rounds: u64| {
        let before = arena.used();
        for round in 0..rounds {
            arena.insert("key", round).unwrap();
            assert!(arena.remove("key").unwrap());
            arena.replace("stays", round).unwrap();
        }
        arena.used() - before
    };
    // A block for the new value beside the one that it replaces, and none for a table.
    assert_eq!(add_and_remove(1_000), 128);
}

/// A lock that was held when the machine crashed must not stay held when the arena is opened again.
#[test]
fn locks_of_a_copied_arena_are_free() {
    let directory = tempfile::tempdir().unwrap();
    let (path, copy) = (directory.path().join("arena"), directory.path().join("copy"));
    let arena = Arena::create(&path, 1 << 16).unwrap();
    let value = arena.insert("key", [1_u64; 100]).unwrap();
    let array = arena.insert("array", vec![1_u32, 2, 3]).unwrap();
    let guard = (value.lock().unwrap(), array.lock().unwrap());
    value.set([2; 100]).unwrap();
    array.fill(9).unwrap();
    fs::copy(&path, &copy).unwrap();
    drop(guard);
    let copied = Arena::open(&copy).unwrap();
    let value = copied.get::<[u64; 100]>("key").unwrap().unwrap();
    let array = copied.get::<[u32]>("array").unwrap().unwrap();
    assert!(value.try_lock().is_ok() && array.try_lock().is_ok());
    assert_eq!((value.get(), array.to_vec().unwrap()), ([1; 100], vec![1, 2, 3]));
    value.update(|all| all[7] = 8).unwrap();
    assert_eq!((value.at(6), value.at(7), copied.len()), (1, 8, 2));
}

#[test]
fn an_arena_goes_wherever_a_value_goes() {
    let _alone = alone();
    let name = SegmentName::new("arena-token");
    for arena in [arena(), Arena::create(&*name, CAPACITY).unwrap()] {
        let value = arena.insert("key", 1_u64).unwrap();
        let by_token = Arena::open(arena.token().unwrap()).unwrap();
        by_token.get::<u64>("key").unwrap().unwrap().set(2).unwrap();
        assert_eq!(value.get(), 2);
        let read_only = arena.read_only().unwrap();
        assert_eq!(read_only.get::<u64>("key").unwrap().unwrap().get(), 2);
        assert_eq!(read_only.iter().count(), 1);
        let by_token: Arena<ReadOnly> = Arena::open_read_only(arena.token().unwrap()).unwrap();
        assert_eq!(by_token.get::<u64>("key").unwrap().unwrap().get(), 2);
        let (here, there) = std::os::unix::net::UnixStream::pair().unwrap();
        arena.send_to(&here).unwrap();
        assert!(Arena::open(&there).unwrap().contains("key"));
    }
    // Opening by a token repairs the arena too, if no other process has it open.
    name.wait_until_unused();
    let arena = Arena::open(&*name).unwrap();
    let token = arena.token().unwrap();
    arena.remove("key").unwrap();
    let used = arena.used();
    drop(arena);
    name.wait_until_unused();
    let arena = Arena::open(&token).unwrap();
    arena.insert("new", 1_u64).unwrap();
    assert_eq!(arena.used(), used);
    assert!(names().unwrap().iter().any(|found| found.name() == &*name && found.type_name() == "Arena"));
    assert!(matches!(Synchronized::<u64>::open(&*name), Err(Error::LayoutMismatch { .. })));
}

/// Without the id of the value, a handle that is handed over would lead to the directory of the arena.
#[test]
fn a_value_of_an_arena_is_handed_over_alone() {
    let arena = arena();
    let others = arena.insert("other", 5_u64).unwrap();
    let value = arena.insert("key", Account::after(0)).unwrap();
    let array = arena.insert("array", vec![1_u8, 2, 3]).unwrap();
    let token = value.token().unwrap();
    Synchronized::<Account>::open(&token).unwrap().set_balance(9).unwrap();
    assert_eq!(value.balance(), 9);
    assert_eq!(Synchronized::<Account>::open_read_only(&token).unwrap().balance(), 9);
    assert_eq!(value.read_only().unwrap().balance(), 9);
    assert!(matches!(Synchronized::<u64>::open(&token), Err(Error::LayoutMismatch { .. })));
    assert!(Arena::open(&token).is_err());
    let array_again = SharedArray::<u8>::open(array.token().unwrap()).unwrap();
    array_again.set_at(1, 7).unwrap();
    assert_eq!(array.to_vec().unwrap(), [1, 7, 3]);
    let (here, there) = std::os::unix::net::UnixStream::pair().unwrap();
    value.send_to(&here).unwrap();
    others.send_to(&here).unwrap();
    assert_eq!(Synchronized::<Account>::open(&there).unwrap().balance(), 9);
    assert_eq!(Synchronized::<u64>::open(&there).unwrap().get(), 5);
    arena.remove("key").unwrap();
    assert!(Synchronized::<Account>::open(&token).is_err(), "it was removed");
}

#[test]
fn options_serve_arenas_too() {
    let name = SegmentName::new("arena-options");
    let arena = Arena::options().unlink_on_drop(true).create(&*name, CAPACITY).unwrap();
    arena.insert("key", FixedStr::<8>::new("text").unwrap()).unwrap();
    assert!(Arena::options().read_only().open(&*name).unwrap().contains("key"));
    drop(arena);
    assert!(matches!(Arena::open(&*name), Err(Error::NotFound { .. })));
    let fixed = Arena::options().no_new_writers().new(CAPACITY).unwrap();
    for number in 0..1_000_u64 {
        fixed.insert(&number.to_string(), number).unwrap();
    }
    assert_eq!(fixed.read_only().unwrap().get::<u64>("999").unwrap().unwrap().get(), 999);
}

#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Node {
    value: u64,
    next: Option<Id<Node>>,
}

/// A list whose nodes lead to each other, built by several processes at its head.
#[test]
fn nodes_make_a_list() {
    let _alone = alone();
    in_time(|| {
        let arena = arena();
        let head = arena.insert::<Option<Id<Node>>>("head", None).unwrap();
        let rounds = scaled(500, 50);
        let children: Vec<_> = (0..3_u64)
            .map(|child| {
                let (arena, head) = (&arena, &head);
                fork(move || {
                    for round in 0..rounds {
                        let node = arena.alloc(Node { value: child * rounds + round, next: None }).unwrap();
                        let node_handle = arena.get(node).unwrap().unwrap();
                        head.update(|head| {
                            node_handle.set_next(*head).unwrap();
                            *head = Some(node);
                        })
                        .unwrap();
                    }
                })
            })
            .collect();
        children.into_iter().for_each(shared_value_tests::Forked::finish);
        let (mut next, mut values) = (head.get(), BTreeSet::new());
        while let Some(id) = next {
            let node = arena.get(id).unwrap().expect("nobody removes a node");
            assert!(values.insert(node.value()));
            next = node.next();
        }
        assert_eq!(values, (0..3 * rounds).collect());
    });
}

#[test]
fn ids_are_values() {
    let arena = arena();
    let leaf = arena.insert("leaf", 35_u8).unwrap();
    let id = arena.id_of(&leaf).unwrap();
    let root = arena.insert("root", [id; 2]).unwrap();
    assert_eq!(root.get(), [id; 2]);
    assert_eq!(arena.get(root.get()[1]).unwrap().unwrap().get(), 35);
    assert_eq!((Id::from_bits(id.to_bits()), id.to_string()), (id, id.to_bits().to_string()));
    assert_eq!((size_of::<Option<Id<u8>>>(), Option::<Id<u8>>::TYPECODE, Id::<u8>::TYPECODE), (8, "<Q", "<Q"));
    for bits in [1, u64::MAX, id.to_bits().get() + 1, id.to_bits().get() ^ 1 << 17, 1 << 63] {
        let other = Id::<u8>::from_bits(bits.try_into().unwrap());
        assert!(arena.get(other).unwrap().is_none() && !arena.remove(other).unwrap(), "{bits:x}");
    }
    assert!(matches!(arena.get(Id::<u16>::from_bits(id.to_bits())), Err(Error::LayoutMismatch { .. })));
    let elsewhere = Arena::new(CAPACITY).unwrap();
    assert!(elsewhere.get(id).unwrap().is_none() && elsewhere.id_of(&leaf).is_none());
    assert!(arena.remove(id).unwrap());
    assert!(arena.get(id).unwrap().is_none() && !arena.remove(id).unwrap() && !arena.contains("leaf"));
    assert_eq!(leaf.get(), 35);
}

/// No id is zero, so in an `Option<Id<T>>` zero is `None`, and not an error.
#[test]
fn an_id_that_is_missing_is_zero() {
    let arena = arena();
    let node = arena.insert("node", Node { value: 1, next: None }).unwrap();
    let id = arena.id_of(&node).unwrap();
    let raw = arena.get::<Dyn>("node").unwrap().unwrap();
    node.set_next(Some(id)).unwrap();
    assert_eq!(raw.get("next").unwrap().to_string(), format!("OptionId(Some({id}))"));
    raw.set("next", DynData::Optional(None)).unwrap();
    assert_eq!(node.next(), None);
    let known = arena.insert("known", id).unwrap();
    assert!(arena.get::<Dyn>("known").unwrap().unwrap().set("", 0).is_err());
    assert_eq!(known.get(), id);
}
