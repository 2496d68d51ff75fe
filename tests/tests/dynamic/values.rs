//! Values of every type, read and written as a whole, by parts and as JSON.

use std::fmt::Debug;
use std::num::{NonZeroI8, NonZeroU64, NonZeroUsize};

use serde_json::json;
use shared_value::{DynData, DynKind, DynPart, DynValue, FixedStr, Pod, SharedArray, SharedValue, Synchronized};
use shared_value_tests::values::{
    Account, Assorted, City, Color, Labelled, Level, LineTwins, Meters, Mode, Padded, PageTwins, Pair, Rgb, Shade,
    Span, Tally, Twins,
};
use shared_value_tests::{SegmentFile, SegmentName};

use super::printed;
use super::types::{Aligned, Counters, Nested, Wrapped, confusing};

/// Reads and writes a type both ways: as a whole, part by part, and as JSON.
#[track_caller]
fn check<T: SharedValue + PartialEq + Debug>(first: T, second: T) {
    let names = [SegmentName::new("dynamic"), SegmentName::new("dynamic")];
    let one = Synchronized::<T>::create(&*names[0], first).unwrap();
    let _other = Synchronized::<T>::create(&*names[1], second).unwrap();
    let (dyn_one, dyn_other) = (DynValue::open(&*names[0]).unwrap(), DynValue::open_read_only(&*names[1]).unwrap());
    assert_eq!(dyn_one.to_string(), printed(&one));
    assert_eq!(dyn_one.layout().to_string(), SegmentFile::open(names[0].path()).schema());
    assert_eq!((dyn_one.layout().size(), dyn_one.layout().align()), (size_of::<T>(), align_of::<T>()));
    let before = dyn_one.load().unwrap();

    // The whole value, from typed to dynamic and back. Atomic fields are changed on their own.
    let atomics = |value: &DynValue| -> Vec<_> {
        value.fields().filter(DynPart::is_atomic).map(|part| part.path().to_owned()).collect()
    };
    let all = dyn_other.load().unwrap();
    let copy_atomics = |from: &DynData| {
        for path in atomics(&dyn_one) {
            dyn_one.set(&path, from.part(&path).unwrap().clone()).unwrap();
        }
    };
    dyn_one.set("", all.clone()).unwrap();
    copy_atomics(&all);
    assert_eq!(one.load().unwrap(), second);
    assert_eq!(one.version(), 1);

    // Part by part.
    for part in dyn_one.fields() {
        dyn_one.set(part.path(), before.part(part.path()).unwrap().clone()).unwrap();
        assert_eq!(Some(&dyn_one.get(part.path()).unwrap()), before.part(part.path()), "{}", part.path());
    }
    if dyn_one.fields().next().is_some() {
        assert_eq!(one.load().unwrap(), first);
    }

    // As text.
    let text = serde_json::to_string(&dyn_other.load().unwrap()).unwrap();
    let parsed: DynData = serde_json::from_str(&text).unwrap();
    dyn_one.update("", |data| *data = parsed.clone()).unwrap();
    copy_atomics(&parsed);
    assert_eq!(one.load().unwrap(), second, "{text}");

    // Typed writes, read dynamically.
    one.set(first).unwrap();
    copy_atomics(&before);
    assert_eq!(dyn_one.load().unwrap(), before);
    assert_eq!(DynValue::open_read_only(&*names[0]).unwrap().load().unwrap(), before);
}

