//! The whole output for a handful of inputs. The expected outputs lie beside the inputs.

use std::path::Path;
use std::{env, fs};

use super::expand;

/// Compares line by line. `UPDATE_GOLDEN=1` accepts the present output.
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

/// Without this, a change of the output for a struct would go unnoticed.
#[test]
fn structure() {
    golden("structure");
}

/// Without this, a change of the output for an enum would go unnoticed.
#[test]
fn enumeration() {
    golden("enumeration");
}

/// Without this, a change of the output for parameters, numbered fields and `pod` would go unnoticed.
#[test]
fn generic() {
    golden("generic");
}

/// Without this, a change of the output for an input with errors would go unnoticed.
#[test]
fn fallback() {
    golden("fallback");
}
