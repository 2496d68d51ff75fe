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
