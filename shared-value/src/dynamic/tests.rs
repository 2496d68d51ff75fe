//! Every layout that a type can have, as text and back, and every value of it as bytes and back.
#![allow(unsafe_code)]

use std::num::{NonZeroI8, NonZeroU64};

use crate::cell::{Cell, Terms};
use crate::dynamic::decode::decode;
use crate::dynamic::encode::encode;
use crate::dynamic::path::Place;
use crate::dynamic::{DynData, DynKind, DynLayout, DynValue, limit, schema};
use crate::error::Error;
use crate::format::contents::Shape;
use crate::layout::{
    Field, FixedStr, Kind, Layout, Pod, Printed, SharedValue, Variant, schema_text, slice_schema_text,
};
use crate::segment::Place as Segment;

/// Declares a struct as the derive macro would describe it.
macro_rules! structure {
    ($visibility:vis $name:ident { $($field:ident: $type:ty = $how:ident),* $(,)? }) => {
        #[derive(Clone, Copy)]
        #[repr(C)]
        $visibility struct $name {
            $($field: $type,)*
        }

        // SAFETY: the offsets are the compiler's, and nothing in these tests reads a value of the type.
        unsafe impl SharedValue for $name {
            const LAYOUT: &'static Layout = &Layout::structure::<Self>(
                stringify!($name),
                &[$(Field::$how::<$type>(stringify!($field), std::mem::offset_of!($name, $field))),*],
            );
        }
    };
}

/// A struct that is named as a primitive.
#[allow(non_camel_case_types)]
mod confusing {
    use super::{Field, Layout, SharedValue};

    structure!(pub(super) u64 { u64: u8 = new, bytes: [u16; 2] = new });
}

#[derive(Clone, Copy)]
#[repr(transparent)]
struct Meters(f64);

// SAFETY: as for structs.
unsafe impl SharedValue for Meters {
    const LAYOUT: &'static Layout = &Layout::newtype::<Self>("Meters", &[Field::new::<f64>("0", 0)]);
}

#[derive(Clone, Copy)]
#[repr(i16)]
enum Level {
    #[expect(dead_code, reason = "only its layout counts")]
    Frost = -300,
}

// SAFETY: as for structs.
unsafe impl SharedValue for Level {
    const LAYOUT: &'static Layout = &Layout::enumeration::<Self, i16>(
        "Level",
        &[Variant::new("Frost", -300), Variant::new("Cold", -1), Variant::new("Warm", 300)],
    );
}

structure!(Point { x: f64 = new, kind: Level = new, y: f32 = new });
structure!(Corner { at: Point = new, hits: u64 = atomic });
structure!(All {
    tiny: i8 = new,
    on: bool = new,
    letter: char = new,
    city: FixedStr<5> = new,
    serial: NonZeroU64 = new,
    change: Option<NonZeroI8> = new,
    requests: u64 = atomic,
    grid: [[u8; 3]; 2] = new,
    corners: [[Corner; 2]; 1] = new,
    heights: [Meters; 2] = new,
    number: confusing::u64 = new,
    balance: i64 = atomic,
});
structure!(Tinted { tint: Pod<[u16; 3]> = new, after: u8 = new });

#[derive(Clone, Copy)]
#[repr(transparent)]
struct Wrapped(Corner);

// SAFETY: as for structs.
unsafe impl SharedValue for Wrapped {
    const LAYOUT: &'static Layout = &Layout::newtype::<Self>("Wrapped", &[Field::new::<Corner>("0", 0)]);
}

fn layouts() -> Vec<&'static Layout> {
    vec![
        u64::LAYOUT,
        bool::LAYOUT,
        f32::LAYOUT,
        isize::LAYOUT,
        Option::<NonZeroI8>::LAYOUT,
        <[[f32; 3]; 2]>::LAYOUT,
        <[Point; 3]>::LAYOUT,
        FixedStr::<9>::LAYOUT,
        Pod::<[u32; 2]>::LAYOUT,
        Level::LAYOUT,
        Meters::LAYOUT,
        Point::LAYOUT,
        Corner::LAYOUT,
        Wrapped::LAYOUT,
        confusing::u64::LAYOUT,
        All::LAYOUT,
        Tinted::LAYOUT,
    ]
}

