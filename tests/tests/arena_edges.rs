//! Edge cases of arenas: impossible capacities, values that are read or handed over alone, forks in the middle of
//! transactions, files that a crash has left, and overwritten directories.

use std::cell::Cell;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::time::Duration;

use shared_value::{Arena, Error, Id, Synchronized, names};
use shared_value_tests::{SegmentFile, SegmentName, end_now, eventually, in_time, split};

const CAPACITY: usize = 1 << 20;

/// The offset in a segment of the word that says where the cell lies: the start of the table.
const CELL_OFFSET: u64 = 128;

/// Offsets in the control line of a cell, and the bit of a version that is joined to a record.
const VERSION: u64 = 40;
const DRAFT: u64 = 48;
const JOINED: u64 = 1 << 63;

/// The offset of the slots in a cell, and the distance of the two slots of an arena's directory.
const SLOTS: u64 = 64;
const STRIDE: u64 = 24 * 8;

/// Offsets in the directory: the end of the used space, and the newest type entry.
const CURSOR: u64 = 0;
const TYPES: u64 = 5 * 8;

/// Offsets in the record of a transaction: its lock, and its state.
const LOCK: u64 = 0;
const STATE: u64 = 128;

/// The file of an arena, to be damaged.
struct ArenaFile(File);

impl ArenaFile {
    fn of(name: &SegmentName) -> Self {
        Self(OpenOptions::new().read(true).write(true).open(name.path()).unwrap())
    }

    fn length(&self) -> u64 {
        self.0.metadata().unwrap().len()
    }

    /// Where the first block starts.
    fn first(&self) -> u64 {
        (self.word(CELL_OFFSET) + self.word(CELL_OFFSET + 8)).next_multiple_of(64)
    }

    /// Where the trailer of a value lies: in the last of the units of 64 bytes that the lowest bits of its id name.
    fn trailer_of<C>(&self, id: Id<C>) -> u64 {
        let bits = (self.length() / 64).ilog2() + 1;
        (id.to_bits().get() & ((1 << bits) - 1)) * 64 + 32
    }

    fn word(&self, offset: u64) -> u64 {
        let mut word = [0; 8];
        self.0.read_exact_at(&mut word, offset).unwrap();
        u64::from_ne_bytes(word)
    }

    fn set_word(&self, offset: u64, word: u64) {
        self.0.write_all_at(&word.to_ne_bytes(), offset).unwrap();
    }

    /// Sets a word of the directory in both slots.
    fn set_directory(&self, offset: u64, word: u64) {
        let first = self.word(CELL_OFFSET) + SLOTS + offset;
        self.set_word(first, word);
        self.set_word(first + STRIDE, word);
    }
}

/// A capacity that is not a multiple of 64 must be counted exactly, and never below zero. An impossible capacity must be an
/// error, and not an overflow.
#[test]
fn capacities() {
    for capacity in [0, 1, 63, 64, 100, CAPACITY] {
        let arena = Arena::new(capacity).unwrap();
        assert_eq!((arena.capacity(), arena.used()), (capacity, 0));
        if capacity < 128 {
            assert!(matches!(arena.alloc(1_u8), Err(Error::ArenaFull { .. } | Error::Io { .. })));
        }
    }
    for capacity in [usize::MAX, usize::MAX - 1000, usize::MAX / 2, usize::MAX / 2 - 1000, 1 << 45] {
        assert!(matches!(Arena::new(capacity), Err(Error::Unsupported { .. })), "{capacity}");
    }
}

/// `id_of` looks for the trailer behind the cell, where the key lies too. A key that looks like a trailer must not be taken
/// for one.
#[test]
fn a_key_is_no_trailer() {
    let name = SegmentName::new("key");
    let arena = Arena::create(&*name, CAPACITY).unwrap();
    let first = ArenaFile::of(&name).first();
    arena.insert("first", 1_u64).unwrap();
    for number in 0..8_u64 {
        let start = first + arena.used() as u64;
        let text = u64::from_ne_bytes(*b"any text");
        let words = [text, text, text, text, 1 | 1 << 24, start, 8, 0, text, text, text, text];
        let key = String::from_utf8(words.into_iter().flat_map(u64::to_ne_bytes).collect());
        let created = key.map(|key| arena.insert(&key, number));
        if let Ok(Ok(value)) = &created {
            assert_eq!(arena.get(arena.id_of(value).unwrap()).unwrap().unwrap().get(), number);
        }
        assert!(!matches!(created, Ok(Err(Error::ArenaFull { .. }))));
        arena.alloc(number).unwrap();
    }
    assert!(matches!(arena.insert("a\0b", 1_u64), Err(Error::InvalidName { .. })));
}

