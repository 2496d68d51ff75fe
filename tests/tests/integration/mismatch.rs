//! Segments of another layout.
#![allow(dead_code)] // Types that never open do not use their accessors.

use std::fs;

use shared_value::{Error, FixedStr, Pod, SharedValue, Synchronized};

/// The types of the program that created the segment.
mod original {
    use shared_value::SharedValue;

    #[derive(SharedValue, Clone, Copy)]
    #[repr(u8)]
    pub(crate) enum Kind {
        Open = 0,
        Closed = 1,
    }

    #[derive(SharedValue, Clone, Copy)]
    #[repr(C)]
    pub(crate) struct Point {
        pub(crate) x: f64,
        pub(crate) y: f64,
    }

    #[derive(SharedValue, Clone, Copy)]
    #[repr(C)]
    pub(crate) struct Shape {
        pub(crate) width: u32,
        pub(crate) height: u32,
        pub(crate) tags: [u16; 4],
        pub(crate) kind: Kind,
        pub(crate) corners: [Point; 2],
        pub(crate) hits: u64,
    }
}

use original::{Kind, Point, Shape};

/// A type that differs from `Shape`; the name of its module says how.
macro_rules! variant {
    ($variant:ident, $name:ident { $($(#[$attribute:meta])* $field:ident: $type:ty),* $(,)? } $($more:item)*) => {
        mod $variant {
            #[allow(unused_imports)]
            use super::original::*;
            use shared_value::SharedValue;

            $($more)*

            #[derive(SharedValue, Clone, Copy)]
            #[repr(C)]
            pub(crate) struct $name {
                $($(#[$attribute])* pub(crate) $field: $type),*
            }
        }
    };
}

variant! { swapped, Shape { height: u32, width: u32, tags: [u16; 4], kind: Kind, corners: [Point; 2], hits: u64 } }
variant! { renamed, Shape { width: u32, depth: u32, tags: [u16; 4], kind: Kind, corners: [Point; 2], hits: u64 } }
variant! { signed, Shape { width: u32, height: i32, tags: [u16; 4], kind: Kind, corners: [Point; 2], hits: u64 } }
variant! { float, Shape { width: u32, height: f32, tags: [u16; 4], kind: Kind, corners: [Point; 2], hits: u64 } }
variant! { wider, Shape { width: u32, height: u64, tags: [u16; 4], kind: Kind, corners: [Point; 2], hits: u64 } }
variant! { longer, Shape { width: u32, height: u32, tags: [u16; 5], kind: Kind, corners: [Point; 2], hits: u64 } }
variant! { nested, Shape { width: u32, height: u32, tags: [[u16; 2]; 2], kind: Kind, corners: [Point; 2], hits: u64 } }
variant! { fewer, Shape { width: u32, height: u32, tags: [u16; 4], kind: Kind, corners: [Point; 2] } }
variant! { more, Shape {
    width: u32, height: u32, tags: [u16; 4], kind: Kind, corners: [Point; 2], hits: u64, misses: u64
} }
variant! { hole, Shape { width: u32, height: u32, tags: [u16; 4], kind: u8, corners: [Point; 2], hits: u64 } }
variant! { other_name, Figure {
    width: u32, height: u32, tags: [u16; 4], kind: Kind, corners: [Point; 2], hits: u64
} }
variant! { atomic, Shape {
    width: u32, height: u32, tags: [u16; 4], kind: Kind, corners: [Point; 2], #[shared(atomic)] hits: u64
} }
variant! { other_kind, Shape {
    width: u32, height: u32, tags: [u16; 4], kind: Kind, corners: [Point; 2], hits: u64
}
    #[derive(SharedValue, Clone, Copy)]
    #[repr(u8)]
    pub(crate) enum Kind { Open = 0, Closed = 1, Locked = 2 }
}
variant! { other_number, Shape {
    width: u32, height: u32, tags: [u16; 4], kind: Kind, corners: [Point; 2], hits: u64
}
    #[derive(SharedValue, Clone, Copy)]
    #[repr(u8)]
    pub(crate) enum Kind { Open = 0, Closed = 2 }
}
variant! { other_point, Shape {
    width: u32, height: u32, tags: [u16; 4], kind: Kind, corners: [Point; 2], hits: u64
}
    #[derive(SharedValue, Clone, Copy)]
    #[repr(C)]
    pub(crate) struct Point { pub(crate) x: f64, pub(crate) z: f64 }
}

/// Opens the segment as a `T`, and asserts that it fails with this explanation and changes nothing.
#[track_caller]
fn assert_refused<T: SharedValue>(path: &std::path::Path, explanation: &str) {
    let before = fs::read(path).unwrap();
    let error = Synchronized::<T>::open(path).expect_err(explanation);
    assert!(matches!(error, Error::LayoutMismatch { .. }), "{error:?}");
    let message = error.to_string();
    let beginning = format!("`{}` holds another layout: {explanation}; open it with", path.display());
    assert!(message.starts_with(&beginning), "{message}\ndoes not begin with\n{beginning}");
    assert_eq!(fs::read(path).unwrap(), before, "the file was changed, although: {message}");
}

/// Without the comparison, one program's width would be the other's height.
#[test]
fn every_difference_is_refused_and_named() {
    let shape = Shape {
        width: 1,
        height: 2,
        tags: [3; 4],
        kind: Kind::Closed,
        corners: [Point { x: 1.0, y: 2.0 }; 2],
        hits: 4,
    };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("shape");
    let created = Synchronized::create(&path, shape).unwrap();
    for is_open in [true, false] {
        assert_refused::<swapped::Shape>(&path, "expected `height: u32 at byte 0`, found `width: u32 at byte 0`");
        assert_refused::<renamed::Shape>(
            &path,
            "the segment has no field `depth`, which this program expects as `depth: u32 at byte 4`",
        );
        assert_refused::<signed::Shape>(&path, "expected `height: i32 at byte 4`, found `height: u32 at byte 4`");
        assert_refused::<float::Shape>(&path, "expected `height: f32 at byte 4`, found `height: u32 at byte 4`");
        assert_refused::<wider::Shape>(&path, "expected `height: u64 at byte 8`, found `height: u32 at byte 4`");
        assert_refused::<longer::Shape>(&path, "expected `tags: [u16; 5] at byte 8`, found `tags: [u16; 4] at byte 8`");
        assert_refused::<nested::Shape>(
            &path,
            "expected `tags: [[u16; 2]; 2] at byte 8`, found `tags: [u16; 4] at byte 8`",
        );
        assert_refused::<fewer::Shape>(
            &path,
            "the segment has a field `hits`, as `hits: u64 at byte 56`, which this program does not have",
        );
        assert_refused::<more::Shape>(
            &path,
            "the segment has no field `misses`, which this program expects as `misses: u64 at byte 64`",
        );
        assert_refused::<hole::Shape>(
            &path,
            "expected `kind: u8 at byte 16`, found `kind: Kind(u8: Open=0, Closed=1) at byte 16`",
        );
        assert_refused::<other_name::Figure>(&path, "the type is another: expected `Figure`, found `Shape`");
        assert_refused::<atomic::Shape>(&path, "expected `hits: atomic u64 at byte 56`, found `hits: u64 at byte 56`");
        assert_refused::<other_kind::Shape>(
            &path,
            "expected `kind: Kind(u8: Open=0, Closed=1, Locked=2) at byte 16`, \
             found `kind: Kind(u8: Open=0, Closed=1) at byte 16`",
        );
        assert_refused::<other_number::Shape>(
            &path,
            "expected `kind: Kind(u8: Open=0, Closed=2) at byte 16`, \
             found `kind: Kind(u8: Open=0, Closed=1) at byte 16`",
        );
        assert_refused::<other_point::Shape>(
            &path,
            "the segment has no field `corners[].z`, which this program expects as `corners[].z: f64 at byte 32`",
        );
        assert_refused::<u64>(&path, "the type is another: expected `u64`, found `Shape`");
        // In the second round no process has the file open.
        if is_open {
            drop(created.clone());
        }
    }
    drop(created);
    let opened = Synchronized::<Shape>::open(&path).expect("the segment is unchanged");
    assert_eq!((opened.get().width, opened.get().tags, opened.version()), (1, [3; 4], 0));
}

/// Without names and alignments in the comparison, types of one size would open each other's segments.
#[test]
fn types_of_one_size_are_told_apart() {
    #[derive(SharedValue, Clone, Copy)]
    #[repr(C, align(16))]
    struct Shape {
        width: u64,
    }
    mod loose {
        #[derive(shared_value::SharedValue, Clone, Copy)]
        #[repr(C)]
        pub(super) struct Shape {
            pub(super) width: u64,
        }
    }
    #[derive(SharedValue, Clone, Copy)]
    #[repr(transparent)]
    struct Meters(u64);

    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    Synchronized::create(path("u64"), 1_u64).unwrap();
    assert_refused::<i64>(&path("u64"), "the type is another: expected `i64`, found `u64`");
    assert_refused::<f64>(&path("u64"), "the type is another: expected `f64`, found `u64`");
    assert_refused::<usize>(&path("u64"), "the type is another: expected `usize`, found `u64`");
    assert_refused::<Meters>(&path("u64"), "the type is another: expected `Meters(u64)`, found `u64`");
    assert_refused::<[u64; 1]>(&path("u64"), "the type is another: expected `[u64; 1]`, found `u64`");
    assert_refused::<loose::Shape>(&path("u64"), "the type is another: expected `Shape`, found `u64`");
    Synchronized::create(path("aligned"), Shape { width: 1 }).unwrap();
    assert_refused::<loose::Shape>(
        &path("aligned"),
        "expected `Shape: 8 bytes, align 8`, found `Shape: 16 bytes, align 16`",
    );
    Synchronized::create(path("text"), FixedStr::<8>::default()).unwrap();
    assert_refused::<[u8; 8]>(&path("text"), "the type is another: expected `[u8; 8]`, found `FixedStr<8>`");
    assert_refused::<FixedStr<9>>(
        &path("text"),
        "expected `FixedStr<9>: 9 bytes, align 1`, found `FixedStr<8>: 8 bytes, align 1`",
    );
    Synchronized::create(path("bytes"), Pod([0_u8; 8])).unwrap();
    assert_refused::<Pod<[u32; 2]>>(
        &path("bytes"),
        "expected `bytes<8, align 4>: 8 bytes, align 4`, found `bytes<8, align 1>: 8 bytes, align 1`",
    );
}

/// A refused opening must not free a lock that was left over: it does not know what the segment holds.
#[test]
fn a_refused_segment_with_a_held_lock_is_not_changed() {
    let directory = tempfile::tempdir().unwrap();
    let (path, copy) = (directory.path().join("value"), directory.path().join("copy"));
    let value = Synchronized::create(&path, 1_u64).unwrap();
    let guard = value.lock().unwrap();
    fs::copy(&path, &copy).unwrap();
    drop(guard);
    assert_refused::<i64>(&copy, "the type is another: expected `i64`, found `u64`");
    let opened = Synchronized::<u64>::open(&copy).unwrap();
    assert!(opened.try_lock().unwrap().recovered());
}
