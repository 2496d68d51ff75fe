//! Invalid bits in every kind of field, read through every accessor.
//!
//! The tests write them into the file of the segment, as a process may that does not use this library.

use std::fmt::Debug;
use std::mem::offset_of;
use std::panic::{self, AssertUnwindSafe};

use shared_value::{Error, FixedStr, SharedValue};
use shared_value_tests::{SegmentFile, SegmentName};

#[derive(SharedValue, Clone, Copy, Debug)]
#[repr(i16)]
enum Level {
    Low = -2,
    High = 300,
}

#[derive(SharedValue, Clone, Copy, Debug)]
#[repr(C)]
struct Part {
    level: Level,
    flags: [bool; 3],
}

#[derive(SharedValue, Clone, Copy, Debug)]
#[repr(C)]
struct Whole {
    count: u32,
    flag: bool,
    letter: char,
    name: FixedStr<6>,
    level: Level,
    inner: Part,
    parts: [Part; 2],
    levels: [[Level; 2]; 2],
}

const VALID: Part = Part { level: Level::Low, flags: [true; 3] };

fn valid() -> Whole {
    Whole {
        count: 1,
        flag: true,
        letter: 'a',
        name: FixedStr::new("abc").unwrap(),
        level: Level::High,
        inner: VALID,
        parts: [VALID; 2],
        levels: [[Level::Low; 2]; 2],
    }
}

/// The message of a panic.
#[track_caller]
fn panicked<R>(read: impl FnOnce() -> R) -> String {
    let Err(panic) = panic::catch_unwind(AssertUnwindSafe(read)) else { panic!("it should panic") };
    panic.downcast_ref::<String>().expect("a message").clone()
}

#[track_caller]
fn refused<R: Debug>(result: Result<R, Error>, message: &str) {
    let error = result.expect_err("the bits are invalid");
    assert!(matches!(error, Error::InvalidBits { .. }), "{error:?}");
    assert_eq!(error.to_string(), message);
}

const BOOL: &str = "0 or 1 (bool)";
const CHAR: &str = "a Unicode scalar value (char)";
const TEXT: &str = "UTF-8 and then zeros (FixedStr<6>)";
const LEVEL: &str = "Low = -2 or High = 300 (Level)";

/// Overwrites one field, reads it in every way, and asserts that the other fields are not affected.
macro_rules! check {
    (
        $field:ident, $offset:expr, $bytes:expr, $path:literal: $expected:expr, $found:literal,
        $setter:ident, $updater:ident $(, [$part:ident, $index:literal])?
    ) => {{
        let name = SegmentName::new("checked");
        let shared = SynchronizedWhole::create(&name, valid()).unwrap();
        SegmentFile::open(name.path()).cell(size_of::<Whole>()).overwrite($offset, &$bytes);
        let message = format!("`{}` holds invalid bits: expected {}, found {}", $path, $expected, $found);

        refused(shared.load(), &message);
        assert_eq!(panicked(|| shared.get()), message);
        assert_eq!(panicked(|| shared.$field()), message);
        refused(shared.update(|_| panic!("the closure must not run")), &message);
        refused(shared.$updater(|_| panic!("the closure must not run")), &message);
        let guard = shared.lock().unwrap();
        refused(guard.load(), &message);
        refused(guard.update(|_| panic!("the closure must not run")), &message);
        assert_eq!(panicked(|| guard.$field()), message);
        refused(guard.$updater(|_| panic!("the closure must not run")), &message);
        $(
            assert_eq!(panicked(|| guard.$part().at($index)), message);
            assert_eq!(panicked(|| shared.$part().at($index)), message);
            refused(guard.$part().update_at($index, |_| panic!("the closure must not run")), &message);
            refused(shared.$part().update_at($index, |_| panic!("the closure must not run")), &message);
        )?
        drop(guard);

        assert_eq!((shared.count(), shared.version(), shared.recoveries()), (1, 0, 0), "nothing was changed");
        shared.update_count(|count| *count += 1).expect("other fields can be changed");
        shared.$setter(valid().$field).expect("a write needs no valid value before it");
        assert_eq!(format!("{:?}", shared.$field()), format!("{:?}", valid().$field));
        shared.load().expect("all fields are valid");
    }};
}

/// Without a check after the copy, a `bool` of 2 would be undefined behaviour.
#[test]
fn scalars() {
    check!(flag, offset_of!(Whole, flag), [2], "flag": BOOL, "0x02", set_flag, update_flag);
    let surrogate = 0xdfff_u32.to_ne_bytes();
    check!(letter, offset_of!(Whole, letter), surrogate, "letter": CHAR, "0x0000dfff", set_letter, update_letter);
}

/// Without a check of text, a `FixedStr` would dereference to invalid UTF-8.
#[test]
fn texts() {
    let offset = offset_of!(Whole, name);
    check!(name, offset + 1, [0xff], "name": TEXT, "byte 0xff at 1", set_name, update_name);
    check!(name, offset + 5, [1], "name": TEXT, "byte 0x01 at 5", set_name, update_name);
}

/// Without a check of enums, a `match` would meet a variant that does not exist.
#[test]
fn enums() {
    let bytes = 3_i16.to_ne_bytes();
    check!(level, offset_of!(Whole, level), bytes, "level": LEVEL, "0x0003", set_level, update_level);
}

/// A check that stopped at the fields of the outer struct would let invalid bits in inner structs through.
#[test]
fn nested() {
    let bytes = (-1_i16).to_ne_bytes();
    check!(inner, offset_of!(Whole, inner.level), bytes, "inner.level": LEVEL, "0xffff", set_inner, update_inner);
    let second = offset_of!(Whole, inner) + offset_of!(Part, flags) + 1;
    check!(inner, second, [0xff], "inner.flags[1]": BOOL, "0xff", set_inner, update_inner);
}

/// Every element of an array must be checked.
#[test]
fn arrays() {
    let flag = offset_of!(Whole, parts) + size_of::<Part>() + offset_of!(Part, flags) + 2;
    check!(parts, flag, [3], "parts[1].flags[2]": BOOL, "0x03", set_parts, update_parts, [in_parts, 1]);
    let level = offset_of!(Whole, levels) + 2 * size_of::<Level>();
    let bytes = 0_i16.to_ne_bytes();
    check!(levels, level, bytes, "levels[1][0]": LEVEL, "0x0000", set_levels, update_levels, [in_levels, 1]);
}

/// One invalid element must not make the others unreadable.
#[test]
fn other_elements() {
    let name = SegmentName::new("checked");
    let shared = SynchronizedWhole::create(&name, valid()).unwrap();
    let flag = offset_of!(Whole, parts) + offset_of!(Part, flags);
    SegmentFile::open(name.path()).cell(size_of::<Whole>()).overwrite(flag, &[2]);
    assert!(shared.in_parts().at(1).flags[0]);
    assert!(shared.lock().unwrap().in_parts().at(1).flags[0]);
    shared.in_parts().set_at(0, VALID).unwrap();
    shared.load().unwrap();
}