/// If a read-only handle of a value looked at the cell of the directory, it would read other words.
#[test]
fn a_value_is_read_by_a_handle_for_reading() {
    let arena = Arena::new(CAPACITY).unwrap();
    let value = arena.insert("key", [1_u64, 2]).unwrap();
    let reader = value.read_only().unwrap();
    value.set_at(1, 3).unwrap();
    assert_eq!(reader.get(), [1, 3]);
    assert_eq!(arena.id_of(&reader), arena.id_of(&value));
}

/// If a child that continues in the closure took part in the transaction, it would take locks that it never releases, for
/// changes that it never commits.
#[test]
fn a_forked_child_has_no_part_in_a_transaction() {
    let arena = Arena::new(CAPACITY).unwrap();
    let [(_, one), (_, other)] = [1_i64, 2].map(|value| alloc(&arena, value));
    let (child, added) = (Cell::new(None), Cell::new(true));
    let done = arena.transaction(|tx| {
        tx.lock(&one)?.set(10)?;
        child.set(split());
        added.set(tx.alloc(1_u8).is_ok() || tx.remove(arena.id_of(&one).unwrap()).is_ok());
        tx.lock(&other)?.set(20)
    });
    let Some(child) = child.take() else {
        let is_refused = matches!(done, Err(Error::Unsupported { .. })) && !added.get();
        end_now(i32::from(!is_refused));
    };
    child.finish();
    done.unwrap();
    assert_eq!((one.get(), other.get()), (10, 20));
}

/// Adds a value without a key, and returns its id too.
fn alloc(arena: &Arena, value: i64) -> (Id<i64>, Synchronized<i64>) {
    let id = arena.alloc(value).unwrap();
    (id, arena.get(id).unwrap().unwrap())
}

fn transact(arena: &Arena, ids: [Id<i64>; 2]) {
    arena
        .transaction(|tx| {
            let values = ids.map(|id| arena.get(id).unwrap().unwrap());
            values.iter().try_for_each(|value| tx.lock(value)?.update(|number| *number += 1))
        })
        .unwrap();
}

/// If a record whose user died were never reused, each death would cost the memory of a record.
#[test]
fn a_record_of_the_dead_is_used_again() {
    let name = SegmentName::new("record");
    let arena = Arena::create(&*name, CAPACITY).unwrap();
    let ids = [1_i64, 2].map(|value| arena.alloc(value).unwrap());
    let file = ArenaFile::of(&name);
    let record = file.first() + arena.used() as u64;
    transact(&arena, ids);
    let used = arena.used();
    drop(arena);

    for state in [1, 2] {
        // The record looks as if the machine had crashed after its user settled the changed values.
        assert_eq!((file.word(record + LOCK), file.word(record + STATE)), (0, 0));
        file.set_word(record + LOCK, 0x3fff_fff0);
        file.set_word(record + STATE, state);
        name.wait_until_unused();
        let arena = Arena::open(&*name).unwrap();
        transact(&arena, ids);
        assert_eq!(arena.used(), used);
    }
}

