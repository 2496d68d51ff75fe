//! The types that may lie in shared memory, and the metadata that describes their bytes.

mod atomic;
mod counter;
mod describe;
mod metadata;
mod path;
mod pins;
mod pod;
mod print;
mod scalar;
mod schema;
mod shared_value;
mod text;
mod typecode;
mod types;

pub(crate) use atomic::value_bits;
pub use atomic::{AtomicBits, AtomicField, AtomicNumber, AtomicValue};
pub use counter::CountedField;
pub(crate) use counter::{DEFAULT_LANES, MOST_LANES};
pub use describe::Describe;
pub use metadata::{Field, Kind, Layout, Variant};
pub(crate) use path::part_at;
pub use pins::{assert_fingerprint, assert_layout, assert_released, assert_size};
pub use pod::{Pod, PodType};
pub(crate) use print::Printed;
pub(crate) use schema::{
    SchemaText, schema, schema_text, slice_schema, slice_schema_text, text_fingerprint, vector_schema,
    vector_schema_text,
};
pub use shared_value::{FieldVisitor, SharedValue};
pub(crate) use typecode::{Item, half, sign_extended, zero_extended};
pub(crate) use types::first_invalid_byte;
pub use types::{FixedStr, FixedStrError, Reserved, SharedDuration, SharedOption, TimeError, Timestamp};
