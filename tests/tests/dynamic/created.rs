//! Values that are created from layouts, and opened by programs that know the type.

use std::fs;
use std::path::Path;

use shared_value::{DynData, DynKind, DynLayout, DynValue, Error, Filled, SharedArray, SharedValue, Synchronized};
use shared_value_tests::values::{Account, Assorted, Labelled, LargeTwins, Level, Padded, Pair, Tally, Twins};

use super::bytes::littered;
use super::types::{Aligned, Counters, Nested, Wrapped};

/// Creates a value from the type, from the layout of the type and data, and from the layout and bytes. The segments must be
/// equal.
#[track_caller]
fn check<T: SharedValue + PartialEq + std::fmt::Debug>(value: T) {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let typed = Synchronized::<T>::create(path("typed"), value).unwrap();
    let data = DynValue::open_read_only(path("typed")).unwrap().load().unwrap();
    let layout = DynLayout::of::<T>().unwrap();
    let littered = littered(&layout, &data);
    let from_bytes = DynValue::create(path("bytes"), (layout.clone(), &*littered)).unwrap();
    let dynamic = DynValue::create(path("dynamic"), (layout.clone(), data)).unwrap();
    for name in ["dynamic", "bytes"] {
        assert_eq!(Synchronized::<T>::open(path(name)).unwrap().load().unwrap(), value);
    }
    assert_eq!(dynamic.layout(), &layout);
    drop((typed, dynamic, from_bytes));
    let bytes = |name: &str| {
        let mut bytes = fs::read(path(name)).unwrap();
        // Each segment has an identity of its own.
        bytes[64..80].fill(0);
        bytes
    };
    for name in ["dynamic", "bytes"] {
        assert!(bytes("typed") == bytes(name), "the segments of {layout} differ: {name}");
    }
}

/// Without this, a value that a program makes without its type could not be opened by programs that know it.
#[test]
fn a_segment_made_from_a_layout_is_that_of_the_type() {
    check(7_u8);
    check([[1.5_f32, -2.0]; 3]);
    check(Level::Cold);
    check(Pair(1, -1));
    check(Assorted::of(3));
    check([Assorted::of(4); 5]);
    check(Padded::of(5));
    check(Account { requests: 7, ..Account::after(2) });
    check(Wrapped(Account { requests: 7, ..Account::after(2) }));
    check(Aligned { balance: -1 });
    check(Labelled { label: "one".parse().unwrap(), value: Pair(1, 2), history: [Pair(3, 4); 3] } as Labelled<Pair, 5>);
    check(Tally { total: 1, lanes: [2; 8], sum: -3, difference: 4, largest: 5, smallest: 6, compared: 7 });
    check(Counters { plain: 1, open: true, ratio: 0.5, lanes: [1, 2, 3, 4], flags: [true, false, true], balance: -1 });
    // Large enough for marks, which say which blocks differ.
    check(Twins::of(3) as LargeTwins);
}

/// Without this, arrays made by a program without the type would have another length, or other elements.
#[test]
fn arrays_are_made_from_their_elements() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("array");
    let layout = DynLayout::slice(DynLayout::of::<Pair>().unwrap()).unwrap();
    let pair = |number: u8| DynData::structure("Pair", [("0", number.into()), ("1", DynData::from(-1_i64))]);
    let value = DynValue::create(&path, (layout.clone(), vec![pair(1), pair(2)])).unwrap();
    let array = SharedArray::<Pair>::open(&path).unwrap();
    assert_eq!(array.to_vec().unwrap(), [Pair(1, -1), Pair(2, -1)]);
    value.set("[1].0", 7_u8).unwrap();
    assert_eq!(array.at(1), Pair(7, -1));
    assert!(matches!(value.layout().kind(), DynKind::Array { length: 2, .. }));
    assert!(matches!(DynValue::new(layout.clone()), Err(Error::InvalidLayout { .. })));

    let filled = |element, length| DynValue::new((layout.clone(), Filled(element, length)));
    let value = filled(pair(3), 10_000).unwrap();
    let array = SharedArray::<Pair>::open(value.token().unwrap()).unwrap();
    assert_eq!(array.to_vec().unwrap(), vec![Pair(3, -1); 10_000]);
    array.fill(Pair(4, 5)).unwrap();
    assert_eq!(value.get("[9999].1").unwrap(), DynData::Signed(5));
    assert_eq!(filled(pair(3), 0).unwrap().to_string(), "[]");
    let zeros = filled(DynData::structure("Pair", [("0", DynData::from(0_u8)), ("1", 0_u8.into())]), 3).unwrap();
    assert_eq!(SharedArray::<Pair>::open(zeros.token().unwrap()).unwrap().to_vec().unwrap(), [Pair(0, 0); 3]);
    assert!(matches!(filled(true.into(), 3), Err(Error::WrongData { .. })));
    assert!(matches!(filled(pair(3), usize::MAX), Err(Error::InvalidLayout { .. })));
    let fixed = DynLayout::of::<[u8; 3]>().unwrap();
    assert!(matches!(DynValue::new((fixed, Filled(1_u8, 3))), Err(Error::InvalidLayout { .. })));
}