/// Without this, there would be types that a tool cannot read, or reads as something else.
#[test]
fn values_of_every_type() {
    check(1_u64, u64::MAX);
    check(-1_i64, i64::MIN);
    check(1_i8, -1);
    check(1_u8, 255);
    check(-2_i16, i16::MAX);
    check(2_u16, u16::MAX);
    check(-3_i32, i32::MAX);
    check(3_u32, u32::MAX);
    check(-4_isize, isize::MAX);
    check(4_usize, usize::MAX);
    check(0.5_f32, -1e30);
    check(0.1_f64, f64::INFINITY);
    check(f64::NEG_INFINITY, f64::MIN_POSITIVE);
    check(true, false);
    check('a', '🦀');
    check(NonZeroI8::MIN, NonZeroI8::MAX);
    check(NonZeroU64::MIN, NonZeroU64::MAX);
    check(None, NonZeroUsize::new(7));
    check([1_u8, 2, 3], [4, 5, 6]);
    check([[1.5_f32; 3]; 2], [[-1.5; 3]; 2]);
    check([Some(NonZeroI8::MIN), None], [None, Some(NonZeroI8::MAX)]);
    check(City::new("Zürich").unwrap(), City::new("").unwrap());
    check([FixedStr::<1>::new("a").unwrap(); 2], [FixedStr::new("b").unwrap(); 2]);
    check(Pod([1_u16, 2, 3]), Pod([4, 5, 6]));
    check(Mode::Busy, Mode::Idle);
    check(Level::Frost, Level::Warm);
    check(Color::Green, Color::Blue);
    check(Meters(1.0), Meters(-2.5));
    check([Meters(1.0); 2], [Meters(-2.5); 2]);
    check(Shade { color: Color::Green }, Shade { color: Color::Blue });
    check(Pair(1, -1), Pair(255, i64::MIN));
    let span = |start| Span { mode: Mode::Idle, start, end: Meters(0.5) };
    check([span(1); 3], [span(2); 3]);
    check(Labelled { label: FixedStr::<5>::new("one").unwrap(), value: span(1), history: [span(2); 3] }, {
        Labelled { label: FixedStr::new("other").unwrap(), value: span(3), history: [span(4); 3] }
    });
    check(Assorted::of(1), Assorted::of(2));
    check([Assorted::of(3), Assorted::of(4)], [Assorted::of(5), Assorted::of(6)]);
    check(Padded::of(1), Padded::of(8));
    check(Account::after(1), Account { requests: 5, ..Account::after(2) });
    check(Wrapped(Account::after(1)), Wrapped(Account { requests: 5, ..Account::after(2) }));
    let tint = Rgb { red: 1, green: 2, blue: 3 };
    check(Nested { accounts: [Account::after(1); 2], tint, hits: -1 }, {
        Nested { accounts: [Account { requests: 5, ..Account::after(2) }; 2], tint, hits: i64::MAX }
    });
    check(
        Tally::default(),
        Tally { total: 1, lanes: [2; 8], sum: -3, difference: 4, largest: 5, smallest: 6, compared: 7 },
    );
    check(Aligned { balance: 1 }, Aligned { balance: -1 });
    check([Aligned { balance: 1 }; 2], [Aligned { balance: -1 }; 2]);
    check(confusing::char { char: 1, u64: 2 }, confusing::char { char: -1, u64: 3 });
    let counters = |open, ratio, first| Counters {
        plain: 1,
        open,
        ratio,
        lanes: [first, 2, 3, u64::MAX],
        flags: [open, !open, open],
        balance: i64::MIN,
    };
    check(counters(true, -0.5, 1), counters(false, f64::INFINITY, 9));
    check(Twins::of(1) as LineTwins, Twins::of(u64::MAX));
    check(Twins::of(1) as PageTwins, Twins::of(u64::MAX));
}

/// Without this, arrays whose length only the segment knows could not be read by tools.
#[test]
fn arrays_of_run_time_length() {
    let name = SegmentName::new("array");
    let array = SharedArray::create(&*name, &[Assorted::of(1), Assorted::of(2), Assorted::of(3)]).unwrap();
    let value = DynValue::open(&*name).unwrap();
    assert!(matches!(value.layout().kind(), DynKind::Array { length: 3, .. }));
    assert_eq!(value.fields().filter(|part| part.path().contains(".tiny")).count(), 3);
    let (first, last) = (value.get("[0]").unwrap(), value.get("[2]").unwrap());
    value.set("[0]", last).unwrap();
    value.set("[2]", first).unwrap();
    assert_eq!(array.to_vec().unwrap(), [Assorted::of(3), Assorted::of(2), Assorted::of(1)]);
    value.set("[1].letter", 'x').unwrap();
    assert_eq!(array.at(1).letter, 'x');
    let json: DynData = serde_json::from_str(&serde_json::to_string(&value.load().unwrap()).unwrap()).unwrap();
    array.fill(Assorted::of(9)).unwrap();
    value.set("", json).unwrap();
    assert_eq!(array.at(2), Assorted::of(1));
    assert!(value.set("", vec![value.get("[0]").unwrap()]).is_err());
    let name = SegmentName::new("empty");
    let _empty = SharedArray::<u64>::create(&*name, &[]).unwrap();
    assert_eq!(DynValue::open_read_only(&*name).unwrap().to_string(), "[]");
}

/// Without this, tools would see numbers that are rounded, or text that no program can read back.
#[test]
fn what_a_value_is_as_json() {
    let name = SegmentName::new("json");
    let shared = Synchronized::create(&*name, Assorted::of(1)).unwrap();
    let value = DynValue::open(&*name).unwrap();
    let json = serde_json::to_value(value.load().unwrap()).unwrap();
    assert_eq!(json["long"], json!(u64::MAX - 1));
    assert_eq!(json["pair"], json!({ "0": 1, "1": i64::MIN + 1 }));
    assert_eq!(json["letter"], json!("😁"));
    assert_eq!(json["level"], json!("Frost"));
    assert_eq!(json["change"], json!(-1));
    assert_eq!(json["height"], json!(1.5));
    assert_eq!(json["grid"], json!([[1, 2, 3], [4, 5, 6]]));
    let digits = if cfg!(target_endian = "little") { "01000001feff" } else { "00010100fffe" };
    assert_eq!(json["tint"], json!(digits));
    shared.update(|value| (value.exact, value.ratio, value.change) = (f64::NAN, f32::NEG_INFINITY, None)).unwrap();
    let json = serde_json::to_value(value.load().unwrap()).unwrap();
    assert_eq!((&json["exact"], &json["ratio"], &json["change"]), (&json!("NaN"), &json!("-inf"), &json!(null)));
}
