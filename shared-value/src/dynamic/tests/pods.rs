//! Bytes that are read and written as their typecode says.

use std::mem::offset_of;

use crate::dynamic::DynData;
use crate::layout::{Field, Layout, Printed, SharedValue};
use crate::schema::DynLayout;

const ORDER: &str = if cfg!(target_endian = "little") { "<" } else { ">" };

/// A struct with bytes that this typecode describes.
fn with(typecode: &str) -> DynLayout {
    let pod = DynLayout::pod(&typecode.replace('<', ORDER), 1).unwrap();
    let layout = DynLayout::structure("S").field::<u8>("first").field_of("pod", pod).build().unwrap();
    assert_eq!(DynLayout::parse(&layout.to_string()).unwrap(), layout);
    layout
}

/// Without this, a matrix or a color would print as bytes, and could be written only as bytes.
#[test]
fn bytes_are_read_and_written_as_their_typecode_says() {
    #[track_caller]
    fn check(typecode: &str, bytes: &[u8], printed: &str) {
        let layout = with(typecode);
        let bytes = [&[1], bytes].concat();
        let data = layout.decode(&bytes).unwrap();
        assert_eq!(data.to_string(), format!("S {{ first: 1, pod: {printed} }}"));
        assert_eq!(layout.encode(&data).unwrap(), bytes);
    }
    let two = |numbers: [f32; 2]| numbers.map(f32::to_ne_bytes).concat();
    check("(2)<f", &two([1.5, -2.0]), "[1.5, -2.0]");
    check("T{<f:x:<f:y:}", &two([1.5, -2.0]), "{x: 1.5, y: -2.0}");
    check("T{2B:red:?:on:c:letter:2x}", &[1, 2, 1, b'a', 0, 0], "{red: [1, 2], on: true, letter: 'a'}");
    check("4s", b"abc\0", "\"abc\"");
    check("(2,2)B", &[1, 2, 3, 4], "[[1, 2], [3, 4]]");
    check("<e", &0x3e00_u16.to_ne_bytes(), "1.5");
    check("B", &[7], "7");
    // Bits that the typecode does not allow, or does not describe, are not lost.
    check("?", &[2], "[2]");
    check("4s", &[0xff, 0, 0, 0], "[255, 0, 0, 0]");
    check("T{B:a:x}", &[1, 2], "[1, 2]");
    check("<e", &0x7e01_u16.to_ne_bytes(), "NaN");
}

/// Without this, a part of a pod would have no name.
#[test]
fn paths_lead_into_described_bytes() {
    let layout = with("T{<H:x:(2)T{B:a:B:b:}:pairs:}");
    let paths: Vec<_> = layout.fields().map(|part| format!("{} @{}", part.path(), part.offset())).collect();
    assert_eq!(
        paths,
        [
            "first @0",
            "pod @1",
            "pod.x @1",
            "pod.pairs @3",
            "pod.pairs[0] @3",
            "pod.pairs[0].a @3",
            "pod.pairs[0].b @4",
            "pod.pairs[1] @5",
            "pod.pairs[1].a @5",
            "pod.pairs[1].b @6",
        ]
    );
    assert_eq!(layout.part("pod.pairs[1].b").unwrap().offset(), 6);
    let error = layout.part("pod.y").unwrap_err().to_string();
    assert_eq!(error, "no part `pod.y`: `pod` has no such field, but `x`, `pairs`");
    assert!(layout.part("pod[0]").unwrap_err().to_string().contains("`pod` is of type `struct`"));
}

/// Without this, the bytes could no longer be written as they are, or data that fits neither would be written.
#[test]
fn described_bytes_are_also_written_as_bytes() {
    let layout = with("T{B:a:?:b:}");
    let write = |pod: DynData| {
        let data = DynData::structure("S", [("first", DynData::from(0_u8)), ("pod", pod)]);
        layout.encode(&data).map(|bytes| bytes[1..].to_vec())
    };
    let fields = |a: u64| DynData::structure("", [("a", DynData::from(a)), ("b", true.into())]);
    assert_eq!(write(fields(7)).unwrap(), [7, 1]);
    assert_eq!(write(DynData::Bytes(vec![7, 2])).unwrap(), [7, 2]);
    assert_eq!(write("0702".into()).unwrap(), [7, 2]);
    assert_eq!(write(vec![DynData::from(7_u8), 2_u8.into()].into()).unwrap(), [7, 2]);
    let error = write(fields(256)).unwrap_err().to_string();
    assert_eq!(error, "`pod.a` cannot hold the given data: expected an integer from 0 to 255 (u8), found 256");
    let error = write(DynData::Bytes(vec![7])).unwrap_err().to_string();
    assert_eq!(error, "`pod` cannot hold the given data: expected a struct, found 1 bytes");
    assert!(with("c").encode(&DynData::structure("S", [("first", 0_u8.into()), ("pod", DynData::from('é'))])).is_ok());
    assert!(with("c").encode(&DynData::structure("S", [("first", 0_u8.into()), ("pod", DynData::from('€'))])).is_err());
}

