//! The space of an arena: what is removed comes back, whatever the lengths of the blocks, and old ids find nothing.

use std::collections::HashSet;

use shared_value::{Arena, ArenaStats, Error, Filled, Id};
use shared_value_tests::{SegmentFile, SegmentName, scaled};

/// More values than fit into any of these arenas.
const MANY: u64 = 1 << 20;

/// Opens an arena that no process has open.
fn reopen(name: &SegmentName, arena: Arena) -> Arena {
    drop(arena);
    name.wait_until_unused();
    Arena::open(name).unwrap()
}

/// Adds values until the arena is full, and returns how many.
fn fill(arena: &Arena) -> u64 {
    (0..MANY)
        .find(|number| match arena.insert(&format!("k{number}"), [1_u64; 20]) {
            Err(Error::ArenaFull { .. }) => true,
            inserted => inserted.is_err(),
        })
        .unwrap()
}

fn remove_all(arena: &Arena) {
    let ids: Vec<_> = arena.iter().map(|entry| entry.id::<[u64; 20]>()).collect();
    for id in ids {
        assert!(arena.remove(id).unwrap());
    }
    assert!(arena.is_empty());
}

/// The bytes that no block has.
fn lost(arena: &Arena) -> usize {
    let ArenaStats { live_bytes, removed_bytes, reusable_bytes, overhead_bytes, .. } = arena.stats();
    arena.used() - live_bytes - removed_bytes - reusable_bytes - overhead_bytes
}

/// If the space of old tables did not come back, or the blocks around them did not merge, fewer values would fit each time.
#[test]
fn a_full_arena_is_filled_again() {
    let name = SegmentName::new("filled");
    let mut arena = Arena::create(&name, 600_000).unwrap();
    let first = fill(&arena);
    assert!(first > 1_000);
    for round in 0..4 {
        remove_all(&arena);
        arena = reopen(&name, arena);
        assert_eq!(arena.stats().reusable_bytes + arena.stats().overhead_bytes, arena.used());
        let again = fill(&arena);
        assert!(again >= first, "{again} of {first} in round {round}");
        assert_eq!(lost(&arena), 0);
    }
}

/// Without merging, the space of arrays of two lengths could only be used for arrays of these lengths, and without splitting
/// not for smaller values.
#[test]
fn blocks_merge_and_split() {
    let name = SegmentName::new("merged");
    let arena = Arena::create(&name, 10_000_000).unwrap();
    let add = |arena: &Arena, length: usize| arena.alloc(Filled(1_u64, length));
    let lengths = [1_000, 1_100];
    let count = lengths.into_iter().cycle().take(1 << 20).take_while(|length| add(&arena, *length).is_ok()).count();
    assert!(count > 500);
    remove_all(&arena);
    let arena = reopen(&name, arena);
    // One array takes everything that is not needed for the description of its type.
    let whole = add(&arena, 10_000_000 / 16 - 1_400).unwrap();
    assert!(arena.remove(whole).unwrap());
    let arena = reopen(&name, arena);
    let longer = (0..MANY).take_while(|_| add(&arena, 1_000).is_ok()).count();
    assert!(longer >= count, "{longer} arrays of 1000, after {count} of 1000 and 1100");
    let small = (0..MANY).take_while(|_| add(&arena, 10).is_ok()).count();
    let ArenaStats { reusable_bytes, live, removed, .. } = arena.stats();
    assert!(small > 0 && reusable_bytes < 384, "{small} small arrays, {reusable_bytes} bytes left");
    assert_eq!((live, removed, lost(&arena)), (longer + small, 0, 0));
}

