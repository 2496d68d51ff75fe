//! Arenas, walked by what the page says of their blocks.

use shared_value::Arena;
use shared_value_tests::{SegmentFile, SegmentName};

use crate::page;

/// The offsets of the directory's fields that the walk needs.
const CURSOR: u64 = 0;
const TABLE: u64 = 24;
const KINDS: u64 = 40;

/// The file of an arena.
pub(crate) struct Walk {
    file: SegmentFile,
    /// Where the committed slot of the directory lies.
    directory: u64,
    start: u64,
}

/// A block, as its trailer describes it.
struct Block {
    trailer: u64,
    start: u64,
    state: u64,
    kind: u64,
    size: u64,
    key: String,
}

impl Walk {
    pub(crate) fn of(name: &SegmentName) -> Self {
        let file = SegmentFile::open(name.path());
        let [cell, length, size] = [64, 72, 104].map(|offset| word(&file, offset));
        let version = word(&file, cell + 40);
        let directory = cell + 64 + (version & 1) * size.next_multiple_of(64);
        Self { start: (cell + length).next_multiple_of(64), file, directory }
    }

    fn directory(&self, field: u64) -> u64 {
        word(&self.file, self.directory + field)
    }

    fn block(&self, trailer: u64) -> Block {
        let [first, start, size, key] = [0, 8, 16, 24].map(|offset| word(&self.file, trailer + offset));
        let length = key & 0xffff_ffff;
        let bytes = self.file.bytes(trailer - length.next_multiple_of(8), usize::try_from(length).unwrap());
        Block {
            trailer,
            start,
            state: first & 0xff,
            kind: (first >> 24) * 32,
            size,
            key: String::from_utf8(bytes).unwrap(),
        }
    }

    /// The blocks, the last one first.
    fn blocks(&self) -> Vec<Block> {
        let (mut end, mut blocks) = (self.directory(CURSOR), Vec::new());
        while end > self.start {
            let block = self.block(end - 32);
            assert!(block.start >= self.start && block.start < end && block.start.is_multiple_of(64));
            end = block.start;
            blocks.push(block);
        }
        blocks
    }

    /// The schemas of all kinds, the newest first.
    pub(crate) fn kinds(&self) -> Vec<String> {
        let (mut trailer, mut kinds) = (self.directory(KINDS), Vec::new());
        while trailer != 0 {
            kinds.push(self.schema(trailer));
            trailer = word(&self.file, self.block(trailer).start + 24);
        }
        kinds
    }

    fn schema(&self, kind: u64) -> String {
        let start = self.block(kind).start;
        let length = usize::try_from(word(&self.file, start + 16)).unwrap();
        String::from_utf8(self.file.bytes(start + 32, length)).unwrap()
    }

    /// The trailer of the value of a key, found by the table.
    fn find(&self, key: &str) -> Option<u64> {
        let table = self.directory(TABLE);
        let (start, length) = (table & !63, 1 << (table & 63));
        let hash = hash(key);
        (0..length)
            .map(|step| word(&self.file, start + 8 * ((hash + step) % length)))
            .take_while(|word| *word != 0)
            .find(|word| *word > 1 && word & 0xff_ffff == hash >> 40 && self.block((word >> 24) * 32).key == key)
            .map(|word| (word >> 24) * 32)
    }
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

/// If the page named another place, a reader would look for blocks there.
#[test]
fn the_directory_is_as_the_page_says() {
    let name = SegmentName::new("directory");
    let _arena = Arena::create(&name, 1 << 16).unwrap();
    let schema = SegmentFile::open(name.path()).schema();
    let written: Vec<_> = page::table("offset in the directory")
        .iter()
        .map(|row| {
            let ty =
                if row[1] == "8" { "u64".to_owned() } else { format!("[u64; {}]", row[1].parse::<u64>().unwrap() / 8) };
            format!("{}: {ty} @{}", row[2], row[0])
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
        let value = arena.create(key, number).unwrap();
        ids.push(arena.id_of(&value).unwrap().to_bits());
    }
    arena.remove("key 7").unwrap();
    let walk = Walk::of(&name);
    for (number, key) in (0_u32..).zip(&keys) {
        let block = walk.block(walk.find(key).unwrap());
        assert_eq!((block.state, block.size), (if number == 7 { 2 } else { 1 }, 4), "{key}");
        assert_eq!(ids[number as usize], block.trailer / 32 * 65_536, "{key}: its id");
        assert_eq!(walk.file.bytes(block.start + 64, 4), number.to_le_bytes(), "{key}");
        assert_eq!(walk.schema(block.kind), "u32\nu32: 4 bytes, align 4\nlittle-endian\n");
    }
    assert_eq!(walk.find("key 100"), None);
    let values = walk.blocks().iter().filter(|block| block.kind != 0).count();
    assert_eq!(values, keys.len(), "the others are a kind and tables");
}
