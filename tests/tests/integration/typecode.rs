//! Typecodes, read by numpy.

use std::io::Write;
use std::num::{NonZeroI8, NonZeroU64};
use std::process::{Command, Stdio};

use shared_value::{FixedStr, Kind, Layout, Pod, SharedValue};
use shared_value_tests::python_with;
use shared_value_tests::values::{
    Account, Assorted, City, Color, Grain, Labelled, Level, Limits, LineTwins, Meters, Mode, Padded, Pair, Rgb, Shade,
    Span, Tally,
};

/// An array inside of a newtype inside of another.
#[derive(SharedValue, Clone, Copy)]
#[repr(transparent)]
struct Row([u16; 3]);

#[derive(SharedValue, Clone, Copy)]
#[repr(transparent)]
struct Rows(Row);

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Tables {
    first: [Row; 2],
    second: [[Row; 2]; 4],
    third: [Rows; 2],
}

/// Starts with single bytes, before any byte order is given.
#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Bytes {
    text: FixedStr<3>,
    flag: bool,
    tiny: i8,
    inner: Inner,
    #[shared(pod)]
    color: Rgb,
    wide: u64,
}

#[derive(SharedValue, Clone, Copy)]
#[repr(C, align(32))]
struct Inner {
    text: FixedStr<1>,
    flags: [bool; 2],
}

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Foreign {
    #[shared(pod)]
    first: Rgb,
    second: [Pod<Rgb>; 2],
    r#fn: u8,
    größe: u32,
}

/// Returns the description that numpy should give of a layout.
fn describe(layout: &Layout) -> String {
    let mut shape = Vec::new();
    let mut element = layout;
    loop {
        element = match element.kind() {
            Kind::Array { length, element } => {
                shape.push(length.to_string());
                element
            }
            Kind::Newtype { inner } => inner,
            _ => break,
        };
    }
    let text = match element.kind() {
        Kind::Scalar { code, .. } => scalar(*code, element.size()),
        Kind::Enum { repr, .. } => describe(repr),
        Kind::Text => format!("|S{}", element.size()),
        Kind::Bytes => {
            shape.push(element.size().to_string());
            "|u1".to_owned()
        }
        Kind::Struct { fields } => {
            let fields: Vec<_> = fields
                .iter()
                .map(|field| format!("{}@{}:{}", field.name(), field.offset(), describe(field.layout())))
                .collect();
            format!("{{{} ={}}}", fields.join(" "), element.size())
        }
        kind => panic!("this test does not know the kind {kind:?}"),
    };
    if shape.is_empty() { text } else { format!("({}){text}", shape.join(",")) }
}

fn scalar(code: char, size: usize) -> String {
    let kind = match code {
        'b' | 'h' | 'i' | 'q' => 'i',
        'B' | 'H' | 'I' | 'Q' => 'u',
        'f' | 'd' => 'f',
        '?' => 'b',
        'w' => 'U',
        _ => panic!("this test does not know the code {code}"),
    };
    let order = match (size, cfg!(target_endian = "little")) {
        (1, _) => '|',
        (_, true) => '<',
        (_, false) => '>',
    };
    let size = if kind == 'U' { 1 } else { size };
    format!("{order}{kind}{size}")
}

/// A typecode that numpy understood differently would give tools other bytes than the fields they ask for.
#[test]
fn numpy_agrees_on_every_offset() {
    macro_rules! described {
        ($($type:ty),* $(,)?) => {
            [$((stringify!($type), <$type>::TYPECODE, <$type>::LAYOUT)),*]
        };
    }
    let types = described![
        i8, u8, i16, u16, i32, u32, i64, u64, isize, usize, f32, f64, bool, char, NonZeroI8, Option<NonZeroU64>,
        City, [u8; 3], [[f64; 2]; 3], [char; 2], [City; 2], Mode, Level, Color, Meters, Shade, Pair, Span, Limits,
        [Span; 2], Account, Tally, LineTwins, Grain, Padded, Assorted, Labelled<Span, 5>, Labelled<[bool; 2], 1>,
        Row, Rows, [Row; 2], [Rows; 2], Tables, Inner, Bytes, Pod<Rgb>, [Pod<Rgb>; 2], Foreign,
    ];
    let Some(python) = python_with("numpy") else { return };
    let mut numpy = Command::new(python)
        .arg("-c")
        .arg(include_str!("typecode.py"))
        .env("PYTHONIOENCODING", "utf-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = numpy.stdin.take().unwrap();
    for (_, typecode, layout) in &types {
        writeln!(input, "{typecode}\t{}", layout.size()).unwrap();
    }
    drop(input);
    let output = numpy.wait_with_output().unwrap();
    assert!(output.status.success());
    let answers = String::from_utf8(output.stdout).unwrap();
    assert_eq!(answers.lines().count(), types.len(), "{answers}");
    let wrong: Vec<_> = types
        .iter()
        .zip(answers.lines())
        .map(|((name, typecode, layout), answer)| (name, typecode, describe(layout), answer))
        .filter(|(_, _, expected, answer)| expected != answer)
        .map(|(name, typecode, expected, answer)| {
            format!("{name}: numpy reads {typecode}\n  as       {answer}\n  not as   {expected}")
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
