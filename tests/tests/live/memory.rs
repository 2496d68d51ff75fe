//! What lies where, and reads and writes of it.

use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use shared_value::{Arena, DynData, DynLayout, Error, Filled, Live, LockError, SharedValue, Zeroed};
use shared_value_tests::{SegmentFile, SegmentName, end_now, fork, split};

use crate::{poke, poke_byte};

#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Counted {
    byte: u8,
    words: [u64; 100],
    flag: bool,
    #[shared(atomic)]
    hits: u64,
    #[shared(atomic)]
    marks: [bool; 3],
}

const COUNTED: Counted = Counted { byte: 1, words: [7; 100], flag: true, hits: 5, marks: [false, true, false] };

/// If a part lay elsewhere, programs in other languages would read another one in its place.
#[test]
fn parts_lie_where_the_format_says() {
    let name = SegmentName::new("live");
    let value = Live::create(&name, COUNTED).unwrap();
    value.parts().hits().fetch_add(1);
    value.parts().marks().element(2).store(true);
    value.parts().in_words().set_at(99, 8).unwrap();
    value.parts().set_byte(2).unwrap();
    assert_eq!(value.size(), size_of::<Counted>());

    let file = SegmentFile::open(name.path());
    let word = |offset: u64| u64::from_le_bytes(file.bytes(offset, 8).try_into().unwrap());
    let (cell, length, size, flags) = (word(128), word(136), word(168), word(176));
    let slot = size.div_ceil(8);
    assert_eq!((flags, size), (1, size_of::<Counted>() as u64));
    assert_eq!(length, 64 + 8 * (slot.next_multiple_of(8) + 4), "the control line, one slot, four atomic words");
    assert_eq!((word(cell + 40), word(cell + 48)), (0, 0), "version and draft");
    assert_eq!((word(cell + 64) & 0xff, word(cell + 64 + 8), word(cell + 64 + 800)), (2, 7, 8));
    let atomics = cell + 64 + 8 * slot.next_multiple_of(8);
    assert_eq!([0, 8, 16, 24].map(|at| word(atomics + at)), [6, 0, 1, 1]);
    assert_eq!(std::fs::metadata(name.path()).unwrap().len(), cell + length, "no second slot");

    let same = Live::<Counted>::open(&name).unwrap();
    let words = std::array::from_fn(|index| if index == 99 { 8 } else { 7 });
    assert_eq!(same.get(), Counted { byte: 2, words, flag: true, hits: 6, marks: [false, true, true] });
}

/// A view of the memory and the typed functions must be of the same bytes.
#[test]
fn the_pointer_leads_to_the_value() {
    let arena = Arena::new(1 << 20).unwrap();
    for value in [Live::<[u64]>::new(Filled(7, 100)).unwrap(), Live::<[u64]>::alloc(&arena, Filled(7, 100)).unwrap()] {
        assert_eq!((value.size(), value.as_ptr().addr() % 64), (800, 0));
        poke(&value, 99, 5);
        assert_eq!((value.parts().len(), value.parts().at(99), value.parts().at(98)), (100, 5, 7));
        value.parts().update_at(99, |number| *number *= 2).unwrap();
        value.parts().write_slice(0, &[1, 2]).unwrap();
        assert_eq!(value.parts().to_vec().unwrap()[..3], [1, 2, 7]);
        assert_eq!(value.parts().at(99), 10);
        let same = Live::<[u64]>::open(value.token().unwrap()).unwrap();
        assert_eq!(same.as_ptr(), value.as_ptr(), "one mapping in a process");
    }
}

/// Values of every source that a `Synchronized` can be made from.
#[test]
fn values_are_made_from_all_sources() {
    let arena = Arena::new(1 << 20).unwrap();
    let layout = DynLayout::of::<Counted>().unwrap();
    let number = DynLayout::of::<u16>().unwrap();
    let slice = || DynLayout::slice(number.clone()).unwrap();
    for value in [
        Live::new((slice(), &[1, 0, 2, 0][..])).unwrap(),
        Live::new((slice(), vec![DynData::from(1_u16), DynData::from(2_u16)])).unwrap(),
        Live::alloc(&arena, (slice(), &[1, 0, 2, 0][..])).unwrap(),
        Live::options().insert(&arena, "key", (slice(), &[1, 0, 2, 0][..])).unwrap(),
    ] {
        assert_eq!((value.size(), value.parts().load().unwrap().to_string()), (4, "[1, 2]".to_owned()));
        value.parts().set("[1]", 3_u64).unwrap();
        value.parts().update("[0]", |data| *data = DynData::from(9_u16)).unwrap();
        let mut bytes = [0; 4];
        value.parts().read_bytes("", &mut bytes).unwrap();
        assert_eq!(bytes, [9, 0, 3, 0]);
        value.parts().write_bytes("", &[4, 0, 5, 0]).unwrap();
        assert_eq!(value.parts().get("[1]").unwrap().as_u64(), Some(5));
        assert!(Live::<[u16]>::open(value.token().unwrap()).unwrap().parts().to_vec().unwrap() == [4, 5]);
    }
    let whole = Live::alloc(&arena, layout.clone()).unwrap();
    assert_eq!(whole.parts().get("words[99]").unwrap().as_u64(), Some(0));
    whole.parts().set("marks[2]", true).unwrap();
    assert_eq!(
        Live::<Counted, _>::find(&arena, shared_value::Id::from_bits(whole.id().unwrap().to_bits()))
            .unwrap()
            .unwrap()
            .get()
            .marks,
        [false, false, true]
    );
    assert!(Live::new((number.clone(), &[1][..])).is_err() && Live::new((layout, &[2; 840][..])).is_err());
    assert_eq!(Live::<[u64; 100_000]>::new(Zeroed).unwrap().parts().at(99_999), 0);
    assert_eq!(Live::<[f64]>::new(&[] as &[f64]).unwrap().size(), 0);
    let counted = &COUNTED;
    assert_eq!(Live::new(counted).unwrap().get(), COUNTED);
}