/// Without this, other languages could not create values: they have the schema as text, a typecode, or the fields.
#[test]
fn layouts_come_from_schemas_typecodes_and_code() {
    let fields = DynLayout::structure("Account")
        .field::<i64>("balance")
        .field::<bool>("frozen")
        .field_of("limits", DynLayout::array(DynLayout::of::<u32>().unwrap(), 4).unwrap())
        .field::<u64>("deposits")
        .atomic::<u64>("requests")
        .build()
        .unwrap();
    assert_eq!(fields, DynLayout::of::<Account>().unwrap());
    let directory = tempfile::tempdir().unwrap();
    for (index, layout) in [fields.clone(), DynLayout::parse(&fields.to_string()).unwrap()].into_iter().enumerate() {
        let path = directory.path().join(index.to_string());
        let value = DynValue::create(&path, layout).unwrap();
        let account = Synchronized::<Account>::open(&path).unwrap();
        assert_eq!(account.load().unwrap(), Account::after(0));
        value.set("requests", 5_u8).unwrap();
        assert_eq!(account.requests().load(), 5);
    }
    // A typecode does not tell which fields are atomic.
    let layout = DynLayout::from_typecode(Pair::TYPECODE).unwrap().renamed("Pair").unwrap();
    let path = directory.path().join("typecode");
    let value = DynValue::open_or_create(&path, layout.clone()).unwrap();
    DynValue::open_or_create(&path, layout).unwrap().set("1", 8_u8).unwrap();
    assert_eq!(Synchronized::<Pair>::open(&path).unwrap().get(), Pair(0, 8));
    value.set("", DynData::structure("", [("1", DynData::from(9_u8)), ("0", 1_u8.into())])).unwrap();
    assert_eq!(Synchronized::<Pair>::open(&path).unwrap().get(), Pair(1, 9));
}

/// Returns the innermost fields of a layout, and their offsets.
fn leaves(layout: &DynLayout) -> Vec<(String, usize, usize)> {
    let is_leaf =
        |kind: &DynKind| !matches!(kind, DynKind::Struct { .. } | DynKind::Newtype { .. } | DynKind::Array { .. });
    let parts = layout.fields().filter(|part| is_leaf(part.layout().kind()));
    parts.map(|part| (part.path().to_owned(), part.offset(), part.layout().size())).collect()
}

/// Without this, a buffer of another program would become a value whose fields lie elsewhere.
#[test]
fn a_typecode_gives_the_offsets_of_its_type() {
    fn check<T: SharedValue>() {
        let layout = DynLayout::from_typecode(T::TYPECODE).unwrap();
        let typed = DynLayout::of::<T>().unwrap();
        let typed_leaves: Vec<_> = leaves(&typed).into_iter().filter(|(path, ..)| layout.part(path).is_ok()).collect();
        assert_eq!(layout.size(), size_of::<T>());
        for (path, offset, size) in typed_leaves {
            let part = layout.part(&path).unwrap();
            assert_eq!((part.offset(), part.layout().size()), (offset, size), "{path} of {}", T::TYPECODE);
        }
        assert_eq!(leaves(&layout).is_empty(), leaves(&typed).is_empty());
    }
    check::<u64>();
    check::<[[f32; 3]; 2]>();
    check::<Level>();
    check::<Pair>();
    check::<Assorted>();
    check::<[Assorted; 2]>();
    check::<Padded>();
    check::<Account>();
    check::<Wrapped>();
    check::<Nested>();
    check::<Aligned>();
    check::<Tally>();
    check::<Counters>();
    check::<LargeTwins>();
}

/// Without this, zeros that are not a valid value, or data that does not fit, would only be noticed by the first reader.
#[test]
fn values_that_cannot_be_are_not_created() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("none");
    let error = |created: Result<DynValue, Error>| created.unwrap_err().to_string();
    let assorted = DynLayout::of::<Assorted>().unwrap();
    assert!(error(DynValue::create(&path, assorted.clone())).contains("`level` holds invalid bits"));
    let wrong = error(DynValue::create(&path, (assorted, 7_u8)));
    assert_eq!(wrong, "`Assorted` cannot hold the given data: expected a struct `Assorted`, found 7");
    assert!(!Path::new(&path).exists());
}
