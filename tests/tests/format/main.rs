//! `docs/format.md` against the bytes: its grammar reads every schema, its Python reads every value, and its tables name the
//! places where the bytes lie.
//!
//! The tests take the grammar and the program from the page, so the page cannot differ from them.
#![cfg(target_endian = "little")]

mod arena;
mod cell;
mod ebnf;
mod grammar;
mod page;
mod reader;
mod samples;
mod writer;