/// A closure that fails must leave the value as it was, and the lock free; so must one that forks.
#[test]
fn an_update_writes_all_or_nothing_back() {
    let value = Live::new([1_u64, 2]).unwrap();
    value.update(|[one, other]| (*one, *other) = (3, 4)).unwrap();
    let caught = panic::catch_unwind(AssertUnwindSafe(|| {
        value.update(|[one, _]| {
            *one = 9;
            panic!("expected")
        })
    }));
    assert!(caught.is_err());
    assert_eq!((value.get(), value.depth()), ([3, 4], 0));
    let mut child = None;
    let updated = value.update(|[one, _]| {
        child = Some(split());
        *one = 5;
    });
    let Some(child) = child.flatten() else {
        let refused = matches!(updated, Err(Error::Lock(LockError::NotHeld)));
        end_now(if refused { 17 } else { 1 });
    };
    child.finish_with(17);
    assert_eq!((value.get(), value.depth()), ([5, 4], 0));

    // A copy on the heap.
    let large = Live::<[u64; 10_000]>::new(Zeroed).unwrap();
    large.update(|all| all[9_999] = 1).unwrap();
    assert_eq!((large.parts().at(9_999), large.parts().at(0)), (1, 0));
}

/// Bits that others wrote must not become a value of a type that does not have them.
#[test]
fn bits_are_checked() {
    let value = Live::new([true, false]).unwrap();
    poke(&value, 0, 2);
    assert!(matches!(value.load(), Err(Error::InvalidBits { .. })));
    assert!(matches!(value.update(|_| ()), Err(Error::InvalidBits { .. })));
    assert!(panic::catch_unwind(AssertUnwindSafe(|| value.parts().at(0))).is_err());
    value.set([false, true]).unwrap();
    assert_eq!(value.get(), [false, true]);
}

/// A program that has only the pointer writes bytes without the lock. The library must not undo that in its word.
#[test]
fn neighbours_in_a_word_are_kept() {
    const ROUNDS: u32 = 200_000;
    let (value, stop) = (Live::<[u8]>::new(Filled(0, 8)).unwrap(), AtomicBool::new(false));
    let child = fork(|| {
        let mut byte = 0_u8;
        for _ in 0..ROUNDS {
            byte = byte.wrapping_add(1);
            poke_byte(&value, 0, byte);
            assert_eq!(value.parts().at(0), byte, "undone by the other process");
        }
    });
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Relaxed) {
                value.parts().update_at(7, |byte| *byte = byte.wrapping_add(1)).unwrap();
                value.parts().set_at(6, 3).unwrap();
            }
        });
        let ended = child.wait();
        stop.store(true, Relaxed);
        assert_eq!(ended.exit_status(), Some(0), "a byte was undone");
    });
    assert_eq!(u32::from(value.parts().at(0)), ROUNDS % 256);
}

/// A reader without write permission must get the value, and no lock.
#[test]
fn read_only_handles_read() {
    let (name, arena_name) = (SegmentName::new("live-reader"), SegmentName::new("live-reader-arena"));
    let value = Live::create(&name, COUNTED).unwrap();
    let reader = Live::<Counted>::open_read_only(&name).unwrap();
    value.parts().set_byte(9).unwrap();
    assert_eq!((reader.get().byte, reader.parts().byte(), reader.parts().hits().load()), (9, 9, 5));
    let arena = Arena::create(&arena_name, 1 << 20).unwrap();
    let kept = Live::options().insert(&arena, "key", 7_u64).unwrap();
    let reading = Arena::open_read_only(&arena_name).unwrap();
    let found = Live::<u64, _>::find(&reading, "key").unwrap().unwrap();
    kept.set(8).unwrap();
    assert_eq!(found.get(), 8);
}