#[track_caller]
fn assert_agree(layout: &DynLayout, expected: &Layout) {
    let facts = (layout.name(), layout.size(), layout.align());
    assert_eq!(facts, (expected.name(), expected.size(), expected.align()));
    match (layout.kind(), expected.kind()) {
        (DynKind::Bool, Kind::Scalar { code: '?', .. })
        | (DynKind::Char, Kind::Scalar { code: 'w', .. })
        | (DynKind::Float, Kind::Scalar { code: 'f' | 'd', .. })
        | (DynKind::Text, Kind::Text)
        | (DynKind::Bytes, Kind::Bytes) => {}
        (DynKind::Integer { is_signed } | DynKind::Optional { is_signed }, Kind::Scalar { code, checked: false })
        | (DynKind::Nonzero { is_signed }, Kind::Scalar { code, checked: true }) => {
            assert_eq!(*is_signed, code.is_lowercase());
        }
        (DynKind::Array { length, element }, Kind::Array { length: expected_length, element: expected }) => {
            assert_eq!(length, expected_length);
            assert_agree(element, expected);
        }
        (DynKind::Newtype { inner }, Kind::Newtype { inner: expected }) => assert_agree(inner, expected),
        (DynKind::Struct { fields }, Kind::Struct { fields: expected }) => {
            assert_eq!(fields.len(), expected.len());
            for (field, expected) in fields.iter().zip(*expected) {
                let facts = (field.name(), field.offset(), field.is_atomic(), field.typecode());
                assert_eq!(facts, (expected.name(), expected.offset(), expected.is_atomic(), expected.typecode()));
                assert_agree(field.layout(), expected.layout());
            }
        }
        (DynKind::Enum { repr, variants }, Kind::Enum { repr: expected_repr, variants: expected }) => {
            assert_agree(repr, expected_repr);
            let found = variants.iter().map(|variant| (variant.name(), variant.number()));
            assert!(found.eq(expected.iter().map(|variant| (variant.name(), variant.discriminant()))));
        }
        (found, expected) => panic!("{found:?} is not {expected:?}"),
    }
}

/// Without this, a tool would see other fields than the program has.
#[test]
fn every_layout_is_read_as_it_was_written() {
    for expected in layouts() {
        let text = schema_text(expected);
        let layout = DynLayout::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_agree(&layout, expected);
        assert_eq!(layout.to_string(), text);
    }
}

/// Without this, arrays whose length stands elsewhere could not be read.
#[test]
fn slices_are_read_as_they_were_written() {
    for element in layouts() {
        let text = slice_schema_text(element);
        let layout = DynLayout::parse(&text).unwrap();
        let DynKind::Slice { element: found } = layout.kind() else { panic!("{text}") };
        assert_agree(found, element);
        assert_eq!(layout.to_string(), text);
        let sized = layout.clone().of_size(3 * element.size()).unwrap();
        assert!(matches!(sized.kind(), DynKind::Array { length: 3, .. }));
        assert_eq!(layout.clone().of_size(0).unwrap().size(), 0);
        if element.size() > 1 {
            assert!(layout.of_size(element.size() + 1).is_err());
        }
    }
}

