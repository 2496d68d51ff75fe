//! What may lie in shared memory, and the metadata that says how it lies there.

mod atomic;
mod describe;
mod description;
mod fixed_str;
mod measure;
mod path;
mod pin;
mod pod;
mod print;
mod scalar;
mod schema;
mod text;
mod typecode;
mod value;

pub use atomic::{AtomicBits, AtomicField, AtomicNumber, AtomicValue};
pub use describe::Describe;
pub use description::{Field, Kind, Layout, Variant};
pub(crate) use fixed_str::first_invalid_byte;
pub use fixed_str::{FixedStr, FixedStrError};
pub(crate) use path::part_at;
pub use pin::{assert_fingerprint, assert_layout, assert_size};
pub use pod::Pod;
pub(crate) use print::Printed;
pub(crate) use schema::{first_difference, schema_text, slice_fingerprint, slice_schema_text, text_fingerprint};
pub use value::{FieldVisitor, SharedValue};