/// Without this, a typecode of another size than its bytes would cause accesses out of bounds, and a typecode that describes
/// no bytes would make the program panic.
#[test]
fn typecodes_that_do_not_fit_are_ignored() {
    let order = if ORDER == "<" { "little-endian" } else { "big-endian" };
    for typecode in ["<q", "(3)B", "T{B:a:<h:b:}", "nonsense", "T{T{}:a:2s:b:}", "(3)T{}", "T{(9)T{}:a:BB}", ""] {
        let schema = format!("S\na: bytes<2, align 1> as {typecode} @0\nS: 2 bytes, align 1\n{order}\n");
        let layout = DynLayout::parse(&schema).unwrap();
        assert_eq!(layout.decode(&[1, 2]).unwrap().to_string(), "S { a: [1, 2] }", "{typecode}");
        assert_eq!(layout.to_string(), schema);
        assert!(layout.part("a[0]").is_err());
    }
}

/// Without this, a schema of a mebibyte could take hundreds of mebibytes of memory.
#[test]
fn typecodes_are_read_up_to_a_limit() {
    let order = if ORDER == "<" { "little-endian" } else { "big-endian" };
    let field = |name: &str, size: usize, offset: usize| {
        format!("{name}: bytes<{size}, align 1> as T{{{}}} @{offset}\n", "B".repeat(size))
    };
    let size = 40_000;
    let schema =
        format!("S\n{}{}S: {} bytes, align 1\n{order}\n", field("a", size, 0), field("b", size, size), 2 * size);
    let layout = DynLayout::parse(&schema).unwrap();
    assert!(layout.part("a.39999").is_ok() && layout.part("b.0").is_err());
    assert_eq!(layout.to_string(), schema);
}

#[derive(Clone, Copy)]
#[repr(C)]
struct Described {
    matrix: [[f32; 2]; 2],
    mixed: [u8; 16],
    text: [u8; 6],
    halves: [u16; 3],
}

// SAFETY: the offsets are the compiler's, and nothing in these tests reads a value of the type.
unsafe impl SharedValue for Described {
    const LAYOUT: &'static Layout = &Layout::structure::<Self>(
        "Described",
        &[
            Field::pod_as::<[[f32; 2]; 2]>("matrix", offset_of!(Self, matrix), "(2,2)<f"),
            Field::pod_as::<[u8; 16]>("mixed", offset_of!(Self, mixed), "T{<d:x:3B:rgb:?:on:2x<H:n:}"),
            Field::pod_as::<[u8; 6]>("text", offset_of!(Self, text), "(2)3s"),
            Field::pod_as::<[u16; 3]>("halves", offset_of!(Self, halves), "<3e"),
        ],
    );
}

/// Without this, a tool would print a pod differently from the program.
#[test]
#[cfg(target_endian = "little")]
fn pods_are_printed_as_programs_that_know_the_type_print_them() {
    let layout = DynLayout::of::<Described>().unwrap();
    let mut bytes = vec![0; layout.size()];
    let at = |path: &str| layout.part(path).unwrap().offset();
    bytes[at("matrix[0][1]")..][..4].copy_from_slice(&(-0.5_f32).to_ne_bytes());
    bytes[at("mixed.x")..][..8].copy_from_slice(&1e10_f64.to_ne_bytes());
    bytes[at("mixed.rgb[2]")] = 7;
    bytes[at("mixed.on")] = 1;
    bytes[at("mixed.n")] = 9;
    bytes[at("text[1]")..][..2].copy_from_slice("é".as_bytes());
    bytes[at("halves[1]")..][..2].copy_from_slice(&0x3555_u16.to_ne_bytes());
    let printed = Printed { layout: Described::LAYOUT, bytes: &bytes };
    let data = layout.decode(&bytes).unwrap();
    assert_eq!(data.to_string(), format!("{printed:?}"));
    assert_eq!(format!("{data:#}"), format!("{printed:#?}"));
    assert_eq!(layout.encode(&data).unwrap(), bytes);
}