/// Without this, whoever can write a segment could make tools that read it panic, or see what is not there.
#[test]
fn damaged_schemas_are_refused_or_read_as_what_they_say() {
    let mut random = Random(7);
    let snippets: [&[u8]; 12] = [
        b"[",
        b"; 99999999999]",
        b"\n",
        b" @8",
        b"atomic ",
        b"FixedStr<0>",
        b"bytes<3, align 2>",
        b"-",
        b"(",
        b"[]",
        b"00",
        b".",
    ];
    for layout in layouts() {
        let text = schema_text(layout).into_bytes();
        for start in 0..text.len() {
            let mut copies = vec![text[..start].to_vec(), text[start..].to_vec()];
            for byte in [b'0', b'9', b'x', b' ', b'\n', b'@', b'[', b'\xff', random.next().to_ne_bytes()[0]] {
                let mut copy = text.clone();
                copy[start] = byte;
                copies.push(copy);
            }
            for snippet in snippets {
                copies.push([&text[..start], snippet, &text[start..]].concat());
                let end = (start + snippet.len()).min(text.len());
                copies.push([&text[..start], snippet, &text[end..]].concat());
                copies.push([&text[..start], &text[end..]].concat());
            }
            for copy in copies {
                let Ok(copy) = String::from_utf8(copy) else { continue };
                let Ok(layout) = DynLayout::parse(&copy) else { continue };
                assert_eq!(layout.to_string(), copy, "two texts for one layout");
                assert_inside(&layout);
                let count = layout.fields().take(1000).inspect(|part| {
                    assert!(part.offset() + part.layout().size() <= layout.size() || is_slice(&layout));
                });
                count.for_each(drop);
            }
        }
    }
}

fn is_slice(layout: &DynLayout) -> bool {
    matches!(layout.kind(), DynKind::Slice { .. })
}

/// What all that reads and writes by a layout relies on.
fn assert_inside(layout: &DynLayout) {
    assert!(layout.align().is_power_of_two() && layout.size().is_multiple_of(layout.align()));
    match layout.kind() {
        DynKind::Struct { fields } => {
            let mut end = 0;
            for field in fields {
                assert!(field.offset() >= end && field.offset().is_multiple_of(field.layout().align()));
                end = field.offset() + field.layout().size();
                assert_inside(field.layout());
            }
            assert!(end <= layout.size() && layout.size() > 0);
        }
        DynKind::Array { length, element } => {
            assert_eq!(length.checked_mul(element.size()), Some(layout.size()));
            assert_inside(element);
        }
        DynKind::Slice { element } => assert_inside(element),
        DynKind::Newtype { inner } => assert_inside(inner),
        _ => assert!(layout.size() > 0),
    }
}

