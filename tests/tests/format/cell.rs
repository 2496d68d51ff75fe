//! The places of the parts of a cell, by the formulas of the page.

use shared_value::{FixedStr, SharedValue, Synchronized};
use shared_value_tests::{SegmentFile, SegmentName};

/// Three atomic fields behind `N` words, with six atomic words.
#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Counted<const N: usize> {
    words: [u64; N],
    #[shared(atomic)]
    first: u64,
    text: FixedStr<3>,
    #[shared(atomic)]
    second: i64,
    #[shared(atomic)]
    third: [bool; 4],
}

/// If a part lay elsewhere, programs in other languages would read another one in its place.
#[test]
fn parts_lie_where_the_page_says() {
    check::<1>();
    check::<2>();
    check::<5>();
    check::<61>();
    check::<62>();
    check::<520>();
    check::<5_000>();
}

fn check<const N: usize>() {
    let name = SegmentName::new("cell");
    let value = |words| Counted::<N> {
        words: [words; N],
        first: 7,
        text: FixedStr::new("abc").unwrap(),
        second: -7,
        third: [false, true, false, true],
    };
    let shared = Synchronized::create(&name, value(1)).unwrap();
    shared.set(value(2)).unwrap();
    shared.first().fetch_add(1);
    shared.second().fetch_add(-1);
    shared.third().element(2).store(true);

    let file = SegmentFile::open(name.path());
    let word = |offset: u64| u64::from_le_bytes(file.bytes(offset, 8).try_into().unwrap());
    let [cell, length, size] = [128, 136, 168].map(word);
    let slot = size.div_ceil(8);
    let stride = if slot <= 4 { slot } else { slot.next_multiple_of(8) };
    let marks = (stride + slot).next_multiple_of(8);
    let mark_words = if slot <= 64 { 0 } else { 8 + levels(slot.div_ceil(8)) };
    let atomics = (marks + mark_words).next_multiple_of(8);
    assert_eq!(size, 8 * N as u64 + 32);
    assert_eq!(length, 64 + 8 * (atomics + 6), "{N}: the cell ends with the atomic area");
    assert_eq!(word(cell + 40), 1, "{N}: the version");
    for (number, at) in [(1, 64), (2, 64 + 8 * stride)] {
        assert!((0..N as u64).all(|word_number| word(cell + at + 8 * word_number) == number), "{N}: version {number}");
    }
    let atomic = |number| word(cell + 64 + 8 * (atomics + number));
    assert_eq!((atomic(0), atomic(1).cast_signed()), (8, -8), "{N}");
    assert_eq!([2, 3, 4, 5].map(atomic), [0, 1, 1, 1], "{N}: a word for each element");
}

/// The words that all levels of bits take for this number of blocks.
fn levels(blocks: u64) -> u64 {
    let words = blocks.div_ceil(64);
    if words == 1 { 1 } else { words + levels(words) }
}
