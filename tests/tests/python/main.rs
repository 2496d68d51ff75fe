//! The behaviours of Python's `multiprocessing.Value` and its kin, one test for each that no other test shows.
//!
//! `docs/python.md` lists all of them, with the numbers that stand before the tests here, and says what Python does.

mod arrays;
mod limits;
mod locks;
mod page;
mod processes;
mod structs;
mod texts;
mod values;

/// (7, 8, 16, 25 and 29) These mistakes must not compile; Python finds them at run time, or never.
#[test]
fn refused_by_the_compiler() {
    trybuild::TestCases::new().compile_fail("tests/python/ui/*.rs");
}
