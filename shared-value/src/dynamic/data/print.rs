//! Prints dynamic data as `derive(Debug)` would.

use std::fmt::{self, Debug, Display, Formatter};

use crate::dynamic::data::DynData;

impl Display for DynData {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        Debug::fmt(&PrintedData(self), formatter)
    }
}

struct PrintedData<'a>(&'a DynData);

impl Debug for PrintedData<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            DynData::Bool(value) => Debug::fmt(value, formatter),
            DynData::Char(value) => Debug::fmt(value, formatter),
            DynData::Signed(value) => Debug::fmt(value, formatter),
            DynData::Unsigned(value) => Debug::fmt(value, formatter),
            DynData::F32(value) => Debug::fmt(value, formatter),
            DynData::F64(value) => Debug::fmt(value, formatter),
            DynData::Optional(None) => formatter.write_str("None"),
            DynData::Optional(Some(value)) => formatter.debug_tuple("Some").field(&PrintedData(value)).finish(),
            DynData::Text(value) => Debug::fmt(value, formatter),
            DynData::Bytes(value) => Debug::fmt(value, formatter),
            DynData::Enum { variant, .. } => formatter.write_str(variant),
            DynData::Array(elements) => formatter.debug_list().entries(elements.iter().map(PrintedData)).finish(),
            DynData::Newtype { name, inner } => formatter.debug_tuple(name).field(&PrintedData(inner)).finish(),
            // A struct in a typecode has no name.
            DynData::Struct { name, fields } if name.is_empty() => {
                let mut printed = formatter.debug_map();
                for (name, value) in fields {
                    printed.entry(&format_args!("{name}"), &PrintedData(value));
                }
                printed.finish()
            }
            DynData::Struct { name, fields } => {
                let mut printed = formatter.debug_struct(name);
                for (name, value) in fields {
                    printed.field(name, &PrintedData(value));
                }
                printed.finish()
            }
        }
    }
}
