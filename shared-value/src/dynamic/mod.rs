//! Values of types that the program does not know. They are read and written by the schema in their segment.

mod accessors;
mod bytes;
mod coding;
mod contents;
mod copy;
mod create;
mod data;
mod decode;
mod dyn_value;
mod encode;
mod limit;
#[cfg(test)]
mod tests;
mod vector;

pub use accessors::DynAccessors;
pub use contents::Dyn;
pub use data::DynData;
pub use dyn_value::{DynGuard, DynValue};
