//! Invalid bits, written by a process that does not use the library.

use std::panic::{self, AssertUnwindSafe};

use shared_value::{Error, FixedStr, SharedValue, Synchronized};
use shared_value_tests::values::{Assorted, Level, Meters, Mode, Pair, Shade, SynchronizedAssorted};
use shared_value_tests::{SegmentFile, SegmentName};

/// A segment whose committed bytes can be overwritten.
struct Damaged {
    name: SegmentName,
    shared: SynchronizedAssorted,
}

impl Damaged {
    fn new() -> Self {
        let name = SegmentName::new("invalid");
        let shared = SynchronizedAssorted::create(&name, Assorted::of(1)).unwrap();
        shared.set(Assorted::of(2)).unwrap();
        Self { name, shared }
    }

    fn overwrite(&self, offset: usize, bytes: &[u8]) {
        SegmentFile::open(self.name.path()).cell(size_of::<Assorted>()).overwrite(offset, bytes);
    }
}

/// The message of a panic.
#[track_caller]
fn panicked<R>(body: impl FnOnce() -> R) -> String {
    let Err(panicked) = panic::catch_unwind(AssertUnwindSafe(body)) else { panic!("it should panic") };
    panicked.downcast_ref::<String>().expect("a message").clone()
}

#[track_caller]
fn assert_invalid<R: std::fmt::Debug>(result: Result<R, Error>, field: &str, expected: &str, found: &str) {
    let error = result.expect_err("the bits are invalid");
    assert!(
        matches!(
            &error,
            Error::InvalidBits { field: in_field, expected: instead, found: these }
                if in_field == field && instead == expected && these == found
        ),
        "{error:?}"
    );
    assert_eq!(error.to_string(), format!("`{field}` holds invalid bits: expected {expected}, found {found}"));
}

/// Without a check after the copy, a `bool` of 2 or an enum without such a variant would be undefined behaviour.
#[test]
fn every_checked_field_is_checked() {
    macro_rules! offset {
        ($($field:tt)*) => { std::mem::offset_of!(Assorted, $($field)*) };
    }
    const BOOL: &str = "0 or 1 (bool)";
    const CHAR: &str = "a Unicode scalar value (char)";
    const MODE: &str = "Idle = 0 or Busy = 7 (Mode)";
    let span = size_of::<shared_value_tests::values::Span>();
    let cases: [(usize, &[u8], &str, &str, &str); 13] = [
        (offset!(is_on), &[2], "is_on", BOOL, "0x02"),
        (offset!(letter), &0xd800_u32.to_ne_bytes(), "letter", CHAR, "0x0000d800"),
        (offset!(letter), &0x11_0000_u32.to_ne_bytes(), "letter", CHAR, "0x00110000"),
        (offset!(city), b"ab\xff", "city", "UTF-8 and then zeros (FixedStr<12>)", "byte 0xff at 2"),
        (offset!(city), b"ab\0d", "city", "UTF-8 and then zeros (FixedStr<12>)", "byte 0x64 at 3"),
        (offset!(mode), &[1], "mode", MODE, "0x01"),
        (
            offset!(level),
            &300_i16.wrapping_add(1).to_ne_bytes(),
            "level",
            "Frost = -300 or Cold = -1 or Warm = 300 (Level)",
            "0x012d",
        ),
        (offset!(serial), &[0; 4], "serial", "anything but zero (NonZeroU32)", "0x00000000"),
        (offset!(spans), &[9], "spans[0].mode", MODE, "0x09"),
        (offset!(spans) + span, &[9], "spans[1].mode", MODE, "0x09"),
        (offset!(limits), &[0xff], "limits.is_set", BOOL, "0xff"),
        (offset!(limits.span.mode), &[3], "limits.span.mode", MODE, "0x03"),
        (offset!(shade), &[0; 4], "shade", "Blue = 3 or Green = 2147483648 (Color)", "0x00000000"),
    ];
    for (offset, bytes, field, expected, found) in cases {
        let damaged = Damaged::new();
        let shared = &damaged.shared;
        damaged.overwrite(offset, bytes);
        let message = format!("`{field}` holds invalid bits: expected {expected}, found {found}");

        assert_invalid(shared.load(), field, expected, found);
        assert_eq!(panicked(|| shared.get()), message);
        assert_invalid(shared.update(|_| panic!("the closure must not run")), field, expected, found);
        let guard = shared.lock().unwrap();
        assert_invalid(guard.load(), field, expected, found);
        assert_invalid(guard.update(|_| panic!("the closure must not run")), field, expected, found);
        assert!(format!("{shared:?} {guard:?}").len() > 100, "`Debug` prints the valid fields");
        drop(guard);
        assert_eq!((shared.version(), shared.recoveries()), (1, 0), "nothing was changed");
        assert_eq!(shared.tiny(), -2, "other fields can be read");
        shared.update_long(|long| *long = 5).expect("other fields can be changed");
        assert_invalid(shared.load(), field, expected, found);

        shared.set(Assorted::of(4)).expect("a valid value can be written over it");
        assert_eq!(shared.load().unwrap(), Assorted::of(4));
    }
}

