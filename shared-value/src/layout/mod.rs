//! The types that may lie in shared memory, and the metadata that describes their bytes.

mod atomic;
mod bits;
mod describe;
mod description;
mod duration;
mod fixed_str;
mod item;
mod measure;
mod number;
mod option;
mod path;
mod pin;
mod placeholder;
mod pod;
mod print;
mod scalar;
mod schema;
#[cfg(feature = "serde")]
mod serialize;
mod text;
mod timestamp;
mod typecode;
mod value;

pub use atomic::{AtomicBits, AtomicField, AtomicNumber, AtomicValue};
pub(crate) use bits::{sign_extended, zero_extended};
pub use describe::Describe;
pub use description::{Field, Kind, Layout, Variant};
pub use duration::{SharedDuration, TimeError};
pub(crate) use fixed_str::first_invalid_byte;
pub use fixed_str::{FixedStr, FixedStrError};
pub(crate) use item::Item;
pub(crate) use number::half;
pub use option::SharedOption;
pub(crate) use path::part_at;
pub use pin::{assert_fingerprint, assert_layout, assert_size};
pub use pod::Pod;
pub(crate) use print::Printed;
pub(crate) use schema::{schema_text, slice_fingerprint, slice_schema_text, text_fingerprint};
pub use timestamp::Timestamp;
pub use value::{FieldVisitor, SharedValue};
