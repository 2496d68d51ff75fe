//! Parts of the impl of `SharedValue`.

use super::expand;

#[track_caller]
fn assert_contains(source: &str, part: &str) {
    let output = expand(source).to_string();
    assert!(output.contains(part), "`{part}` is not in {output}");
}

/// Without this, a newtype would not have the layout of its field.
#[test]
fn newtypes() {
    assert_contains("#[repr(transparent)] struct Meters(f64);", ":: TypeLayout :: newtype :: < Self > (\"Meters\"");
}

/// Without this, the macro would work only under the name `shared_value`.
#[test]
fn renamed_crate() {
    for source in [
        "#[repr(C)] #[shared(crate = \"crate::other\", size = 8)] struct S { #[shared(atomic)] x: u64 }",
        "#[repr(u8)] #[shared(crate = \"crate::other\")] enum S { A }",
        "#[shared(crate = \"crate::other\")] struct S { x: String }",
    ] {
        let output = expand(source).to_string();
        assert!(!output.contains("shared_value"), "{output}");
    }
}

/// Without this, adding an attribute macro below the derive could change fields that were
/// described already.
#[test]
fn described_fields_are_compared_with_the_real_ones() {
    assert_contains(
        "#[repr(C)] struct S(u8, [T; 2]);",
        "let S { 0 : field_0 , 1 : field_1 } = value ; let _ : & u8 = field_0 ; \
         let _ : & [T ; 2] = field_1",
    );
}

/// Without this, one field that cannot be shared would be reported once for each accessor.
#[test]
fn every_body_asks_the_same_question_first() {
    let output = expand("#[repr(C)] struct S { x: Inner, y: [Inner; 2], z: u8, w: [u8; 2] }");
    let output = output.to_string();
    let question = |ty: &str| {
        let question = format!("let _ = :: shared_value :: __private :: Field :: new :: < {ty} > ;");
        output.matches(&question).count()
    };
    assert_eq!(question("Inner"), 6, "the visitor and five accessors");
    assert_eq!(question("[Inner ; 2]"), 12, "the visitor and eleven accessors");
    assert_eq!(question("u8") + question("[u8 ; 2]"), 0, "those are known");
}

/// Without this, a variant with empty parentheses would be cast as the function that it is.
#[test]
fn variants_with_empty_parentheses() {
    let output = expand("#[repr(u8)] enum E { A, B(), C {} }").to_string();
    for value in ["Self :: A as", "Self :: B { } as", "Self :: C { } as"] {
        assert!(output.contains(value), "{output}");
    }
}

/// Without this, a negative discriminant would be compared with its sign extended, and no bits
/// that were read would be valid.
#[test]
fn negative_discriminants_are_compared_as_they_lie_in_memory() {
    for (integer, unsigned) in [("i8", "u8"), ("isize", "usize")] {
        let output = expand(&format!("#[repr({integer})] enum E {{ A = -1 }}")).to_string();
        let cast = format!(
            "bits == Self :: A as :: core :: primitive :: {integer} as :: core :: primitive :: \
             {unsigned} as :: core :: primitive :: u64"
        );
        assert!(output.contains(&cast), "{output}");
    }
}
