//! Layouts in other languages: each file turns a layout into the definitions of one language.

pub(crate) mod c;
mod definitions;
mod facts;
pub(crate) mod python;
pub(crate) mod rust;
mod typecode;

pub(crate) use facts::fingerprint;
pub(crate) use typecode::typecode;
