//! Arenas, walked by what the page says of their blocks.

use shared_value::{Arena, Id};
use shared_value_tests::{SegmentFile, SegmentName};

use crate::page;

/// The states of a block.
const PRESENT: u64 = 1;
const REMOVED: u64 = 2;
const FREE: u64 = 3;

/// The file of an arena.
pub(crate) struct Walk {
    file: SegmentFile,
    /// Where the committed slot of the directory lies, and its atomic area.
    directory: u64,
    atomics: u64,
    /// Where the first block starts.
    start: u64,
    /// Where the index ends, and the journal starts.
    index: u64,
    length: u64,
}

/// A block, as its trailer describes it.
struct Block {
    trailer: u64,
    start: u64,
    state: u64,
    generation: u64,
    type_entry: u64,
    size: u64,
    key: String,
}

impl Walk {
    pub(crate) fn of(name: &SegmentName) -> Self {
        let file = SegmentFile::open(name.path());
        let [cell, length, size] = [128, 136, 168].map(|offset| word(&file, offset));
        let version = word(&file, cell + 40);
        let directory = cell + 64 + (version & 1) * size.next_multiple_of(64);
        let atomics = cell + 64 + 2 * size.next_multiple_of(64);
        let length_of_file = std::fs::metadata(name.path()).unwrap().len();
        let index = length_of_file / 64 * 64 - 1024;
        let start = (cell + length).next_multiple_of(64);
        Self { start, file, directory, atomics, index, length: length_of_file }
    }

    /// A word of the directory, by the row of the page that names it.
    #[track_caller]
    fn directory(&self, field: &str) -> u64 {
        let rows = fields();
        let mut atomics = rows.iter().filter(|row| row.is_atomic).zip(0..);
        if let Some((_, number)) = atomics.find(|(row, _)| row.name == field) {
            return word(&self.file, self.atomics + 8 * number);
        }
        let row = rows.iter().find(|row| row.name == field).expect("the page names the field");
        word(&self.file, self.directory + row.offset)
    }

    fn block(&self, trailer: u64) -> Block {
        let [first, second, size, last] = [0, 8, 16, 24].map(|offset| word(&self.file, trailer + offset));
        let (start, length) = (second & 0xffff_ffff_ffff, second >> 48);
        let bytes = self.file.bytes(trailer - length.next_multiple_of(8), usize::try_from(length).unwrap());
        Block {
            trailer,
            start,
            state: first & 0xff,
            generation: first >> 8,
            type_entry: (last >> 24) * 32,
            size,
            key: String::from_utf8(bytes).unwrap(),
        }
    }

    /// An entry of the index: where blocks end in a page, where free blocks start, the generation, and which blocks wait.
    fn entry(&self, page: u64) -> [u64; 4] {
        [0, 8, 16, 24].map(|offset| word(&self.file, self.index - 32 * (page + 1) + offset))
    }

    /// The blocks, the first one first.
    fn blocks(&self) -> Vec<Block> {
        let units = (self.start..self.directory("cursor")).step_by(64);
        let ends = units.filter(|unit| self.entry(unit / 4096)[0] >> (unit / 64 % 64) & 1 != 0);
        let blocks: Vec<_> = ends.map(|unit| self.block(unit + 32)).collect();
        let mut end = self.start;
        for block in &blocks {
            assert_eq!(block.start, end, "no gap before the block");
            let is_start = self.entry(end / 4096)[1] >> (end / 64 % 64) & 1 != 0;
            assert_eq!(is_start, block.state == FREE, "only free blocks have a bit where they start");
            end = block.trailer + 32;
            if is_start {
                assert_eq!(word(&self.file, block.start), end, "a free block says where it ends");
            } else {
                let last = self.entry((end - 64) / 4096)[2];
                assert!((1..=last).contains(&block.generation), "the page counts its blocks");
            }
        }
        blocks
    }

    /// Whether the block is free as soon as no process has its value.
    fn is_waiting(&self, block: &Block) -> bool {
        let unit = block.trailer - 32;
        self.entry(unit / 4096)[3] >> (unit / 64 % 64) & 1 != 0
    }

    /// The id of the value in a block.
    fn id(&self, block: &Block) -> u64 {
        let bits = (self.length / 64).ilog2() + 1;
        (block.generation << bits) + block.trailer / 64
    }

    /// Where the trailer of a value lies.
    fn trailer<C>(&self, id: Id<C>) -> u64 {
        let block = self.blocks().into_iter().find(|block| self.id(block) == id.to_bits().get());
        block.expect("the id names a block").trailer
    }

    /// The schemas of all type entries, the newest first.
    pub(crate) fn schemas(&self) -> Vec<String> {
        let (mut trailer, mut schemas) = (self.directory("types"), Vec::new());
        while trailer != 0 {
            schemas.push(self.schema(trailer));
            trailer = word(&self.file, self.block(trailer).start + 24);
        }
        schemas
    }

