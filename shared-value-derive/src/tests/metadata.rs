//! Parts of the impl of `SharedValue`.

use std::collections::BTreeSet;

use super::expand;

#[track_caller]
fn assert_contains(source: &str, part: &str) {
    let output = expand(source).to_string();
    assert!(output.contains(part), "`{part}` is not in {output}");
}

/// Without this, a newtype would not have the layout of its field.
#[test]
fn newtypes() {
    assert_contains("#[repr(transparent)] struct Meters(f64);", ":: DESCRIBE . newtype :: < Self > (\"Meters\"");
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

/// Without this, adding an attribute macro below the derive could change fields that were described already. If the fields
/// were compared by reference, a `&u64` would pass for a `u64`.
#[test]
fn described_fields_are_compared_with_the_real_ones() {
    assert_contains(
        "#[repr(C)] struct S(u8, [T; 2]);",
        "fn unchanged (S { 0 : field_0 , 1 : field_1 } : S) { let _ : u8 = field_0 ; let _ : [T ; 2] = field_1 ; }",
    );
}

/// Without this, a module that `#[shared(crate = "..")]` names could substitute its own functions for the library's, and
/// misdescribe the fields.
#[test]
fn an_impl_is_made_by_way_of_the_trait_alone() {
    let source =
        "#[shared(crate = \"other\")] #[repr(C)] struct S { x: u8, #[shared(pod)] y: F, #[shared(atomic)] z: u64 }";
    let output = expand(source).to_string();
    let start = output.find("unsafe impl other :: __private :: SharedValue for S {").unwrap();
    let implementation = &output[start..start + output[start..].find("const fn fields_of").unwrap()];
    let is_end = |letter: char| !letter.is_alphanumeric();
    let uses = implementation.split("other :: __private :: ").skip(1).map(|rest| rest.split(is_end).next().unwrap());
    let others = uses.filter(|name| *name != "SharedValue").collect::<BTreeSet<_>>();
    // Types that the trait requires, a bound, and questions whose answers are discarded.
    assert_eq!(others, BTreeSet::from(["Describe", "Field", "FieldVisitor", "TypeLayout"]));
    assert_eq!(implementation.matches(":: Describe ::").count(), implementation.matches("let _ = other").count());
}

/// Without this, one field that cannot be shared would be reported once for each accessor.
#[test]
fn every_body_asks_the_same_question_first() {
    let output = expand("#[repr(C)] struct S { x: Inner, y: [Inner; 2], z: u8, w: [u8; 2] }");
    let output = output.to_string();
    let question = |ty: &str| {
        let question = format!("let _ = :: shared_value :: __private :: Describe :: field :: < {ty} > ;");
        output.matches(&question).count()
    };
    assert_eq!(question("Inner"), 5, "the description, the visitor and three accessors");
    assert_eq!(question("[Inner ; 2]"), 5, "the description, the visitor and three accessors");
    assert_eq!(question("u8") + question("[u8 ; 2]"), 0, "those are known");
}

/// `Variant()` names a function. Without this, that function would be cast to an integer.
#[test]
fn variants_with_empty_parentheses() {
    let output = expand("#[repr(u8)] enum E { A, B(), C {} }").to_string();
    for value in ["Self :: A as", "Self :: B { } as", "Self :: C { } as"] {
        assert!(output.contains(value), "{output}");
    }
}

/// Without this, a negative discriminant would be sign-extended before the comparison, and no bits that were read would be
/// valid.
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
