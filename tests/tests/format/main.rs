//! `docs/format.md` against the bytes: its grammar reads every schema, its Python reads every value, and its tables name the
//! places where the bytes lie.
//!
//! The grammar and the program are taken from the page when the tests run, so the page cannot say anything else than they do.
#![cfg(target_endian = "little")]

mod arena;
mod cell;
mod ebnf;
mod grammar;
mod page;
mod reader;
mod samples;
mod writer;
