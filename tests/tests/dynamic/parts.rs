//! Typed parts by path.

use std::fmt::Debug;

use shared_value::{Arena, Dyn, DynValue, Error, Pod, SharedArray, SharedValue, Synchronized};
use shared_value_tests::values::{Account, Assorted, Meters, Pair, Rgb, Span};

use super::types::{Counters, Wrapped};

/// Reads and writes a part by path, by the typed and by the dynamic handle, and under a guard.
#[track_caller]
fn check<T: SharedValue, F: SharedValue + PartialEq + Debug>(value: &Synchronized<T>, path: &str, old: F, new: F) {
    let dynamic = DynValue::open(value.token().unwrap()).unwrap();
    let (typed, found) = (value.part::<F>(path).unwrap(), dynamic.part::<F>(path).unwrap());
    assert_eq!((typed.get(), found.get()), (old, old));
    let version = value.version();
    found.set(new).unwrap();
    assert_eq!((typed.load().unwrap(), value.version()), (new, version + 1));
    let guard = dynamic.lock().unwrap();
    let part = guard.part::<F>(path).unwrap();
    part.update(|part| *part = old).unwrap();
    assert_eq!((part.get(), typed.get()), (old, old));
    guard.rollback();
    drop(guard);
    assert_eq!(typed.get(), new);
    typed.update(|part| *part = old).unwrap();
    assert_eq!(found.get(), old);
}

/// Without this, a program that knows the types of a few parts would go through `DynData` for each of them.
#[test]
fn parts_of_every_kind() {
    let start = Assorted::of(1);
    let value = Synchronized::new(start).unwrap();
    check(&value, "middle", start.middle, 7);
    check(&value, "is_on", start.is_on, false);
    check(&value, "letter", start.letter, 'x');
    check(&value, "city", start.city, "Bern".parse().unwrap());
    check(&value, "mode", start.mode, Assorted::of(2).mode);
    check(&value, "change", start.change, None);
    check(&value, "pair", start.pair, Pair(5, 6));
    check(&value, "spans[1]", start.spans[1], Assorted::of(2).spans[1]);
    check(&value, "spans", start.spans, Assorted::of(2).spans);
    check(&value, "grid[1][2]", start.grid[1][2], 99);
    // A newtype, and what it wraps.
    check(&value, "height", start.height, Meters(7.5));
    check(&value, "height", start.height.0, 7.5);
    check(&value, "", start, Assorted::of(3));
    assert_eq!(value.part::<[[u8; 3]; 2]>("grid").unwrap().element(1).at(2), start.grid[1][2]);
    assert_eq!(value.part::<[Span; 2]>("spans").unwrap().element(0).start(), start.spans[0].start);

    let array = SharedArray::new(&[Pair(1, 2), Pair(3, 4)]).unwrap();
    array.part::<i64>("[1].1").unwrap().set(40).unwrap();
    assert_eq!(array.part::<Pair>("[1]").unwrap().get(), Pair(3, 40));
    assert!(matches!(array.part::<Pair>("[2]"), Err(Error::NoSuchPart { .. })));
    assert!(matches!(SharedArray::<u8>::new(&[]).unwrap().part::<u8>("[0]"), Err(Error::NoSuchPart { .. })));
    let arena = Arena::new(1 << 20).unwrap();
    arena.insert("pair", Pair(1, 2)).unwrap();
    let part = arena.get::<Dyn>("pair").unwrap().unwrap();
    assert_eq!(part.read_only().unwrap().part::<i64>("1").unwrap().get(), 2);
}

/// Without these checks, a part would be read as bits of another type, or an atomic field from a slot, where it means nothing.
#[test]
fn parts_of_other_types_are_refused() {
    let value = Synchronized::new(Account::after(1)).unwrap();
    let dynamic = DynValue::open(value.token().unwrap()).unwrap();
    let error = dynamic.part::<u64>("balance").unwrap_err();
    let text = error.to_string();
    assert!(matches!(&error, Error::LayoutMismatch { expected, found, .. } if expected == "u64" && found == "i64"));
    assert!(text.ends_with("holds another layout: the part `balance` is of type `i64`, and not `u64`"), "{text}");
    assert!(matches!(value.part::<[u32; 3]>("limits"), Err(Error::LayoutMismatch { .. })));
    assert!(matches!(value.part::<i32>("limits[0]"), Err(Error::LayoutMismatch { .. })));
    assert!(matches!(value.part::<u32>("limits[4]"), Err(Error::NoSuchPart { .. })));
    assert!(matches!(value.part::<u32>("nothing"), Err(Error::NoSuchPart { .. })));
    assert!(matches!(value.part::<u64>("requests"), Err(Error::Unsupported { .. })));
    assert!(matches!(value.part::<Account>(""), Err(Error::Unsupported { .. })));
    assert!(matches!(value.atomic_part::<i64>("balance"), Err(Error::NoSuchPart { .. })));
    assert!(matches!(value.atomic_part::<i64>("requests"), Err(Error::LayoutMismatch { .. })));
    // In a newtype, the field is not an atomic one.
    let wrapped = Synchronized::new(Wrapped(Account::after(1))).unwrap();
    wrapped.part::<u64>("requests").unwrap().set(8).unwrap();
    assert_eq!(wrapped.get().0.requests, 8);
    assert!(matches!(wrapped.atomic_part::<u64>("requests"), Err(Error::NoSuchPart { .. })));
    // Bytes are known only to their author.
    let value = Synchronized::new(Assorted::of(1)).unwrap();
    assert_eq!(value.part::<Pod<Rgb>>("tint").unwrap().get().0, Assorted::of(1).tint);
    assert!(matches!(value.part::<Pod<[u16; 2]>>("tint"), Err(Error::LayoutMismatch { .. })));
}

/// Without this, a program that does not know the type could not count without the lock.
#[test]
fn atomic_parts() {
    let start =
        Counters { plain: 1, open: true, ratio: 0.5, lanes: [1, 2, 3, 4], flags: [true, false, true], balance: -1 };
    let value = Synchronized::new(start).unwrap();
    let dynamic = DynValue::open(value.token().unwrap()).unwrap();
    dynamic.atomic_part::<i64>("balance").unwrap().fetch_add(5);
    dynamic.atomic_part::<u64>("lanes[3]").unwrap().fetch_add(10);
    dynamic.atomic_part::<[u64; 4]>("lanes").unwrap().element(0).store(9);
    dynamic.atomic_part::<f64>("ratio").unwrap().store(1.5);
    assert!(value.atomic_part::<bool>("flags[2]").unwrap().swap(false));
    assert!(value.lock().unwrap().atomic_part::<bool>("open").unwrap().load());
    let expected = Counters { ratio: 1.5, lanes: [9, 2, 3, 14], flags: [true, false, false], balance: 4, ..start };
    assert_eq!((value.get(), value.version()), (expected, 0));
}
