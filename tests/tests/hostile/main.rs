//! What a process can do to others that may write a value and does not keep to the protocol, and what it cannot.
//!
//! One kind of hostility a module. The first line of a test says what would break without the code that it guards.

mod halves;
mod header;
mod lock;
mod others;
mod peer;
mod reader;
mod smoke;
mod time;
mod truncation;