    fn schema(&self, type_entry: u64) -> String {
        let start = self.block(type_entry).start;
        let length = usize::try_from(word(&self.file, start + 16)).unwrap();
        String::from_utf8(self.file.bytes(start + 32, length)).unwrap()
    }

    /// Finds the trailer of the value under a key, through the table.
    fn find(&self, key: &str) -> Option<u64> {
        let (start, length) = self.words("table");
        let hash = hash(key);
        let first = hash & 0xff_ffff | hash >> 40 << 24;
        (0..length)
            .map(|step| word(&self.file, start + 8 * ((first + step) % length)))
            .take_while(|word| *word != 0)
            .find(|word| *word > 1 && word & 0xff_ffff == hash >> 40 && self.block((word >> 24) * 32).key == key)
            .map(|word| (word >> 24) * 32)
    }

    /// Returns where a table or a list starts, and how many words it has. A word of the directory records both.
    fn words(&self, field: &str) -> (u64, u64) {
        let word = self.directory(field);
        (word & !63, 1 << (word & 63))
    }

    /// The changes that the directory names: the trailer of each block, and whether the block was removed.
    fn changes(&self) -> Vec<(u64, bool)> {
        let few = fields().into_iter().find(|field| field.name == "changes").unwrap();
        let few = (0..few.bytes / 8).map(|number| self.directory + few.offset + 8 * number);
        let listed = (0..self.directory("listed")).map(|number| self.words("list").0 + 8 * number);
        let words = few.chain(listed).map(|offset| word(&self.file, offset));
        words.filter(|change| *change != 0).map(|change| (change & !1, change & 1 != 0)).collect()
    }
}

/// A row of the page's table of the directory.
struct FieldRow {
    offset: u64,
    bytes: u64,
    name: &'static str,
    is_atomic: bool,
}

fn fields() -> Vec<FieldRow> {
    let rows = page::table("offset in the directory");
    let field = |row: &Vec<&'static str>| FieldRow {
        offset: row[0].parse().unwrap(),
        bytes: row[1].parse().unwrap(),
        name: row[2],
        is_atomic: row[3].starts_with("atomic: "),
    };
    rows.iter().map(field).collect()
}

fn word(file: &SegmentFile, offset: u64) -> u64 {
    u64::from_le_bytes(file.bytes(offset, 8).try_into().unwrap())
}