/// If an old id were looked up in the middle of a value, the words of the value would be taken for the description of a block.
#[test]
fn an_old_id_leads_to_nothing() {
    let name = SegmentName::new("old");
    let mut arena = Arena::create(&name, 1 << 20).unwrap();
    let kept = arena.insert("kept", 77_u64).map(|kept| arena.id_of(&kept)).unwrap().unwrap();
    let mut ids: HashSet<Id<u64>> = HashSet::new();
    for _ in 0..scaled(20, 4) {
        let new: Vec<_> = (0..1_000_u64).map(|number| arena.alloc(number).unwrap()).collect();
        assert!(new.iter().all(|id| ids.insert(*id)), "an id that was used before");
        for id in new {
            assert!(arena.remove(id).unwrap());
        }
        arena = reopen(&name, arena);

        // A large value over all of them, full of words that describe the block of `kept`.
        let file = SegmentFile::open(name.path());
        let bits = (std::fs::metadata(name.path()).unwrap().len() / 64).ilog2() + 1;
        let trailer = (kept.to_bits().get() & ((1 << bits) - 1)) * 64 + 32;
        let words = file.bytes(trailer, 32);
        let words: Vec<_> = words.chunks(8).map(|word| u64::from_ne_bytes(word.try_into().unwrap())).collect();
        let forged: Vec<_> = words.iter().copied().cycle().take(6_000).collect();
        let over = arena.alloc(forged).unwrap();
        for first_word in 0..4_u64 {
            for id in &ids {
                assert!(!arena.contains(*id) && arena.get(*id).unwrap().is_none());
                // This place, with the generation that the words have.
                let place = id.to_bits().get() & ((1 << bits) - 1);
                let forged = Id::<u64>::from_bits((words[0] >> 8 << bits | place).try_into().unwrap());
                let found = arena.get(forged);
                assert!(forged == kept || matches!(found, Ok(None)), "{first_word}");
            }
        }
        assert!(arena.remove(over).unwrap());
        arena = reopen(&name, arena);
        assert_eq!(arena.get(kept).unwrap().unwrap().get(), 77);
    }
}

/// If a place were used after its generations are used up, an id would lead to another value.
#[test]
fn a_place_that_is_used_up_is_not_used_again() {
    let name = SegmentName::new("used-up");
    let mut arena = Arena::create(&name, 1 << 20).unwrap();
    let file = SegmentFile::open(name.path());
    let length = std::fs::metadata(name.path()).unwrap().len();
    let bits = (length / 64).ilog2() + 1;
    let place = |id: Id<u64>| (id.to_bits().get() & ((1 << bits) - 1)) * 64;
    let last = (1_u64 << (64 - bits).min(56)) - 1;
    let mut ids = HashSet::new();
    for round in 0..6 {
        let new: Vec<_> = (0..200_u64).map(|number| arena.alloc(number).unwrap()).collect();
        for id in &new {
            assert!(ids.insert(*id), "{id} again in round {round}");
        }
        // As if the page of the last value had been used so often that one more block can end there.
        let page = place(new[150]) / 4096;
        let generation = length / 64 * 64 - 1024 - 32 * (page + 1) + 16;
        file.overwrite(generation, &(last - 1).to_ne_bytes());
        let next = arena.alloc(1_u64).unwrap();
        assert!(ids.insert(next));
        for id in new.into_iter().chain([next]) {
            assert!(arena.remove(id).unwrap());
        }
        arena = reopen(&name, arena);
    }
    let large = (0..MANY).take_while(|_| arena.alloc([0_u64; 500]).is_ok()).count();
    assert!(large > 100, "large values can lie over places that are used up: {large}");
    assert!(ids.iter().all(|id| !arena.contains(*id)));
}

/// If the space of a table that is replaced came back only when no process has the arena open, keys that come and go would fill the
/// arena with old tables; if its space were used while a look-up searches it, the look-up could miss a key.
#[test]
fn old_tables_come_back_at_once() {
    let arena = Arena::new(1 << 26).unwrap();
    for number in 0..100_u64 {
        arena.insert(&format!("stays {number}"), number).unwrap();
    }
    let reader = arena.read_only().unwrap();
    let rounds = scaled(30_000_u64, 3_000);
    std::thread::scope(|scope| {
        let worker = scope.spawn(|| {
            for round in 0..rounds {
                let key = format!("comes and goes {round}");
                arena.insert(&key, round).unwrap();
                assert!(arena.remove(&key).unwrap());
            }
        });
        while !worker.is_finished() {
            for number in 0..100_u64 {
                let key = format!("stays {number}");
                assert_eq!(reader.get::<u64>(&key).unwrap().map(|value| value.get()), Some(number), "{key}");
            }
        }
    });
    let stats = arena.stats();
    assert!(stats.overhead_bytes < 8_192, "{stats:?}");
    assert_eq!(lost(&arena), 0);
}