/// A getter returns no error: without a panic it would return an invalid value.
#[test]
fn a_getter_panics_with_the_text_of_the_error() {
    let damaged = Damaged::new();
    let shared = &damaged.shared;
    damaged.overwrite(std::mem::offset_of!(Assorted, is_on), &[2]);
    damaged.overwrite(std::mem::offset_of!(Assorted, spans), &[9]);
    let message = "`is_on` holds invalid bits: expected 0 or 1 (bool), found 0x02";
    assert_eq!(panicked(|| shared.is_on()), message);
    assert_invalid(shared.update_is_on(|_| ()), "is_on", "0 or 1 (bool)", "0x02");
    let guard = shared.lock().unwrap();
    assert_eq!(panicked(|| guard.is_on()), message);
    assert_invalid(guard.update_is_on(|_| ()), "is_on", "0 or 1 (bool)", "0x02");
    drop(guard);
    assert_eq!(
        panicked(|| shared.in_spans().at(0)),
        "`spans[0].mode` holds invalid bits: expected Idle = 0 or Busy = 7 (Mode), found 0x09"
    );
    assert!(panicked(|| shared.spans()).starts_with("`spans[0].mode` holds"));
    assert_eq!(shared.in_spans().at(1), Assorted::of(2).spans[1]);
    shared.set_is_on(true).expect("a setter needs no valid value before");
    assert!(shared.is_on());
    shared.lock().unwrap().in_spans().set_at(0, Assorted::of(2).spans[0]).unwrap();
    assert_eq!(shared.load().unwrap(), Assorted { is_on: true, ..Assorted::of(2) });
}

/// A value without fields is checked too, and the error names its type.
#[test]
fn values_without_fields_are_checked() {
    #[track_caller]
    fn check<T: SharedValue + std::fmt::Debug>(valid: T, bytes: &[u8], field: &str, found: &str) {
        let name = SegmentName::new("invalid");
        let value = Synchronized::create(&name, valid).unwrap();
        SegmentFile::open(name.path()).cell(size_of::<T>()).overwrite(0, bytes);
        let error = value.load().unwrap_err().to_string();
        assert!(error.starts_with(&format!("`{field}` holds")) && error.ends_with(found), "{error}");
        assert_eq!(panicked(|| value.get()), error);
        assert!(format!("{value:?}").contains("value: "), "`Debug` prints it all the same");
        value.set(valid).unwrap();
        value.load().unwrap();
    }
    check(true, &[7], "bool", "0x07");
    check('x', &u32::MAX.to_ne_bytes(), "char", "0xffffffff");
    check(Mode::Busy, &[8], "Mode", "0x08");
    check(Level::Cold, &[0, 0], "Level", "0x0000");
    check(FixedStr::<3>::new("abc").unwrap(), &[0xc3], "FixedStr", "byte 0xc3 at 0");
    check([true; 9], &[1, 1, 1, 1, 1, 1, 1, 1, 3], "[8]", "0x03");
    check([[Mode::Idle; 2]; 2], &[0, 0, 7, 6], "[1][1]", "0x06");
    check(Shade { color: shared_value_tests::values::Color::Blue }, &[1], "Color", "0x00000001");
}

/// Types without invalid bits must accept all of them.
#[test]
fn all_bits_of_unchecked_types_are_values() {
    #[track_caller]
    fn check<T: SharedValue>(value: T) {
        let name = SegmentName::new("valid");
        let value = Synchronized::create(&name, value).unwrap();
        SegmentFile::open(name.path()).cell(size_of::<T>()).overwrite(0, &vec![0xff; size_of::<T>()]);
        assert!(value.load().is_ok());
    }
    check(0_i8);
    check(0_u64);
    check(0.0_f32);
    check(0.0_f64);
    check([0_u16; 5]);
    check(Meters(0.0));
    check(Pair(0, 0));
    check(std::num::NonZeroU8::new(1));
    check(shared_value::Pod([0_u8; 3]));
}
