//! Processes that may write a value and break the protocol: the harm that they can do to others, and the harm that they
//! cannot do.
//!
//! Each module tests one kind of harm. The first line of a test says what would break without the code that it guards.

mod halves;
mod header;
mod lock;
mod others;
mod peer;
mod reader;
mod smoke;
mod time;
mod truncation;