/// Without this, some text that no layout has would pass.
#[test]
fn what_cannot_be_is_refused() {
    #[track_caller]
    fn refused(lines: &str, expected: &str) {
        let order = if cfg!(target_endian = "little") { "little-endian" } else { "big-endian" };
        let invalid = schema::read(&format!("{lines}\n{order}\n")).expect_err(lines);
        assert_eq!((invalid.field, invalid.expected.as_str()), ("schema", expected));
    }
    let deep = |depth| format!("{}u8{}", "[".repeat(depth), "; 1]".repeat(depth));
    let nested = deep(127);
    let text = format!("{nested}\n{nested}: 1 bytes, align 1");
    assert!(schema::read(&format!("{text}\nlittle-endian\n")).is_ok() || cfg!(target_endian = "big"));
    refused(&deep(128), "at most 128 types inside of each other");
    refused(&deep(100_000), "at most 128 types inside of each other");
    let fields: Vec<_> = (1..200).map(|depth| format!("{}: S @0\n", vec!["a"; depth].join("."))).collect();
    refused(&format!("S\n{}", fields.concat()), "at most 128 types inside of each other");
    refused(&"x".repeat(1 << 20), "at most 1048576 bytes");
    refused("[u64; 2305843009213693951]", "at most 9223372036854775807 bytes");
    refused("[[u8; 9223372036854775807]; 9223372036854775807]", "at most 9223372036854775807 bytes");
    refused("[u8; 0]", "a size between 1 and 9223372036854775807 that is a multiple of 1");
    refused("[u8; 99999999999999999999]", "a number");
    refused("[u8; 01]", "a number");
    refused("[[u8]; 1]", "`; `");
    refused("S\na: [u8] @0\nS: 1 bytes, align 1", "`; `");
    refused("S\na: u64 @0\nb: u8 @7\nS: 8 bytes, align 8", "an offset of 8 or more in `S`");
    refused("S\na: u64 @0\nb: u64 @8\nS: 8 bytes, align 8", "at least 16 bytes, where its fields end");
    refused("S\na: u32 @2\nS: 8 bytes, align 8", "a multiple of 4");
    refused("S\na: u8 @18446744073709551615\nS: 8 bytes, align 8", "an end below 9223372036854775807");
    refused("S\na: u64 @0\nS: 8 bytes, align 4", "the alignment of every field");
    refused("S\na: u8 @0\nS: 3 bytes, align 3", "an alignment that is a power of two");
    refused("S\na: u32 @0\nS: 5 bytes, align 4", "a size between 1 and 9223372036854775807 that is a multiple of 4");
    refused("S\na: u8 @0\na: u8 @1\nS: 2 bytes, align 1", "one field of a name");
    refused("S\na: atomic u32 @0\nS: 4 bytes, align 4", "an atomic `u64` or `i64`");
    refused("S\na: u32 as <I @0\nS: 4 bytes, align 4", "no typecode but that of bytes");
    refused("S\na: T @8\na.b: u8 @7\na: 1 bytes, align 1\nS: 9 bytes, align 1", "an offset of 8 or more");
    refused("S\na: T @0\na.b: u8 @0\nS: 9 bytes, align 1", "`a`");
    refused("E(u8: A=256)", "a number of u8");
    refused("E(i8: A=-129)", "a number of i8");
    refused("E(u8: A=-0)", "a number of u8");
    refused("E(u8: A=0, B=0)", "one variant of a name or number");
    refused("E(u8: A=0, A=1)", "one variant of a name or number");
    refused("E(f32: A=0)", "an integer");
    refused("E(u8: )", "a name");
    refused("u8\nu8: 2 bytes, align 1", "`u8: 1 bytes, align 1`");
    refused("Option<u8>", "an option of a `NonZero` integer");
    assert_eq!(DynLayout::parse("u8").unwrap_err().to_string(), {
        "`(schema)` is not a usable segment: schema: expected the type of the value, and a line feed, found `u8`"
    });
}

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

/// Fills the bytes of the fields with something valid.
fn fill(layout: &DynLayout, bytes: &mut [u8], random: &mut Random, round: u64) {
    match layout.kind() {
        DynKind::Bool => bytes[0] = u8::from(random.next() % 2 == 1),
        DynKind::Char => {
            let code = u32::try_from(random.next() % 0xd800).unwrap();
            bytes.copy_from_slice(&code.to_ne_bytes());
        }
        DynKind::Text => {
            let length = usize::try_from(random.next()).unwrap_or(0) % (bytes.len() + 1);
            bytes[..length].fill(b'a' + u8::try_from(round % 26).unwrap());
        }
        DynKind::Array { element, .. } => {
            bytes.chunks_exact_mut(element.size()).for_each(|bytes| fill(element, bytes, random, round));
        }
        DynKind::Newtype { inner } => fill(inner, bytes, random, round),
        DynKind::Struct { fields } => {
            for field in fields {
                fill(field.layout(), &mut bytes[field.offset()..][..field.layout().size()], random, round);
            }
        }
        DynKind::Enum { variants, .. } => {
            let index = usize::try_from(round).unwrap() % variants.len();
            let number = i64::try_from(variants[index].number()).unwrap();
            super::scalar::put(bytes, number.cast_unsigned());
        }
        _ => {
            bytes.fill_with(|| random.next().to_ne_bytes()[0]);
            if matches!(layout.kind(), DynKind::Nonzero { .. } | DynKind::Optional { .. }) && round.is_multiple_of(2) {
                bytes.fill(u8::from(matches!(layout.kind(), DynKind::Nonzero { .. })));
            } else {
                bytes[0] |= 1;
            }
        }
    }
}

