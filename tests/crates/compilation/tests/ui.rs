//! Programs that must not compile, with the compiler's output, and programs that must compile.
//!
//! Each file has one problem, and beside it the expected output; `TRYBUILD=overwrite` replaces it by the present one. The
//! outputs are those of the stable compiler that the gate uses: other versions word some of rustc's own notes differently.

/// A type that cannot be shared must not compile. Its error must be on the right token, appear once, and say what to do.
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
        // (7, 8, 16, 25 and 29 of docs/python.md) Python finds these mistakes at run time, or never.
        "python",
        "repr",
        "shapes",
        "sound",
        "whole",
    ] {
        tests.compile_fail(format!("ui/{category}/*.rs"));
    }
}

/// A type that can be shared must compile, and its accessors must do what their names say.
#[test]
fn accepted() {
    trybuild::TestCases::new().pass("ui/pass/*.rs");
}
