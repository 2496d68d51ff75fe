//! Values of types that the program does not know: read and written by the schema that lies beside them.

mod data;
mod decode;
mod describe;
mod encode;
mod guard;
mod layout;
mod limit;
mod parts;
mod path;
mod print;
mod recognize;
mod scalar;
mod schema;
#[cfg(feature = "serde")]
mod serialize;
#[cfg(test)]
mod tests;
mod value;

pub use data::DynData;
pub use guard::DynGuard;
pub use layout::{DynField, DynKind, DynLayout, DynVariant};
pub use parts::{DynPart, DynParts};
pub(crate) use recognize::{layout_in, layout_of, shape_of};
pub use value::DynValue;
