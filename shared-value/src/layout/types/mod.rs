//! Ready-made types for shared memory, in place of types of the standard library whose bytes are not specified or hold
//! pointers. Each has a fixed size. Contents whose size is known when the program runs, such as `[E]`, begin in
//! `handle/shared.rs`.

mod duration;
mod fixed_str;
mod option;
mod placeholder;
mod reserved;
#[cfg(feature = "serde")]
mod serialize;
mod timestamp;

pub use duration::{SharedDuration, TimeError};
pub(crate) use fixed_str::first_invalid_byte;
pub use fixed_str::{FixedStr, FixedStrError};
pub use option::SharedOption;
pub use reserved::Reserved;
pub use timestamp::Timestamp;
