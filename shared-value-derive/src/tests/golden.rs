//! The whole output for a handful of inputs, beside which it is kept.

use std::path::Path;
use std::{env, fs};

use super::expand;

/// Compares line by line; `UPDATE_GOLDEN=1` accepts what is generated now.
#[track_caller]
fn golden(name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tests/golden");
    let input = fs::read_to_string(folder.join(format!("{name}.in.rs"))).unwrap();
    let file = syn::parse2(expand(&input)).unwrap();
    let output = prettyplease::unparse(&file);
    let path = folder.join(format!("{name}.out.rs"));
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &output).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap();
    let difference =
        output.lines().zip(expected.lines()).enumerate().find(|(_, (output, expected))| output != expected);
    if let Some((line, (output, expected))) = difference {
        panic!("{name}.out.rs:{}: expected `{expected}`, found `{output}`", line + 1);
    }
    assert_eq!(output, expected, "one is longer than the other");
}

/// Without this, a change of what is generated for a struct would go unseen.
#[test]
fn structure() {
    golden("structure");
}

/// Without this, a change of what is generated for an enum would go unseen.
#[test]
fn enumeration() {
    golden("enumeration");
}

/// Without this, a change of what is generated for parameters, numbered fields and `pod` would go unseen.
#[test]
fn generic() {
    golden("generic");
}

/// Without this, a change of what is generated beside errors would go unseen.
#[test]
fn fallback() {
    golden("fallback");
}
