//! Layouts, and the data of values as Python objects.

pub(crate) mod classes;
pub(crate) mod convert;
pub(crate) mod fresh;
pub(crate) mod layout;
pub(crate) mod number;
pub(crate) mod reader;