/// If the block of a value that could not be added stayed taken, each attempt would take space.
#[test]
fn what_could_not_be_added_takes_no_space() {
    let arena = Arena::new(20_000).unwrap();
    while arena.alloc(0_u64).is_ok() {}
    let used = arena.stats();
    for number in 0..100 {
        assert!(arena.insert(&format!("key {number}"), number).is_err());
        assert!(arena.transaction(|tx| tx.insert("large", Filled(0_u64, 1 << 20)).map(drop)).is_err());
    }
    assert_eq!(arena.stats().live, used.live);
    assert_eq!((lost(&arena), arena.stats().removed), (0, 0));

    // There is room for the value, but not for a larger table.
    let name = SegmentName::new("no-table");
    let arena = Arena::create(&name, 8_000).unwrap();
    let count = (0..MANY).take_while(|number| arena.insert(&format!("key {number}"), 1_u64).is_ok()).count();
    assert!(count >= 24, "{count}: the first table is full");
    let before = arena.stats();
    for _ in 0..100 {
        assert!(arena.insert("one more", 1_u64).is_err());
    }
    arena.remove("key 1").unwrap();
    let after = arena.stats();
    assert_eq!((after.live, after.removed, lost(&arena)), (count - 1, 0, 0), "{before:?} {after:?}");
}

/// If the values of a transaction that failed kept their space, retries would fill the arena.
#[test]
fn what_a_failed_transaction_has_made_takes_no_space() {
    let arena = Arena::new(1 << 20).unwrap();
    arena.insert("kept", 1_u64).unwrap();
    let fail = |opens: bool| {
        let failed = arena.transaction::<()>(|tx| {
            for length in [1, 100, 10] {
                let id = tx.alloc(Filled(7_u64, length))?;
                let value = if opens { tx.get(id)? } else { None };
                assert_eq!(value.map(|value| value.at(0)), opens.then_some(7));
            }
            let dropped = tx.alloc(8_u64)?;
            assert!(tx.remove(dropped)?);
            Err(Error::TimedOut { awaited: "nothing".to_owned() })
        });
        assert!(matches!(failed, Err(Error::TimedOut { .. })));
    };
    fail(false);
    let before = (arena.used(), arena.stats());
    for _ in 0..100 {
        fail(false);
    }
    assert_eq!((arena.used(), arena.stats()), before);
    assert_eq!((lost(&arena), arena.stats().removed), (0, 0));
    let added = arena.transaction(|tx| {
        let dropped = tx.alloc(8_u64)?;
        assert!(tx.remove(dropped)?);
        tx.alloc(9_u64)
    });
    assert_eq!(arena.get(added.unwrap()).unwrap().unwrap().get(), 9);
    assert_eq!((lost(&arena), arena.stats().removed), (0, 0));

    // These had handles.
    fail(true);
    assert_eq!((lost(&arena), arena.stats().removed), (0, 0));
    let mut kept = None;
    let failed = arena.transaction::<()>(|tx| {
        kept = Some(tx.insert("new", 5_u64)?);
        Err(Error::TimedOut { awaited: "nothing".to_owned() })
    });
    assert!(failed.is_err());
    assert_eq!((lost(&arena), arena.stats().removed, kept.as_ref().map(|kept| kept.get())), (0, 1, Some(5)));
    drop(kept);
    assert!(arena.remove("kept").unwrap());
    assert_eq!((lost(&arena), arena.stats().removed), (0, 0));
}
