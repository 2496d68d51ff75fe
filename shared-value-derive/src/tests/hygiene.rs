//! Names in the output must not refer to the user's items.

use super::expand;

#[track_caller]
fn assert_contains(source: &str, part: &str) {
    let output = expand(source).to_string();
    assert!(output.contains(part), "`{part}` is not in {output}");
}

/// Without this, a generated type parameter would shadow a type of the user's.
#[test]
fn type_parameters_avoid_the_names_in_the_input() {
    let source = "#[repr(C)] struct S { x: A, y: [R; 2], z: V }";
    assert_contains(source, "type SynchronizedS < A_ =");
    assert_contains(source, "fn update_x < R_ >");
    assert_contains(source, "fn fields < V_ :");
    assert_contains("#[repr(u8)] enum A { X }", "SynchronizedA < A_ =");
    assert_contains("#[repr(C)] struct S { x: H }", "struct SAccessors < H_ >");
}

/// Without this, the length of a user's array could refer to a function of the macro, and a local of the macro could be
/// taken for a user's constant as a pattern.
#[test]
fn functions_and_locals_avoid_the_names_in_the_input() {
    let source = "#[repr(C)] struct S { a: [u8; unchanged()], b: [u8; fields_of()], c: [u8; value], d: [u8; change] }";
    for part in ["fn unchanged_ (", "fn fields_of_ <", "set_a (& self , value_ :", "change_ : impl"] {
        assert_contains(source, part);
    }
}

/// Without this, `Self` in a field's type would mean the accessors.
#[test]
fn self_means_the_users_type() {
    let source = "#[repr(C)] struct S { x: [u8; Self::LENGTH] }";
    assert_contains(source, "fn x (& self) -> [u8 ; < S > :: LENGTH]");
    let source = "#[repr(C)] struct S<T> where Self: Sized { x: PhantomData<Self>, y: T }";
    assert_contains(source, "fn x (& self) -> PhantomData < S < T > >");
    assert_contains(source, "where S < T > : Sized");
}

/// Without this, the output would not compile under `#![no_implicit_prelude]`, or would call a
/// function of the user's.
#[test]
fn paths_are_absolute() {
    let source = "#[repr(C)] pub struct S { x: [u8; 2], #[shared(atomic)] y: u64 }";
    let output = expand(source).to_string();
    for (name, _) in output.match_indices("Result <").chain(output.match_indices("offset_of !")) {
        let before = output[..name].trim_end();
        assert!(before.ends_with("::"), "{before}");
    }
    assert_eq!(output.matches("shared_value ::").count(), output.matches(":: shared_value ::").count());
}

/// Without this, users who bound a parameter in a where clause would be warned of a bound in two
/// places.
#[test]
fn bounds_stay_in_one_place() {
    let source = "#[repr(C)] struct S<T: Default, U>(T, U) where U: Default;";
    assert_contains(source, "type SynchronizedS < T , U , A =");
    assert_contains(source, "impl < T : Default + :: shared_value :: __private :: SharedValue , U >");
    assert_contains(source, "U : Default , U : :: shared_value :: __private :: SharedValue");
}

/// Without this, users would have to write a bound for an associated type of a parameter, although the parameter itself
/// needs none.
#[test]
fn associated_types_are_bounded() {
    let bound = ":: shared_value :: __private :: SharedValue";
    for ty in ["T::Item", "<T as Iterator>::Item", "[[T::Item; 2]; 3]"] {
        let source = format!("#[repr(C)] struct S<T: Iterator> {{ x: {ty} }}");
        let output = expand(&source).to_string();
        let bounds = output.matches(&format!("Item : {bound}")).count();
        assert!(bounds > 0, "{output}");
    }
}

/// Without this, a lint that the user allows would be reported for generated code.
#[test]
fn allowed_lints_are_allowed_in_the_output() {
    let source = "#[expect(one, reason = \"..\")] #[repr(C)] struct S { #[allow(two, three)] x: u8, #[allow(two, three)] y: u8 }";
    assert_contains(source, "# [allow (one , reason = \"..\")] type SynchronizedS");
    assert_contains(source, "# [allow (one , reason = \"..\")] # [allow (two , three)] const _ :");
}

/// Without this, the macro would not work in a crate that forbids this lint.
#[test]
fn deprecated_items_are_allowed_only_where_one_is() {
    let is_allowed = |source| expand(source).to_string().contains("allow (deprecated)");
    assert!(!is_allowed("#[repr(C)] struct S { x: u8 }") && !is_allowed("#[repr(u8)] enum E { X }"));
    for source in [
        "#[deprecated] #[repr(C)] struct S { x: u8 }",
        "#[repr(C)] struct S { #[deprecated = \"..\"] x: u8 }",
        "#[repr(u8)] enum E { #[deprecated(note = \"..\")] X }",
    ] {
        assert!(is_allowed(source), "{source}");
    }
}
