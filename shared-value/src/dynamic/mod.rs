//! Values of types that the program does not know: read and written by the schema that lies beside them.

mod accessors;
mod codec;
mod contents;
mod copy;
mod create;
mod data;
mod decode;
mod describe;
mod encode;
mod enumeration;
mod foreign;
mod half;
mod layout;
mod limit;
mod parts;
mod path;
mod print;
mod scalar;
mod schema;
#[cfg(feature = "serde")]
mod serialize;
mod structure;
#[cfg(test)]
mod tests;
mod typecode;
mod value;

pub use accessors::DynAccessors;
pub use contents::Dyn;
pub(crate) use contents::layout_of;
pub use data::DynData;
pub use enumeration::DynEnum;
pub use layout::{DynField, DynKind, DynLayout, DynVariant};
pub use parts::{DynPart, DynParts};
pub use structure::DynStruct;
pub use value::{DynGuard, DynValue};
