//! Layouts that are known only at run time: read from schemas and typecodes, built part by part, and written as schemas.

mod dyn_layout;
mod dyn_part;
mod enumeration;
mod foreign;
mod meaning;
mod parse;
pub(crate) mod place;
pub(crate) mod primitive;
mod structure;
mod text;
mod write;

pub(crate) use dyn_layout::invalid_layout;
pub use dyn_layout::{DynField, DynKind, DynLayout, DynVariant};
pub use dyn_part::{DynPart, DynParts};
pub use enumeration::DynEnum;
pub(crate) use parse::{layout_of, read};
pub use structure::DynStruct;
