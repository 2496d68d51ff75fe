//! Every layout that a type can have, as text and back, and texts that are not the schema of any layout.

use super::{Random, assert_agree, layouts};
use crate::layout::{schema_text, slice_schema_text};
use crate::schema::{DynKind, DynLayout, read};

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

/// Without this, arrays whose length is not in the schema could not be read.
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

/// Without this, a process that can write a segment could make tools that read it panic, or see bytes behind the value.
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

/// Asserts the property that all code which reads and writes by a layout relies on.
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

/// Without this, some text that is not the schema of any layout would be accepted.
#[test]
fn what_cannot_be_is_refused() {
    #[track_caller]
    fn refused(lines: &str, expected: &str) {
        let order = if cfg!(target_endian = "little") { "little-endian" } else { "big-endian" };
        let invalid = read(&format!("{lines}\n{order}\n")).expect_err(lines);
        assert_eq!((invalid.field, invalid.expected.as_str()), ("schema", expected));
    }
    let deep = |depth| format!("{}u8{}", "[".repeat(depth), "; 1]".repeat(depth));
    let nested = deep(127);
    let text = format!("{nested}\n{nested}: 1 bytes, align 1");
    assert!(read(&format!("{text}\nlittle-endian\n")).is_ok() || cfg!(target_endian = "big"));
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
    refused("S\na: atomic u32 @0\nS: 4 bytes, align 4", "an atomic `u64`, `i64`, `f64` or `bool`, or an array of them");
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
        "`(schema)` is not the layout of a value: expected the type of the value, and a line feed, found `u8`"
    });
}
