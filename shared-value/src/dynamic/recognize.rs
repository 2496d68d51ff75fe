//! Recognizes a value in a segment by nothing but the schema that lies beside it.

use crate::cell::Recognized;
use crate::dynamic::{DynLayout, schema};
use crate::error::Error;
use crate::format::contents::{Shape, Untyped};
use crate::format::{Described, Invalid, RequiredLock};
use crate::segment::Mapping;

impl Recognized for Untyped {
    const READS_UNGUARDED: bool = true;

    /// The shape is made of the schema, and must be that of the cell: all access to the value is by the schema.
    fn in_segment(mapping: &Mapping) -> Result<Shape, Error> {
        let entry = &mapping.entries()[0];
        let shape = shape_of(&layout_in(mapping)?);
        entry.expect_shape(mapping.name(), shape)?;
        let end = entry.cell_offset + entry.cell_length;
        // Who opens an arena sees to the locks of all its values, which a value knows nothing of.
        if mapping.required_lock() != RequiredLock::Pthread && mapping.length() != end {
            let expected = format!("{end}, where the value ends (an arena is opened by `Arena::open`)");
            return Err(Invalid::new("length", expected, mapping.length()).of(mapping.name()));
        }
        Ok(shape)
    }

    fn in_arena(described: &Described<'_>) -> Result<Shape, Error> {
        let schema = (described.schema)().unwrap_or_default();
        layout_of(&(described.name)(), &schema, described.size).map(|layout| shape_of(&layout))
    }

    fn fingerprint(_: &Shape) -> u64 {
        0
    }

    fn schema(_: &Shape) -> String {
        String::new()
    }
}

/// The layout of the value in a segment.
pub(crate) fn layout_in(mapping: &Mapping) -> Result<DynLayout, Error> {
    let entry = &mapping.entries()[0];
    layout_of(mapping.name(), entry.schema(), entry.size())
}

/// The layout that a schema gives to a value of so many bytes.
pub(crate) fn layout_of(name: &str, schema: &str, size: usize) -> Result<DynLayout, Error> {
    schema::read(schema).and_then(|layout| layout.of_size(size)).map_err(|invalid| invalid.of(name))
}

/// What decides where the parts of a cell for a value of this layout lie.
pub(crate) fn shape_of(layout: &DynLayout) -> Shape {
    Shape::of(layout.size(), layout.atomic_fields().count())
}