fn hash(key: &str) -> u64 {
    let hash = key
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    (hash ^ hash >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// If the page named wrong offsets, readers would look for blocks in the wrong places.
#[test]
fn the_directory_is_as_the_page_says() {
    let name = SegmentName::new("directory");
    let _arena = Arena::create(&name, 1 << 16).unwrap();
    let schema = SegmentFile::open(name.path()).schema();
    let written: Vec<_> = fields()
        .iter()
        .map(|field| {
            let atomic = if field.is_atomic { "atomic " } else { "" };
            let ty = if field.bytes == 8 { "u64".to_owned() } else { format!("[u64; {}]", field.bytes / 8) };
            format!("{}: {atomic}{ty} @{}", field.name, field.offset)
        })
        .collect();
    let lines: Vec<_> = schema.lines().collect();
    assert_eq!(lines[0], "Arena");
    assert_eq!(lines[1..lines.len() - 2], written);
}

/// If a part of a block lay elsewhere, the walk would not find what the library has put there.
#[test]
fn values_and_keys_are_found_as_the_page_says() {
    let name = SegmentName::new("blocks");
    let arena = Arena::create(&name, 1 << 20).unwrap();
    let keys: Vec<_> = (0..100).map(|number| format!("key {number}")).collect();
    let mut ids = Vec::new();
    for (number, key) in (0_u32..).zip(&keys) {
        let value = arena.insert(key, number).unwrap();
        ids.push(arena.id_of(&value).unwrap());
    }
    // Without this handle, the space of the removed value would be free at once.
    let held = arena.get::<u32>("key 7").unwrap();
    let removed = Walk::of(&name).find("key 7").unwrap();
    assert!(arena.remove("key 7").unwrap());
    let walk = Walk::of(&name);
    for (number, key) in (0_u32..).zip(&keys) {
        let found = walk.find(key);
        assert_eq!(found.is_none(), number == 7, "{key}: the table leads to all but the removed value");
        let block = walk.block(found.unwrap_or(removed));
        assert_eq!((block.state, block.size), (if number == 7 { REMOVED } else { PRESENT }, 4), "{key}");
        assert_eq!(walk.is_waiting(&block), number == 7, "{key}");
        assert_eq!(ids[number as usize].to_bits().get(), walk.id(&block), "{key}: its id");
        assert_eq!(walk.file.bytes(block.start + 64, 4), number.to_le_bytes(), "{key}");
        assert_eq!(walk.schema(block.type_entry), "u32\nu32: 4 bytes, align 4\nlittle-endian\n");
    }
    assert_eq!(walk.find("key 100"), None);
    let values = walk.blocks().iter().filter(|block| block.type_entry != 0 && block.state != FREE).count();
    assert_eq!(values, keys.len(), "the other blocks hold a type entry and tables");
    drop(held);
    arena.alloc(0_u64).unwrap();
    let waiting = Walk::of(&name).blocks().iter().any(|block| walk.is_waiting(block));
    assert!(!waiting, "the space is used again when nobody has the value");
}

/// If the page described free blocks in another way, a program that follows it would cut blocks out of values.
#[test]
fn free_blocks_are_as_the_page_says() {
    let name = SegmentName::new("free");
    let arena = Arena::create(&name, 1 << 20).unwrap();
    for number in 0..40_u64 {
        arena.insert(&number.to_string(), vec![number; 20 + usize::try_from(number).unwrap()]).unwrap();
    }
    for number in (0..40).filter(|number| number % 5 != 0) {
        arena.remove(&*number.to_string()).unwrap();
    }
    drop(arena);
    name.wait_until_unused();
    let arena = Arena::open(&name).unwrap();
    for number in 0..10_u64 {
        arena.alloc(number).unwrap();
    }
    let walk = Walk::of(&name);
    let free: Vec<_> = walk.blocks().into_iter().filter(|block| block.state == FREE).collect();
    assert!(free.len() >= 8, "the blocks between the values that are left");
    let mut listed = 0;
    for class in 0..56_u64 {
        let (mut previous, mut start) = (0, word(&walk.file, walk.index + 512 + 8 * class));
        while start != 0 {
            let block = free.iter().find(|block| block.start == start).expect("the list names free blocks");
            let length = block.trailer + 32 - start;
            let expected = if length <= 512 { length / 64 - 1 } else { u64::from(length.ilog2()) - 1 };
            assert_eq!(class, expected, "a block of {length} bytes");
            assert_eq!(word(&walk.file, start + 16), previous);
            listed += 1;
            (previous, start) = (start, word(&walk.file, start + 8));
        }
    }
    assert_eq!(listed, free.len());
    assert_eq!(walk.directory("journal"), walk.directory("applied"));
    assert_eq!(walk.directory("capacity"), 1 << 20);
}

/// If the directory named the last changes in another way, a program that follows the page would count wrongly, or undo what
/// a dead process has decided.
#[test]
fn changes_are_named_as_the_page_says() {
    let name = SegmentName::new("changes");
    let arena = Arena::create(&name, 1 << 20).unwrap();
    let first = arena.alloc(1_u8).unwrap();
    let walk = Walk::of(&name);
    let removed = walk.trailer(first);
    assert_eq!(walk.changes(), [(removed, false)]);
    assert_eq!(walk.directory("values"), 0, "without the blocks that the changes name");

    // Without this handle, the block would be free at once, and changes name no free blocks.
    let _held = arena.get(first).unwrap();
    arena.remove(first).unwrap();
    let walk = Walk::of(&name);
    assert_eq!(walk.changes(), [(removed, true)]);

    let turn = walk.directory("turn");
    let (second, third) = arena
        .transaction(|tx| {
            let added = (tx.alloc(2_u8)?, tx.alloc(3_u8)?);
            tx.insert("key", 4_u8)?;
            Ok(added)
        })
        .unwrap();
    let walk = Walk::of(&name);
    let key = walk.find("key").unwrap();
    let added = [walk.trailer(second), walk.trailer(third), key].map(|trailer| (trailer, false));
    assert_eq!(walk.changes(), added, "three changes lie in the list");
    assert!(added.iter().all(|(trailer, _)| walk.block(*trailer).state == PRESENT));
    assert_eq!(walk.directory("turn"), turn + 1, "they happened at once");
    assert_eq!((walk.directory("decided_by"), walk.directory("values")), (0, 0));
    assert_eq!(arena.len(), 3);
}

/// If the page named the wrong deciding word, a lookup that follows the page would show half of a transaction.
#[test]
fn an_undecided_block_is_present_as_the_page_says() {
    let name = SegmentName::new("undecided");
    let arena = Arena::create(&name, 1 << 20).unwrap();
    let id = arena.alloc(1_u8).unwrap();
    let walk = Walk::of(&name);
    let trailer = walk.trailer(id);
    let set = |offset: u64, word: u64| walk.file.overwrite(offset, &word.to_le_bytes());
    let first = word(&walk.file, trailer);
    let decision = walk.atomics + 8;
    set(walk.atomics, decision);
    for (state, decided, is_present) in [(5, 1, true), (5, 2, false), (4, 2, true), (4, 1, false)] {
        set(decision, decided);
        set(trailer, first & !0xff | state);
        assert_eq!(arena.contains(id), is_present, "state {state}, decision {decided}");
    }
    assert_eq!(walk.directory("decided_by"), decision);
    // The next owner of the lock undoes what was not decided, and takes the block, which is loose, again.
    assert_eq!(walk.directory("loose"), trailer);
    let next = arena.alloc(2_u8).unwrap();
    assert_eq!((walk.trailer(next), walk.block(trailer).state), (trailer, PRESENT));
    assert!(next != id && !arena.contains(id));
    assert_eq!(walk.directory("decided_by"), 0);
}
