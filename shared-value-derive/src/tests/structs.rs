//! Representations, shapes and parameters of structs.

use super::problems;

/// Without this, a layout that differs between compilers, or whose fields straddle words, would be shared.
#[test]
fn representations() {
    let missing = "`SharedValue` needs a fixed layout: add `#[repr(C)]`";
    assert_eq!(problems("struct S { x: u8 }"), [format!("1:7 {missing}")]);
    assert_eq!(problems("#[repr(align(8))] struct S { x: u8 }"), [format!("1:25 {missing}")]);
    let other = "`SharedValue` needs a fixed layout: write `#[repr(C)]`";
    for repr in ["Rust", "u8", "simd"] {
        let source = format!("#[repr({repr})] struct S {{ x: u8 }}");
        assert_eq!(problems(&source), [format!("1:7 {other}")]);
    }
    let packed = "a `packed` field can straddle two words, and shared memory is accessed in \
                  whole words: write `#[repr(C)]` and order the fields by size";
    for (repr, column) in [("packed", 7), ("C, packed", 10), ("C, r#packed", 10), ("packed(2), C", 7)] {
        let source = format!("#[repr({repr})] struct S {{ x: u8 }}");
        assert_eq!(problems(&source), [format!("1:{column} {packed}")]);
    }
    for repr in ["C", "C, align(64)", "align(64), C", "transparent"] {
        let source = format!("#[repr({repr})] struct S {{ x: u8 }}");
        assert_eq!(problems(&source), [""; 0]);
    }
    assert_eq!(problems("#[repr(C)] #[repr(align(64))] struct S(u8);"), [""; 0]);
}

/// Without this, a type of size zero would get a cell.
#[test]
fn empty_structs() {
    for source in ["#[repr(C)] struct S;", "#[repr(C)] struct S {}", "#[repr(C)] struct S();"] {
        assert_eq!(problems(source), ["1:18 `S` has nothing to share: add a field"]);
    }
}

/// Without this, a newtype would have the layout of its first field, and the other fields would be hidden.
#[test]
fn newtypes_have_one_field() {
    assert_eq!(
        problems("#[repr(transparent)] struct S(u8, ());"),
        ["1:34 a `#[repr(transparent)]` newtype shares one field: remove this one, or write \
             `#[repr(C)]`"]
    );
}

/// Without this, an atomic field would have no word, and an access to it would panic.
#[test]
fn newtypes_are_not_atomic() {
    assert_eq!(
        problems("#[repr(transparent)] struct S(#[shared(atomic)] u64);"),
        ["1:39 the field of a newtype lies in it and has no word of its own: write `#[repr(C)]`"]
    );
}

/// Without this, bytes of one field would be read as another field.
#[test]
fn unions() {
    assert_eq!(
        problems("#[repr(C)] union U { x: u8, y: u32 }"),
        ["1:11 the bytes of a union do not tell what they mean: share a `#[repr(C)]` struct"]
    );
}

/// Without this, rustc would ask for `'static` bounds on generated items.
#[test]
fn lifetimes() {
    let message = |lifetime| format!("a shared value borrows nothing from its process: remove `{lifetime}`");
    assert_eq!(
        problems("#[repr(C)] struct S<'a, 'b: 'a, T> { x: T, y: Foreign<'a> }"),
        [format!("1:20 {}", message("'a")), format!("1:24 {}", message("'b"))]
    );
    assert_eq!(
        problems("#[repr(C)] struct S<'a> { x: &'a str }"),
        ["1:29 a reference points into the memory of one process: use `FixedStr<N>`"],
        "without the reference, nobody needs the lifetime"
    );
}

/// Without this, the user would fix one error and then get the next.
#[test]
fn all_problems_at_once() {
    let source = "struct S<'a> {
    a: String,
    #[shared(atomik)] b: u64,
    x: u8,
    set_x: u8,
    c: Foreign<'a>,
}";
    let lines =
        problems(source).iter().map(|problem| problem.split_once(':').unwrap().0.to_owned()).collect::<Vec<_>>();
    assert_eq!(lines, ["1", "3", "2", "5", "1"]);
}