/// Without this, bits that are no value would be shown as one.
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
        // The same as of a typed value.
        let typed = Error::invalid_bits(All::LAYOUT, at(path), 0, &bytes);
        assert_eq!(error.to_string(), typed.to_string());
        let error = decode(part, path, &bytes[part.offset..][..part.layout.size]).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

/// Without this, a tool that is given a wrong path would not say what is wrong with it.
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

/// Without this, what does not fit would be cut or would become another value.
#[test]
fn what_does_not_fit_is_refused() {
    let layout = DynLayout::of::<All>().unwrap();
    let write = |path: &str, data: DynData| encode(Place::at(&layout, path).unwrap(), path, &data);
    let refused = |path: &str, data: DynData, expected: &str| {
        assert_eq!(write(path, data).unwrap_err().to_string(), format!("`{path}` cannot be that: expected {expected}"));
    };
    refused("tiny", 128_u64.into(), "an integer from -128 to 127 (i8), found 128");
    refused("tiny", "1".into(), "an integer from -128 to 127 (i8), found the text \"1\" of 1 bytes");
    refused("serial", 0_u64.into(), "an integer from 0 to 18446744073709551615 but 0 (NonZeroU64), found 0");
    refused("change", 0_u64.into(), "an integer from -128 to 127 but 0, or none (Option<NonZeroI8>), found 0");
    refused("on", 1_u64.into(), "a bool, found 1");
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
    assert_eq!(error, "`number.bytes[1]` cannot be that: expected an integer from 0 to 65535 (u16), found 65536");

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
    let number = |layout, path| Place::at(layout, path).unwrap().atomic;
    assert_eq!(layout.atomic_fields().count(), All::LAYOUT.atomic_fields());
    assert_eq!((number(&layout, "requests"), number(&layout, "balance")), (Some(0), Some(1)));
    assert_eq!((number(&layout, "corners[0][0].hits"), number(&layout, "tiny")), (None, None));
    let wrapped = DynLayout::of::<Wrapped>().unwrap();
    assert_eq!((wrapped.atomic_fields().count(), number(&wrapped, "hits")), (0, None));
    assert_eq!(Wrapped::LAYOUT.atomic_fields(), 0);
}

/// Repeatable, so that a failure can be seen again.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }
}

/// Without this, a schema of a few bytes could take all memory there is.
#[test]
fn parts_that_are_too_large_are_refused() {
    let at_once = |text: &str| {
        let layout = schema::read(text).unwrap();
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

/// Without this, an array whose length only the segment knows would have no elements here.
#[test]
fn a_slice_has_as_many_elements_as_its_segment_says() {
    let path = format!("/dev/shm/shared-value-slice-{}", std::process::id());
    let place = Segment::File(path.into());
    for length in [0_u16, 1, 3, 1000] {
        let shape = Shape::of(usize::from(length) * size_of::<Point>(), 0);
        let cell = Cell::<[Point]>::create_with(&place, &Terms::default(), shape, |_| {});
        let (value, reader) = (open(&place, false), open(&place, true));
        place.unlink().unwrap();
        drop(cell.unwrap());
        assert!(matches!(value.layout().kind(), DynKind::Array { length: found, .. } if *found == usize::from(length)));
        for index in 0..length {
            let fields = [("x", DynData::from(f64::from(index))), ("kind", "Cold".into()), ("y", 0.5.into())];
            value.set(&format!("[{index}]"), DynData::structure("Point", fields)).unwrap();
        }
        assert_eq!(reader.load().unwrap(), value.load().unwrap());
        if let Some(last) = length.checked_sub(1) {
            assert_eq!(reader.get(&format!("[{last}].x")).unwrap().as_f64(), Some(last.into()));
        }
        assert!(reader.get(&format!("[{length}]")).is_err());
        assert_eq!(reader.fields().count(), usize::from(length) * 4);
    }
}

fn open(place: &Segment, for_reading: bool) -> DynValue {
    let Segment::File(path) = place else { unreachable!() };
    if for_reading { DynValue::open_file_read_only(path) } else { DynValue::open_file(path) }.unwrap()
}