/// A removed value may still have readers. When the record of its last transaction is repaired, the value must keep what that
/// transaction committed.
#[test]
fn what_is_removed_and_read_is_settled() {
    let name = SegmentName::new("removed");
    let arena = Arena::create(&*name, CAPACITY).unwrap();
    let ids = [1_i64, 2].map(|value| arena.alloc(value).unwrap());
    let file = ArenaFile::of(&name);
    let first = file.first();
    let record = first + arena.used() as u64;
    transact(&arena, ids);
    let id = ids[0];
    let start = (first..record).step_by(64).find(|start| is_cell_of(&file, *start)).unwrap();
    let reader = Arena::open_read_only(&*name).unwrap().get(id).unwrap().unwrap();
    assert_eq!((reader.get(), reader.version()), (2, 1));

    // The value looks as if its writer died right after the commit: the version is joined, the record committed.
    arena.remove(id).unwrap();
    file.set_word(start + SLOTS, 7);
    file.set_word(start + DRAFT, JOINED | (record + STATE));
    file.set_word(start + VERSION, JOINED | 1);
    file.set_word(record + STATE, 2);
    assert_eq!((reader.get(), reader.version()), (7, 2));
    drop(arena);

    // Children that another test has forked may have the arena open until they end.
    let is_used = || names().unwrap().iter().any(|found| found.name() == &*name && found.is_in_use());
    eventually("nobody writes", || !is_used());
    let arena = Arena::open(&*name).unwrap();
    assert_eq!(file.word(record + STATE), 0);
    assert_eq!((reader.get(), reader.version()), (7, 2));
    assert!(!arena.contains(id), "it was removed");
}

/// Whether the cell of a value that was committed once starts at this offset.
fn is_cell_of(file: &ArenaFile, start: u64) -> bool {
    file.word(start) == 0
        && file.word(start + 40) == 1
        && file.word(start + SLOTS) == 1
        && file.word(start + SLOTS + 8) == 2
}

/// If a block whose maker died before it could be found were never reused, each such death would leak a block.
#[test]
fn what_nothing_leads_to_is_used_again() {
    let name = SegmentName::new("orphan");
    let arena = Arena::create(&*name, CAPACITY).unwrap();
    let id = arena.alloc(1_u64).unwrap();
    arena.remove(id).unwrap();
    let used = arena.used();
    drop(arena);

    // As if the process had died before the directory named the type entry.
    ArenaFile::of(&name).set_directory(TYPES, 0);
    name.wait_until_unused();
    let arena = Arena::open(&*name).unwrap();
    let value = arena.alloc(2_u64).unwrap();
    assert_eq!((arena.get(value).unwrap().unwrap().get(), arena.used()), (2, used));
    assert!(!arena.contains(id), "it was removed");
}

/// An overwritten directory must be an error, and must not cause an arithmetic overflow.
#[test]
fn a_cursor_that_leads_nowhere() {
    for cursor in [u64::MAX, u64::MAX - 64, 1 << 63, CAPACITY as u64 * 2, 1] {
        let name = SegmentName::new("cursor");
        let arena = Arena::create(&*name, CAPACITY).unwrap();
        arena.alloc(1_u64).unwrap();
        ArenaFile::of(&name).set_directory(CURSOR, cursor);
        assert_eq!(arena.alloc(2_u64).is_err(), cursor > 1, "{cursor}");
        assert_eq!(arena.iter().count(), usize::from(cursor > 1), "{cursor}");
    }
}

/// A version that is joined to no record comes from a hostile process. Readers that waited for the record would wait forever.
#[test]
fn a_version_that_is_joined_to_nothing() {
    in_time(|| {
        let name = SegmentName::new("arena-joined");
        let value = Synchronized::create(&*name, [5_u64; 9]).unwrap();
        let reader = value.read_only().unwrap();
        value.set([6; 9]).unwrap();
        let file = SegmentFile::open(name.path());
        let cell = u64::from_ne_bytes(file.bytes(128, 8).try_into().unwrap());
        for draft in [0, 1, 1 << 63, u64::MAX, 1 << 63 | 64] {
            file.overwrite(cell + 40, &(1_u64 | 1 << 63).to_ne_bytes());
            file.overwrite(cell + 48, &draft.to_ne_bytes());
            assert_eq!((value.version(), reader.get(), value.get()), (1, [6; 9], [6; 9]), "draft {draft:x}");
            assert!(reader.wait_for(|value| value[0] == 7, Duration::from_millis(1)).is_err());
        }
        let _guard = value.lock().unwrap();
        assert_eq!(reader.get(), [6; 9]);
    });
}

/// Offsets in the directory: the number of values, the last changes, and the list for more than two of them.
const VALUES: u64 = 7 * 8;
const CHANGES: u64 = 8 * 8;
const LIST: u64 = 10 * 8;
const LISTED: u64 = 11 * 8;

/// The offset of the word `decided_by` in the directory's cell.
const DECIDED_BY: u64 = SLOTS + 2 * STRIDE;

