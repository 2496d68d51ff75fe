//! What does not compile, and what the compiler says about it; and what must compile.
//!
//! One problem a file, beside the expected output, which `TRYBUILD=overwrite` accepts as it is now. The outputs are
//! those of the stable compiler that `rust-toolchain` and the gate use: other versions word some of rustc's own notes
//! differently.

/// Without this, a type that cannot be shared would compile, or its error would be on another token, be repeated for
/// every generated function, or not say what to do.
#[test]
fn refused() {
    let tests = trybuild::TestCases::new();
    for category in [
        "access",
        "atomic",
        "attributes",
        "enums",
        "fields",
        "generics",
        "names",
        "pins",
        "pod",
        "repr",
        "shapes",
        "whole",
    ] {
        tests.compile_fail(format!("ui/{category}/*.rs"));
    }
}

/// Without this, a type that can be shared would be refused, or its accessors would not do what their names say.
#[test]
fn accepted() {
    trybuild::TestCases::new().pass("ui/pass/*.rs");
}
