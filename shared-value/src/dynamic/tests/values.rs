//! Every value as bytes and back, and data and paths that do not fit.

use super::{All, Random, Tinted, Wrapped, fill, layouts};
use crate::dynamic::DynData;
use crate::dynamic::decode::decode;
use crate::dynamic::encode::encode;
use crate::dynamic::limit;
use crate::error::Error;
use crate::layout::{Printed, SharedValue, schema_text};
use crate::schema::place::Place;
use crate::schema::{DynLayout, read};

/// Without this, a tool would print another value than the program, or write one that the program refuses.
#[test]
fn every_value_is_printed_and_written_as_it_was_read() {
    let mut random = Random(3);
    for layout in layouts() {
        let dynamic = DynLayout::parse(&schema_text(layout)).unwrap();
        let place = Place::at(&dynamic, "").unwrap();
        for round in 0..64 {
            let mut bytes = vec![0; layout.size()];
            fill(&dynamic, &mut bytes, &mut random, round);
            let data = decode(place, "", &bytes).unwrap();
            let printed = Printed { layout, bytes: &bytes };
            assert_eq!(data.to_string(), format!("{printed:?}"));
            assert_eq!(format!("{data:#}"), format!("{printed:#?}"));
            assert_eq!(encode(place, "", &data).unwrap(), bytes, "{data}");
            for part in dynamic.fields().take(100) {
                let bytes = &bytes[part.offset()..][..part.layout().size()];
                let place = Place::at(&dynamic, part.path()).unwrap();
                assert_eq!((place.offset, place.layout), (part.offset(), part.layout()));
                assert_eq!(part.is_atomic(), place.atomic.is_some(), "{}", part.path());
                let found = decode(place, part.path(), bytes).unwrap();
                assert_eq!(data.part(part.path()).map(DynData::to_string), Some(found.to_string()), "{}", part.path());
                assert_eq!(encode(place, part.path(), &found).unwrap(), bytes);
            }
        }
    }
}

