//! Every layout that a type can have, as text and back, and every value of it as bytes and back.
#![allow(unsafe_code)]

use std::num::{NonZeroI8, NonZeroU64};

use crate::layout::{Field, FixedStr, Kind, Layout, Pod, SharedValue, Variant};
use crate::schema::{DynKind, DynLayout};

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

use structure;

mod made;
mod pods;
mod schemas;
mod segments;
mod values;

/// A struct that has the name of a primitive.
#[allow(non_camel_case_types)]
mod confusing {
    use super::{Field, Layout, SharedValue};

    structure!(pub(super) u64 { u64: u8 = new, bytes: [u16; 2] = new });
}

#[derive(Clone, Copy)]
#[repr(transparent)]
struct Meters(f64);

// SAFETY: the struct is transparent, so its field lies at offset 0. Nothing in these tests reads a value of the type.
unsafe impl SharedValue for Meters {
    const LAYOUT: &'static Layout = &Layout::newtype::<Self>("Meters", &[Field::new::<f64>("0", 0)]);
}

#[derive(Clone, Copy)]
#[repr(i16)]
enum Level {
    #[expect(dead_code, reason = "only its layout counts")]
    Frost = -300,
}

// SAFETY: the layout names the integer of the `repr`. Nothing in these tests reads a value of the type.
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
    lanes: [f64; 3] = atomic,
    open: bool = atomic,
    closed: bool = atomic,
});
structure!(Tinted { tint: Pod<[u16; 3]> = new, after: u8 = new });

#[derive(Clone, Copy)]
#[repr(transparent)]
struct Wrapped(Corner);

// SAFETY: the struct is transparent, so its field lies at offset 0. Nothing in these tests reads a value of the type.
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

/// Repeatable, so that a failure can be seen again.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }
}

/// Fills the bytes of the fields with valid bits.
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
            crate::schema::primitive::put(bytes, number.cast_unsigned());
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
