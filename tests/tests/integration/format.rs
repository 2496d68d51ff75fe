//! The bytes of a segment, as `docs/format.md` shows them.

use shared_value::{SharedArray, SharedValue, Synchronized};
use shared_value_tests::{SegmentFile, SegmentName};

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Account {
    balance: i64,
    frozen: bool,
    #[shared(atomic)]
    requests: u64,
}

/// Without this, the page would go on to show the bytes of an older version.
#[test]
#[cfg(target_endian = "little")]
fn the_example_is_what_a_program_writes() {
    let (_, example) = include_str!("../../../docs/format.md").split_once("## Example").unwrap();
    let (_, dump) = example.split_once("```text\n").unwrap();
    let (dump, _) = dump.split_once("```").unwrap();
    let bytes = |line: &str| -> Vec<u8> {
        // The offset, 16 bytes, and what they are.
        let columns = line.get(10..58).unwrap_or(&line[10..]).split_whitespace();
        columns.map_while(|byte| u8::from_str_radix(byte, 16).ok()).collect()
    };
    let mut expected: Vec<u8> = dump.lines().flat_map(bytes).collect();

    let name = SegmentName::new("format");
    let account = Synchronized::create(&name, Account { balance: 100, frozen: false, requests: 7 }).unwrap();
    // Under a guard, so that there was a draft.
    account.lock().unwrap().set_balance(101);
    account.requests_fetch_add(1);
    let mut found = SegmentFile::open(name.path()).bytes(0, expected.len());
    // The entry in the robust list of a lock that is free.
    for bytes in [&mut expected, &mut found] {
        bytes[0x120..0x128].fill(0);
    }
    assert_eq!(found, expected);
    assert_eq!(std::fs::metadata(name.path()).unwrap().len(), expected.len() as u64);
}

/// Programs in other languages rely on it when they change a large value.
#[test]
fn marks_lie_where_the_page_says() {
    let name = SegmentName::new("format-marks");
    let array = SharedArray::<u64>::create(&name, 1_001).unwrap();
    let file = SegmentFile::open(name.path());
    let word = |offset: u64| u64::from_ne_bytes(file.bytes(offset, 8).try_into().unwrap());
    let (cell, length, size) = (word(64), word(72), word(104));
    let (slot, stride) = (1_001, 1_008);
    let marks = 64 + 8 * (stride + slot + 7); // rounded up to a multiple of 64 bytes
    assert_eq!((size, marks % 64), (8 * slot, 0));
    // The numbers of 8 blocks, a bit for each of 126 blocks, a bit for each word of those.
    assert_eq!(length, marks + 8 * (8 + 2 + 1));
    let told = || -> Vec<u64> { (0..11).map(|number| word(cell + marks + 8 * number)).collect() };
    assert_eq!(told(), [0; 11], "nothing is marked when it is made");

    array.set(17, 1).unwrap();
    assert_eq!(told(), [3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "block 2 by its number");
    let mut guard = array.lock().unwrap();
    for block in 0..9 {
        guard.set(block * 8, 1);
    }
    guard.set(1_000, 1);
    drop(guard);
    assert_eq!(told(), [0, 0, 0, 0, 0, 0, 0, 0, 0x1ff, 1 << (125 - 64), 3], "more by their bits");
    array.set(1_000, 2).unwrap();
    assert_eq!(told(), [126, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);

    // What a program in C does.
    array.fill(1).unwrap();
    for number in 0..11 {
        file.overwrite(cell + marks + 8 * number, &[0xff; 8]);
    }
    array.set(3, 2).unwrap();
    assert_eq!(array.iter().sum::<u64>(), 1_002);
    assert_eq!(told(), [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
}
