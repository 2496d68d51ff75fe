//! `Dyn`: contents whose type is known only from the segment.

use std::sync::Arc;

use crate::cell::Recognized;
use crate::error::Error;
use crate::format::contents::{Contents, Shape};
use crate::format::growth::Growth;
use crate::format::{Described, Invalid, OneSlot, RequiredLock};
use crate::layout::text_fingerprint;
use crate::schema::{DynField, DynLayout, read};
use crate::segment::Mapping;

/// The type of a value that only its segment describes: [`DynValue`](crate::DynValue) is `Synchronized<Dyn>`.
#[derive(Clone, Copy, Debug)]
pub enum Dyn {}

/// The facts about a dynamic value that are not in its memory.
#[derive(Debug)]
pub(crate) struct DynFacts {
    /// Never a [`DynKind::Slice`](crate::DynKind::Slice), because the number of elements is known here.
    pub(super) layout: DynLayout,
    /// The layout that the schema of the segment gives.
    declared: DynLayout,
    shape: Shape,
    /// The sizes of a vector.
    growth: Option<Growth>,
}

impl DynFacts {
    /// Returns the facts of a value of this size.
    pub(super) fn of(declared: DynLayout, size: usize) -> Result<Arc<Self>, Invalid> {
        let layout = declared.clone().of_size(size)?;
        let growth = layout.vector_element().and_then(|element| Growth::of_size(element.size, size));
        let atomics = layout.atomic_fields().map(DynField::words).sum();
        let shape = growth.map_or_else(|| Shape::of(layout.size(), atomics), Shape::growing);
        let shape = shape.reserving(layout.has_reserved()).with_lanes(layout.lane_counts());
        Ok(Arc::new(Self { layout, declared, shape, growth }))
    }

    /// Returns the layout of the elements and the sizes, if the value is a vector.
    pub(super) fn vector(&self) -> Option<(&DynLayout, Growth)> {
        self.layout.vector_element().zip(self.growth)
    }

    /// Checks that the parts of the value stay where they are.
    ///
    /// # Errors
    /// `Unsupported` if it is a vector: what lies behind its last element may have no memory.
    pub(super) fn expect_fixed(&self) -> Result<(), Error> {
        let what = "a program that does not know the type of a vector can only read it, by `get` and `load`: open it as a `SharedVec`";
        if self.vector().is_some() { Err(Error::Unsupported { what }) } else { Ok(()) }
    }

    pub(super) fn shape(&self) -> Shape {
        self.shape
    }
}

/// Contents that only their segment describes: in two slots, or in one.
pub(crate) trait Dynamic: Contents<Facts = Arc<DynFacts>> {}

impl Dynamic for Dyn {}
impl Dynamic for OneSlot<Dyn> {}

impl Contents for Dyn {
    type Facts = Arc<DynFacts>;

    fn shape(facts: &Self::Facts) -> Shape {
        facts.shape.slotted(false)
    }

    fn invalid_bits(invalid: usize, _: usize, _: &[u8]) -> Error {
        Error::InvalidBits {
            field: format!("byte {invalid}"),
            expected: "a value of the type that the schema names".to_owned(),
            found: "other bits".to_owned(),
        }
    }
}

impl Recognized for Dyn {
    /// The version of a value without a lock never changes, so a reader always reads the present words of slot 0.
    const READS_UNGUARDED: bool = true;

    /// Returns the facts that follow from the schema of the segment. The cell must have the shape that these facts give,
    /// because all accesses to the value rely on the schema.
    fn in_slots_of(mapping: &Mapping, is_one_slot: bool) -> Result<Self::Facts, Error> {
        let entry = &mapping.entries()[0];
        entry.expect_slots(mapping.name(), is_one_slot)?;
        let facts = facts_of(mapping.name(), entry.schema(), entry.size())?;
        if is_one_slot && facts.growth.is_some() {
            let found = "one, of a value whose length changes";
            return Err(Invalid::new("slots", "two", found).of(mapping.name()));
        }
        entry.expect_shape(mapping.name(), facts.shape.slotted(is_one_slot))?;
        let end = entry.cell_offset + entry.cell_length;
        // An arena has more locks behind its cell, which a dynamic value does not know.
        if mapping.required_lock() != RequiredLock::Pthread && mapping.length() != end {
            let expected = format!("{end}, where the value ends (an arena is opened by `Arena::open`)");
            return Err(Invalid::new("length", expected, mapping.length()).of(mapping.name()));
        }
        Ok(facts)
    }

    fn in_arena(described: &Described<'_>) -> Result<Self::Facts, Error> {
        described.expect_slots(false)?;
        let schema = (described.schema)().unwrap_or_default();
        facts_of(&(described.name)(), &schema, described.extent.size())
    }

    fn fingerprint(facts: &Self::Facts) -> u64 {
        text_fingerprint(&Self::schema(facts))
    }

    fn schema(facts: &Self::Facts) -> String {
        facts.declared.to_string()
    }
}

/// Returns the facts of a value of this size, given its schema.
fn facts_of(name: &str, schema: &str, size: usize) -> Result<Arc<DynFacts>, Error> {
    read(schema).and_then(|declared| DynFacts::of(declared, size)).map_err(|invalid| invalid.of(name))
}
