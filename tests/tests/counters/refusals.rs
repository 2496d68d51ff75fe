//! Other layouts, which are refused.

use shared_value::{Counter, DynLayout, Error, SharedCounter, SharedValue, Synchronized};
use shared_value_tests::SegmentName;

mod plain {
    #[derive(shared_value::SharedValue, Clone, Copy)]
    #[repr(C)]
    pub(super) struct Counter {
        pub(super) total: u64,
    }
}

mod atomic {
    #[derive(shared_value::SharedValue, Clone, Copy)]
    #[repr(C)]
    pub(super) struct Counter {
        #[shared(atomic)]
        pub(super) total: u64,
    }
}

mod derived {
    #[derive(shared_value::SharedValue, Clone, Copy)]
    #[repr(C)]
    #[shared(lanes = 4)]
    pub(super) struct Counter {
        #[shared(counter)]
        pub(super) total: u64,
    }
}

#[track_caller]
fn refused<T: SharedValue>(name: &SegmentName, expected: &str, found: &str) {
    let Err(Error::LayoutMismatch { expected: ours, found: theirs, .. }) = Synchronized::<T>::open(name) else {
        panic!("it is refused")
    };
    assert_eq!((&*ours, &*theirs), (expected, found));
}

/// A program that took the baseline for the number, or counted in other lanes, would lose what others count.
#[test]
fn another_layout_is_refused_by_name() {
    let name = SegmentName::new("refused");
    let _counter = SharedCounter::<4>::create(&name, Counter::new(0)).unwrap();
    refused::<plain::Counter>(&name, "total: u64 at byte 0", "total: lanes<4> u64 at byte 0");
    refused::<atomic::Counter>(&name, "total: atomic u64 at byte 0", "total: lanes<4> u64 at byte 0");
    refused::<Counter<16>>(&name, "total: lanes<16> u64 at byte 0", "total: lanes<4> u64 at byte 0");
    Synchronized::<derived::Counter>::open(&name).unwrap().total().increment();
    let name = SegmentName::new("refused-plain");
    let _plain = Synchronized::create(&name, plain::Counter { total: 1 }).unwrap();
    refused::<Counter<4>>(&name, "total: lanes<4> u64 at byte 0", "total: u64 at byte 0");
}

/// What a hostile process writes as a schema must not lead out of the cell, nor take memory.
#[test]
fn schemas_with_impossible_lanes() {
    let schema = |line: &str| format!("Counter\n{line}\nCounter: 8 bytes, align 8\nlittle-endian\n");
    let parse =
        |line: &str| DynLayout::parse(&schema(line)).map(|layout| layout.lanes()).map_err(|error| error.to_string());
    assert_eq!(parse("total: lanes<4096> u64 @0"), Ok(4096));
    for (line, part) in [
        ("total: lanes<0> u64 @0", "between 1 and 4096 lanes"),
        ("total: lanes<4097> u64 @0", "between 1 and 4096 lanes"),
        ("total: lanes<99999999999999999999> u64 @0", "number"),
        ("total: lanes<4> i64 @0", "a counter of type `u64`"),
        ("total: lanes<4> [u32; 2] @0", "a counter of type `u64`"),
        ("total: lanes<4> f64 @0", "a counter of type `u64`"),
        ("total: lanes<4>u64 @0", "expected"),
        ("total: atomic lanes<4> u64 @0", "expected"),
    ] {
        let error = parse(line).unwrap_err();
        assert!(error.contains(part), "{line}: {error}");
    }
    let two = "Two\na: lanes<4> u64 @0\nb: lanes<5> u64 @8\nTwo: 16 bytes, align 8\nlittle-endian\n";
    let error = DynLayout::parse(two).unwrap_err().to_string();
    assert!(error.contains("one number of lanes"), "{error}");
    let nested = "Outer\ninner: Inner @0\ninner.a: lanes<4> u64 @0\ninner: 8 bytes, align 8\nOuter: 8 bytes, align 8\n\
                  little-endian\n";
    let error = DynLayout::parse(nested).unwrap_err().to_string();
    assert!(error.contains("only as fields of the value itself"), "{error}");
    for element in ["[Counter]", "[Counter; ..]"] {
        let array = format!(
            "{element}\n[].total: lanes<4> u64 @0\n[]: 8 bytes, align 8\n{element}: 8 bytes each, align 8\nlittle-endian\n"
        );
        let error = DynLayout::parse(&array).unwrap_err().to_string();
        assert!(error.contains("only as fields of the value itself"), "{error}");
    }
    let wrapped = "Wrapped(Counter)\ntotal: lanes<4> u64 @0\nCounter: 8 bytes, align 8\nWrapped(Counter): 8 bytes, align 8\n\
                   little-endian\n";
    assert!(DynLayout::parse(wrapped).is_err());
    // Numbers whose product no memory holds.
    let huge = "Huge\na: lanes<4096> [u64; 1000000000000] @0\nHuge: 8000000000000 bytes, align 8\nlittle-endian\n";
    let layout = DynLayout::parse(huge).unwrap();
    assert!(shared_value::DynValue::new(layout).is_err());
}
