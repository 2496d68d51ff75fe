//! Values of types that the program does not know: read and written by the schema that lies beside them.

mod data;
mod decode;
mod describe;
mod encode;
mod layout;
mod parts;
mod path;
mod print;
mod scalar;
mod schema;
#[cfg(feature = "serde")]
mod serialize;
#[cfg(test)]
mod tests;

pub use data::DynData;
pub use layout::{DynField, DynKind, DynLayout, DynVariant};
pub use parts::{DynPart, DynParts};