/// Without this, invalid bits would be shown as a value.
#[test]
fn invalid_bits_are_named() {
    let layout = DynLayout::of::<All>().unwrap();
    let place = Place::at(&layout, "").unwrap();
    let mut good = vec![0; layout.size()];
    fill(&layout, &mut good, &mut Random(1), 1);
    let at = |path: &str| Place::at(&layout, path).unwrap().offset;
    for (path, byte, expected) in [
        ("on", 2, "`on` holds invalid bits: expected 0 or 1 (bool), found 0x02"),
        ("letter", 0, "`letter` holds invalid bits: expected a Unicode scalar value (char), found 0xffffffff"),
        ("city", 0xff, "`city` holds invalid bits: expected UTF-8 and then zeros (FixedStr<5>), found byte 0xff at 0"),
        ("serial", 0, "`serial` holds invalid bits: expected anything but zero (NonZeroU64), found 0x0000000000000000"),
        (
            "corners[0][1].at.kind",
            5,
            "`corners[0][1].at.kind` holds invalid bits: expected Frost = -300 or Cold = -1 or Warm = 300 (Level), found 0x0505",
        ),
    ] {
        let mut bytes = good.clone();
        let part = Place::at(&layout, path).unwrap();
        let fill = if path == "letter" { 0xff } else { byte };
        bytes[part.offset..][..part.layout.size].fill(fill);
        let error = decode(place, "", &bytes).unwrap_err();
        assert_eq!(error.to_string(), expected);
        // A typed value gives this error too.
        let typed = Error::invalid_bits(All::LAYOUT, at(path), 0, &bytes);
        assert_eq!(error.to_string(), typed.to_string());
        let error = decode(part, path, &bytes[part.offset..][..part.layout.size]).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

/// Without this, a tool could not say what is wrong with a path.
#[test]
fn paths_that_lead_nowhere_are_explained() {
    #[track_caller]
    fn refused(layout: &DynLayout, path: &str, expected: &str) {
        assert_eq!(Place::at(layout, path).unwrap_err().to_string(), expected);
    }
    let layout = DynLayout::of::<All>().unwrap();
    let corner = "`corners[0][1].at` has no such field, but `x`, `kind`, `y`";
    refused(&layout, "corners[0][1].at.z", &format!("no part `corners[0][1].at.z`: {corner}"));
    refused(&layout, "grid[1][3]", "no part `grid[1][3]`: `grid[1]` has 3 elements");
    refused(&layout, "grid.x", "no part `grid.x`: `grid` is of type `[[u8; 3]; 2]`, which has no fields");
    refused(&layout, "tiny[0]", "no part `tiny[0]`: `tiny` is of type `i8`, which has no elements");
    refused(&layout, "[0]", "no part `[0]`: the value is of type `All`, which has no elements");
    for path in
        [".tiny", "grid[", "grid[]", "grid[-1]", "grid[+1]", "grid[1", "grid]", "corners[0][1].", "grid[1]x", "a..b"]
    {
        let error = Place::at(&layout, path).unwrap_err().to_string();
        assert!(error.contains("a path is made of") || error.contains("no such field"), "{error}");
    }
    let huge = format!("grid[{}]", "9".repeat(50));
    assert!(Place::at(&layout, &huge).is_err());
}

/// Without this, data that does not fit would be truncated or would become another value.
#[test]
fn what_does_not_fit_is_refused() {
    let layout = DynLayout::of::<All>().unwrap();
    let write = |path: &str, data: DynData| encode(Place::at(&layout, path).unwrap(), path, &data);
    let refused = |path: &str, data: DynData, expected: &str| {
        assert_eq!(
            write(path, data).unwrap_err().to_string(),
            format!("`{path}` cannot hold the given data: expected {expected}")
        );
    };
    refused("tiny", 128_u64.into(), "an integer from -128 to 127 (i8), found 128");
    refused("tiny", "1".into(), "an integer from -128 to 127 (i8), found the text \"1\" of 1 bytes");
    refused("serial", 0_u64.into(), "an integer from 0 to 18446744073709551615 but 0 (NonZeroU64), found 0");
    refused("change", 0_u64.into(), "an integer from -128 to 127 but 0, or none (Option<NonZeroI8>), found 0");
    refused("on", 1_u64.into(), "a bool, found 1");
    refused("on", DynData::structure("", [("z", true.into())]), "a bool, found a struct");
    refused("letter", "ab".into(), "a char, found the text \"ab\" of 2 bytes");
    refused("city", "Zürich".into(), "a text of at most 5 bytes without NUL, found the text \"Zürich\" of 7 bytes");
    refused("city", "a\0".into(), "a text of at most 5 bytes without NUL, found the text \"a\\0\" of 2 bytes");
    refused("heights[1]", true.into(), "a number that an f64 holds, found true");
    refused("heights[1]", ((1_u64 << 53) + 1).into(), "a number that an f64 holds, found 9007199254740993");
    refused("corners[0][1].at.y", 1e300.into(), "a number that an f32 holds, found 1e300");
    refused("corners[0][1].at.kind", "Hot".into(), "one of `Frost`, `Cold`, `Warm`, found the text \"Hot\" of 3 bytes");
    refused("corners[0][1].at.kind", 0_u64.into(), "one of `Frost`, `Cold`, `Warm`, found 0");
    refused("grid[0]", vec![1_u64.into()].into(), "an array of 3 elements, found an array of 1 elements");
    refused("number", 1_u64.into(), "a struct `u64`, found 1");
    refused(
        "number",
        DynData::structure("", [("u64", 1_u64)].map(|(n, v)| (n, v.into()))),
        "the fields `u64`, `bytes`, found no `bytes`",
    );
    refused("number", DynData::structure("", [("z", true.into())]), "the fields `u64`, `bytes`, found a field `z`");
    let twice = DynData::structure("", [("u64", 1_u64.into()), ("u64", 1_u64.into())]);
    refused("number", twice, "every field once, found `u64` twice");
    let nested = DynData::structure("", [("u64", 1_u64.into()), ("bytes", vec![0_u8.into(), 65536_u32.into()].into())]);
    let error = write("number", nested).unwrap_err().to_string();
    assert_eq!(
        error,
        "`number.bytes[1]` cannot hold the given data: expected an integer from 0 to 65535 (u16), found 65536"
    );

    let same = |path: &str, data: DynData, expected: DynData| {
        assert_eq!(write(path, data).unwrap(), write(path, expected).unwrap(), "{path}");
    };
    same("tiny", 5_u64.into(), 5_i8.into());
    same("change", (-3_i64).into(), DynData::Optional(Some(Box::new(DynData::Signed(-3)))));
    same("letter", "ü".into(), 'ü'.into());
    same("heights[1]", 3_u64.into(), 3.0.into());
    same("heights[1]", "-inf".into(), f64::NEG_INFINITY.into());
    same("corners[0][1].at.y", 0.1.into(), 0.1_f32.into());
    same("corners[0][1].at.kind", "Cold".into(), (-1_i64).into());
    let fields = [("bytes", vec![1_u8.into(), 2_u8.into()].into()), ("u64", DynData::from(3_u8))];
    let mut reversed = fields.clone();
    reversed.reverse();
    same("number", DynData::structure("", fields), DynData::structure("u64", reversed));

    let tinted = DynLayout::of::<Tinted>().unwrap();
    let write = |data: DynData| encode(Place::at(&tinted, "tint").unwrap(), "tint", &data);
    assert_eq!(write("0001fFabcdef".into()).unwrap(), [0, 1, 0xff, 0xab, 0xcd, 0xef]);
    assert_eq!(write(DynData::Bytes(vec![1; 6])).unwrap(), write(vec![DynData::from(1_u8); 6].into()).unwrap());
    for text in ["0001ffabcde", "0001ffabcdeff", "0001ffabcd+1", "0001ffabcdé", ""] {
        assert!(write(text.into()).is_err(), "{text}");
    }
}

/// Without this, atomic fields of the value could not be told from those that lie in slots.
#[test]
fn atomic_fields_of_the_value_itself_have_numbers() {
    let layout = DynLayout::of::<All>().unwrap();
    let words = |layout, path| Place::at(layout, path).unwrap().atomic.map(|words| (words.first, words.count));
    assert_eq!(layout.atomic_words().map(|(_, words)| words.count).sum::<usize>(), All::LAYOUT.atomic_words());
    assert_eq!((words(&layout, "requests"), words(&layout, "balance")), (Some((0, 1)), Some((1, 1))));
    assert_eq!((words(&layout, "lanes"), words(&layout, "lanes[2]")), (Some((2, 3)), Some((4, 1))));
    assert_eq!((words(&layout, "open"), words(&layout, "closed")), (Some((5, 1)), Some((6, 1))));
    assert_eq!((words(&layout, "corners[0][0].hits"), words(&layout, "tiny")), (None, None));
    let wrapped = DynLayout::of::<Wrapped>().unwrap();
    assert_eq!((wrapped.atomic_words().count(), words(&wrapped, "hits")), (0, None));
    assert_eq!(Wrapped::LAYOUT.atomic_words(), 0);
}

/// Without this, a schema of a few bytes could use up all memory.
#[test]
fn parts_that_are_too_large_are_refused() {
    let at_once = |text: &str| {
        let layout = read(text).unwrap();
        limit::check(&layout).is_ok()
    };
    let order = if cfg!(target_endian = "little") { "little-endian" } else { "big-endian" };
    let whole = |what: &str, size: usize| format!("{what}\n{what}: {size} bytes, align 1\n{order}\n");
    let (text, mebibyte) = (|size| whole(&format!("FixedStr<{size}>"), size), 1 << 20);
    assert_eq!([at_once(&text(64 * mebibyte)), at_once(&text(64 * mebibyte + 1))], [true, false]);
    let array = |length| whole(&format!("[u8; {length}]"), length);
    assert_eq!([at_once(&array(4 * mebibyte)), at_once(&array(4 * mebibyte + 1))], [true, false]);
    let pairs = |length| {
        let pair = "[].a: u8 @0\n[].b: Meters(u8) @1\n[]: 2 bytes, align 1";
        format!("[Pair; {length}]\n{pair}\n[Pair; {length}]: {} bytes, align 1\n{order}\n", length * 2)
    };
    assert_eq!([at_once(&pairs(2 * mebibyte)), at_once(&pairs(2 * mebibyte + 1))], [true, false]);
}
