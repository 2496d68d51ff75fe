//! Layouts that are made by code or from typecodes.

use super::{All, Level, Meters, Tinted, assert_agree, confusing, layouts};
use crate::error::Error;
use crate::layout::{Layout, SharedValue};
use crate::schema::{DynKind, DynLayout};

const ORDER: char = if cfg!(target_endian = "little") { '<' } else { '>' };

fn of<T: SharedValue>() -> DynLayout {
    DynLayout::of::<T>().unwrap()
}

/// Without this, a program in another language would place fields elsewhere than Rust does.
#[test]
fn a_layout_made_by_code_is_that_of_the_type() {
    let level =
        DynLayout::enumeration::<i16>("Level").variant("Frost", -300).variant("Cold", -1).variant("Warm", 300).build();
    let level = level.unwrap();
    assert_agree(&level, Level::LAYOUT);
    let meters = DynLayout::newtype("Meters", of::<f64>()).unwrap();
    assert_agree(&meters, Meters::LAYOUT);
    let point = DynLayout::structure("Point").field::<f64>("x").field_of("kind", level).field::<f32>("y").build();
    let corner = DynLayout::structure("Corner").field_of("at", point.unwrap()).atomic::<u64>("hits").build().unwrap();
    let array = |element, length| DynLayout::array(element, length).unwrap();
    let number = DynLayout::structure("u64").field::<u8>("u64").field::<[u16; 2]>("bytes").build().unwrap();
    assert_agree(&number, confusing::u64::LAYOUT);
    let all = DynLayout::structure("All")
        .field::<i8>("tiny")
        .field::<bool>("on")
        .field::<char>("letter")
        .field_of("city", DynLayout::text(5).unwrap())
        .field::<std::num::NonZeroU64>("serial")
        .field::<Option<std::num::NonZeroI8>>("change")
        .atomic::<u64>("requests")
        .field::<[[u8; 3]; 2]>("grid")
        .field_of("corners", array(array(corner, 2), 1))
        .field_of("heights", array(meters, 2))
        .field_of("number", number)
        .atomic::<i64>("balance")
        .atomic::<[f64; 3]>("lanes")
        .atomic::<bool>("open")
        .atomic::<bool>("closed")
        .build()
        .unwrap();
    assert_agree(&all, All::LAYOUT);
    assert_eq!(all, of::<All>());
    let tinted = DynLayout::structure("Tinted").field_of("tint", DynLayout::bytes(6, 2).unwrap()).field::<u8>("after");
    assert_agree(&tinted.build().unwrap(), Tinted::LAYOUT);
    let aligned = DynLayout::structure("Aligned").field::<u8>("one").align(64).build().unwrap();
    assert_eq!((aligned.size(), aligned.align()), (64, 64));
    assert_eq!(all.renamed("Other").unwrap().name(), "Other");
}

/// Without this, a segment could be made that no program can read.
#[test]
fn layouts_that_cannot_be_are_refused() {
    #[track_caller]
    fn refused(made: Result<DynLayout, Error>, expected: &str) {
        let error = made.unwrap_err().to_string();
        assert!(error.contains("is not the layout of a value") && error.contains(expected), "{error}");
    }
    let point = || DynLayout::structure("Point");
    refused(point().build(), "the lines of the fields of `Point`");
    refused(point().field::<u8>("x").field::<u8>("x").build(), "one field of a name");
    for name in ["", "a b", "a.b", "x: u8 @0\ny", "[0]"] {
        refused(point().field::<u8>(name).build(), "a name of letters, digits and `_`");
        refused(DynLayout::structure(name).field::<u8>("x").build(), "a name of letters, digits and `_`");
        refused(DynLayout::newtype(name, of::<u8>()), "a name of letters, digits and `_`");
        refused(DynLayout::enumeration::<u8>("E").variant(name, 0).build(), "a name of letters, digits and `_`");
    }
    refused(point().field::<u8>("x").align(3).build(), "power of two");
    refused(DynLayout::array(of::<u8>(), 0), "a size between 1 and");
    refused(DynLayout::array(of::<u64>(), usize::MAX), "at most");
    let slice = DynLayout::slice(of::<u8>()).unwrap();
    refused(point().field_of("x", slice.clone()).build(), "expected an array, found a slice");
    refused(DynLayout::slice(slice.clone()), "expected `; `");
    refused(DynLayout::newtype("New", slice), "expected `; `");
    let half = DynLayout::array(of::<u8>(), isize::MAX as usize).unwrap();
    refused(point().field_of("x", half.clone()).field_of("y", half.clone()).build(), "an end below");
    refused(point().field_of("x", half.clone()).field_of("y", half.clone()).field_of("z", half).build(), "memory");
    refused(DynLayout::text(0), "a size between 1 and");
    refused(DynLayout::bytes(3, 2), "a multiple of 2");
    refused(DynLayout::pod("x", 3), "power of two");
    refused(DynLayout::pod("y", 1), "a typecode is made of the letters");
    refused(DynLayout::array(DynLayout::pod("B", 1).unwrap(), 2), "expected");
    refused(DynLayout::enumeration::<u8>("E").build(), "a name");
    refused(DynLayout::enumeration::<u8>("E").variant("A", 256).build(), "a number of u8");
    refused(
        DynLayout::enumeration::<u8>("E").variant("A", 1).variant("B", 1).build(),
        "one variant of a name or number",
    );
    refused(DynLayout::enumeration::<f32>("E").variant("A", 1).build(), "an integer");
    refused(of::<u8>().renamed("Byte"), "has a name of its own");
    let deep = (0..200).try_fold(of::<u8>(), |inner, _| DynLayout::newtype("N", inner));
    refused(deep, "at most 128 types inside of each other");
}