/// A hostile process overwrites the names of changes that seem to be in progress: lookups must still end, and nothing may be
/// read or written where there is no block.
#[test]
fn changes_that_lead_nowhere() {
    in_time(|| {
        let words = [1, 33, 64, 1 << 45, 1 << 63, u64::MAX];
        for (number, word) in words.into_iter().enumerate() {
            for state in [4, 5] {
                let name = SegmentName::new("changes");
                let arena = Arena::create(&*name, CAPACITY).unwrap();
                let id = arena.alloc(1_u64).unwrap();
                arena.insert("kept", 2_u64).unwrap();
                let file = ArenaFile::of(&name);
                let trailer = file.trailer_of(id);
                file.set_word(trailer, file.word(trailer) & !0xff | state);
                file.set_directory(CHANGES, if number % 2 == 0 { word } else { trailer });
                file.set_directory(LISTED, word);
                file.set_directory(LIST, words[(number + 1) % words.len()]);
                file.set_directory(VALUES, word);
                file.set_word(file.word(CELL_OFFSET) + DECIDED_BY, word);
                let reader = arena.read_only().unwrap();
                for _ in 0..2 {
                    assert_eq!(reader.contains(id), arena.contains(id));
                    assert!(reader.iter().count() < 8 && reader.values_of::<u64>().count() < 8);
                    let _ = (arena.len(), reader.len());
                    assert_eq!(arena.get::<u64>("kept").unwrap().unwrap().get(), 2);
                    // The next owner of the lock settles the changes that the directory names.
                    let added = arena.insert("added", 3_u64).or_else(|_| arena.replace("added", 3_u64)).unwrap();
                    arena.transaction(|tx| (0..5).try_for_each(|number| tx.alloc(number).map(drop))).unwrap();
                    assert_eq!((added.get(), arena.get::<u64>("added").unwrap().unwrap().get()), (3, 3));
                    file.set_word(file.word(CELL_OFFSET) + DECIDED_BY, 0);
                }
            }
        }
    });
}

/// A machine may crash right before a change is decided, or between the decision and its effects. The next opening must undo
/// or finish the change.
#[test]
fn changes_are_settled_when_the_arena_is_opened() {
    for (decision, reads) in [(1, false), (2, false), (1, true), (2, true)] {
        let name = SegmentName::new("settled");
        let arena = Arena::create(&*name, CAPACITY).unwrap();
        let (removed, added) = (arena.alloc(1_u64).unwrap(), arena.alloc(2_u64).unwrap());
        arena.insert("kept", 3_u64).unwrap();
        let file = ArenaFile::of(&name);
        for (id, state) in [(added, 4), (removed, 5)] {
            let trailer = file.trailer_of(id);
            file.set_word(trailer, file.word(trailer) & !0xff | state);
        }
        file.set_directory(CHANGES, file.trailer_of(added));
        file.set_directory(CHANGES + 8, file.trailer_of(removed) | 1);
        file.set_directory(VALUES, 1);
        let decided_by = file.word(CELL_OFFSET) + DECIDED_BY;
        file.set_word(decided_by + 8, decision);
        file.set_word(decided_by, decided_by + 8);
        // A reader asks the deciding word, so its answers must be the same before and after the changes are settled.
        let expected = (decision == 2, decision == 1, 2, 2);
        let state = |arena: &Arena<shared_value::ReadOnly>| {
            (arena.contains(added), arena.contains(removed), arena.len(), arena.iter().count())
        };
        let reader = arena.read_only().unwrap();
        assert_eq!(state(&reader), expected);
        let reader = if reads { Some(reader) } else { None };
        drop(arena);
        let is_used = || names().unwrap().iter().any(|found| found.name() == &*name && found.is_in_use());
        eventually("no process writes", || !is_used());
        let arena = Arena::open(&*name).unwrap();
        assert_eq!(file.word(decided_by), 0);
        assert_eq!(state(&arena.read_only().unwrap()), expected);
        assert!(reader.is_none_or(|reader| state(&reader) == expected));
        let live = if decision == 2 { added } else { removed };
        assert_eq!(arena.get(live).unwrap().unwrap().get(), if decision == 2 { 2 } else { 1 });
    }
}
