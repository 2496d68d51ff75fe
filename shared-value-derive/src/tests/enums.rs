//! Enums: their integer, their variants and their bits.

use super::problems;

/// Without this, an enum whose size the compiler is free to choose would be shared, or the message would propose an integer
/// that does not hold the discriminants.
#[test]
fn the_message_proposes_the_smallest_integer() {
    for (variants, integer) in [
        ("A, B", "u8"),
        ("A = 255", "u8"),
        ("A = 255, B", "u16"),
        ("A = 0x1_0000", "u32"),
        ("A = 0xffff_ffff, B", "u64"),
        ("A = -1, B", "i8"),
        ("A = -1, B = 128", "i16"),
        ("A = -40_000", "i32"),
        ("A = -1, B = 0xffff_ffff", "i64"),
        ("A = b'x'", "u8"),
        ("A = OTHER", "i32"),
    ] {
        assert_eq!(
            problems(&format!("enum E {{ {variants} }}")),
            [format!("1:5 `SharedValue` needs a fixed layout: add `#[repr({integer})]`")]
        );
    }
}

/// Without this, the size of the enum would be up to the compiler, or differ from the size of its integer.
#[test]
fn other_representations() {
    for repr in ["C", "Rust", "u128", "transparent"] {
        let source = format!("#[repr({repr})] enum E {{ A, B }}");
        assert_eq!(problems(&source), ["1:7 a shared enum is an integer of at most 64 bits: write `#[repr(u8)]`"]);
    }
    assert_eq!(
        problems("#[repr(u8, align(4))] enum E { A, B }"),
        ["1:11 a shared enum is exactly as large as its integer: remove `align`, and align \
             the struct that holds the enum"]
    );
    for repr in ["u8", "i64", "usize", "isize", "C, u8"] {
        assert_eq!(problems(&format!("#[repr({repr})] enum E {{ A }}")), [""; 0]);
    }
}

/// Without this, a peer could write a tag that does not fit the data.
#[test]
fn variants_with_data() {
    let message = "an enum with data has no fixed layout: remove the data, and store it in a \
                   struct beside the enum";
    assert_eq!(
        problems("#[repr(u8)] enum E { A, B(u8),\n C { x: u8 } }"),
        [format!("1:25 {message}"), format!("2:3 {message}")]
    );
    assert_eq!(problems("#[repr(u8)] enum E { A(), B {} }"), [""; 0]);
}

/// Without this, an enum that has no valid bits would be shared.
#[test]
fn empty_enums() {
    for (source, column) in [("#[repr(u8)] enum E {}", 17), ("enum E {}", 5)] {
        let message = "`E` has no value that could be shared: add a variant";
        assert_eq!(problems(source), [format!("1:{column} {message}")]);
    }
}

/// Without this, a word on a variant would be ignored silently.
#[test]
fn attributes_on_variants() {
    assert_eq!(
        problems("#[repr(u8)] enum E { #[shared(atomic)] A }"),
        ["1:21 `#[shared(..)]` has no meaning on a variant: remove it"]
    );
}
