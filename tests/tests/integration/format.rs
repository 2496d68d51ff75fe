//! The bytes of a segment, as `docs/format.md` shows them.

use shared_value::{Filled, SharedArray, SharedValue, Synchronized};
use shared_value_tests::{SegmentFile, SegmentName};

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Account {
    balance: i64,
    frozen: bool,
    #[shared(atomic)]
    requests: u64,
}

/// Without this test, the page could show the bytes of an older version.
#[test]
#[cfg(target_endian = "little")]
fn a_program_writes_the_example() {
    let (_, example) = include_str!("../../../docs/format.md").split_once("## Example").unwrap();
    let (_, dump) = example.split_once("```text\n").unwrap();
    let (dump, _) = dump.split_once("```").unwrap();
    let bytes = |line: &str| -> Vec<u8> {
        // The offset, 16 bytes, and a comment.
        let columns = line.get(10..58).unwrap_or(&line[10..]).split_whitespace();
        columns.map_while(|byte| u8::from_str_radix(byte, 16).ok()).collect()
    };
    let mut expected: Vec<u8> = dump.lines().flat_map(bytes).collect();

    let name = SegmentName::new("format");
    let account = Synchronized::create(&name, Account { balance: 100, frozen: false, requests: 7 }).unwrap();
    // Under a guard, which writes a draft.
    account.lock().unwrap().set_balance(101).unwrap();
    account.requests().fetch_add(1);
    let mut found = SegmentFile::open(name.path()).bytes(0, expected.len());
    // Each segment has an identity of its own. The entry in the robust list is left over while the lock is free.
    for bytes in [&mut expected, &mut found] {
        bytes[0x40..0x50].fill(0);
        bytes[0x160..0x168].fill(0);
    }
    assert_eq!(found, expected);
    assert_eq!(std::fs::metadata(name.path()).unwrap().len(), expected.len() as u64);
}

/// Programs in other languages write marks when they change a large value.
#[test]
fn marks_lie_where_the_page_says() {
    let name = SegmentName::new("format-marks");
    let array = SharedArray::create(&name, Filled(0_u64, 1_001)).unwrap();
    let file = SegmentFile::open(name.path());
    let word = |offset: u64| u64::from_ne_bytes(file.bytes(offset, 8).try_into().unwrap());
    let (cell, length, size) = (word(128), word(136), word(168));
    let (slot, stride) = (1_001, 1_008);
    let marks = 64 + 8 * (stride + slot + 7); // rounded up to a multiple of 64 bytes
    assert_eq!((size, marks % 64), (8 * slot, 0));
    // The numbers of 8 blocks, a bit for each of 126 blocks, a bit for each word of those bits.
    assert_eq!(length, marks + 8 * (8 + 2 + 1));
    let marked = || -> Vec<u64> { (0..11).map(|number| word(cell + marks + 8 * number)).collect() };
    assert_eq!(marked(), [0; 11], "a new value has no marks");

    array.set_at(17, 1).unwrap();
    assert_eq!(marked(), [3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "block 2 by its number");
    let guard = array.lock().unwrap();
    for block in 0..9 {
        guard.set_at(block * 8, 1).unwrap();
    }
    guard.set_at(1_000, 1).unwrap();
    drop(guard);
    assert_eq!(marked(), [0, 0, 0, 0, 0, 0, 0, 0, 0x1ff, 1 << (125 - 64), 3], "more by their bits");
    array.set_at(1_000, 2).unwrap();
    assert_eq!(marked(), [126, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);

    // A program in C may mark everything.
    array.fill(1).unwrap();
    for number in 0..11 {
        file.overwrite(cell + marks + 8 * number, &[0xff; 8]);
    }
    array.set_at(3, 2).unwrap();
    assert_eq!(array.iter().sum::<u64>(), 1_002);
    assert_eq!(marked(), [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
}