/// Returns the innermost fields of the value, with their offsets and sizes.
fn leaves(layout: &DynLayout) -> Vec<(String, usize, usize)> {
    let parts = layout.fields().filter(|part| !matches!(part.layout().unwrapped().kind(), DynKind::Struct { .. }));
    parts.map(|part| (part.path().to_owned(), part.offset(), part.layout().size())).collect()
}

/// Without this, a buffer of numpy would become a value whose fields lie elsewhere.
#[test]
fn a_typecode_gives_the_offsets_of_its_type() {
    fn check(layout: &'static Layout, typecode: &str) {
        let read = DynLayout::from_typecode(typecode).unwrap_or_else(|error| panic!("{typecode}: {error}"));
        let typed = DynLayout::parse(&crate::layout::schema_text(layout)).unwrap();
        assert_eq!(read.size(), layout.size(), "{typecode}");
        assert_eq!(leaves(&read), leaves(&typed), "{typecode}");
        assert_eq!(DynLayout::parse(&read.to_string()).unwrap(), read);
    }
    macro_rules! check {
        ($($type:ty),*) => {$(
            check(<$type>::LAYOUT, <$type>::TYPECODE);
        )*};
    }
    check!(u64, i8, bool, char, f32, isize, [[f32; 3]; 2], [super::Point; 3], super::FixedStr<9>, Level, Meters);
    check!(super::Point, super::Corner, super::Wrapped, confusing::u64, All, Tinted, [All; 2]);
    assert!(layouts().len() > 10);
    assert_eq!(DynLayout::from_typecode(<[[f32; 3]; 2]>::TYPECODE).unwrap(), of::<[[f32; 3]; 2]>());
}

/// Without this, packed records, which are numpy's default, could not be shared.
#[test]
fn what_rust_has_no_place_for_becomes_bytes() {
    let read = |text: &str| DynLayout::from_typecode(&text.replace('<', &ORDER.to_string()));
    let schema = |text: &str| read(text).unwrap().to_string().replace(ORDER, "<");
    let packed = schema("T{B:kind:<d:price:(2)<e:halves:c:letter:}");
    assert!(packed.contains("kind: u8 @0\nprice: bytes<8, align 1> as <d @1\n"), "{packed}");
    assert!(packed.contains("halves: bytes<4, align 1> as (2)<e @9\nletter: bytes<1, align 1> as c @13\n"), "{packed}");
    assert!(packed.contains("struct: 14 bytes, align 1\n"), "{packed}");
    // A trailing byte makes the size no multiple of 8.
    assert!(schema("T{<q:a:B:b:}").starts_with("struct\na: bytes<8, align 1> as <q @0\nb: u8 @8\n"));
    assert!(schema("T{<q:a:B:b:7x}").starts_with("struct\na: i64 @0\nb: u8 @8\nstruct: 16 bytes, align 8\n"));
    assert!(schema("T{B:a:3x(2)T{<i:x:<i:y:}:points:}").contains("points[].y: i32 @8\n"));
    assert!(schema("T{B:a:(2)T{<i:x:B:y:}:points:}").contains("points: [struct; 2] @1\npoints[].x: bytes<4, align 1>"));
    assert!(schema("T{B<h}").starts_with("struct\n0: u8 @0\n1: bytes<2, align 1> as <h @1\n"));
    for (text, expected) in [
        ("", "a typecode is made of"),
        ("<e", "make it a field"),
        ("T{}", "a struct in a typecode has a field"),
        ("d", "names the byte order"),
        ("T{B:a:B:a:}", "one field of a name"),
        ("T{B:a b:}", "the lines of the fields"),
    ] {
        let error = read(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}
