//! `Dyn`: contents whose type is known only from the segment.

use std::borrow::Cow;
use std::sync::Arc;

use crate::cell::Recognized;
use crate::error::Error;
use crate::format::contents::{Contents, Shape};
use crate::format::growth::Growth;
use crate::format::room::Room;
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
    /// The facts about a vector.
    room: Option<Room>,
}

impl DynFacts {
    /// Returns the facts of a value of this size.
    pub(super) fn of(declared: DynLayout, size: usize) -> Result<Arc<Self>, Invalid> {
        let layout = declared.clone().of_size(size)?;
        let growth = layout.vector_element().and_then(|element| Growth::of_size(element.size, size));
        let room = growth.map(|growth| Room::unknown(growth, layout.has_reserved()));
        let atomics = layout.atomic_fields().map(DynField::words).sum();
        let fixed = || {
            let shape = Shape::of(layout.size(), atomics).reserving(layout.has_reserved());
            shape.with_lanes(layout.lane_counts())
        };
        let shape = room.as_ref().map_or_else(fixed, Room::shape);
        Ok(Arc::new(Self { layout, declared, shape, room }))
    }

    /// Returns the facts of a new vector, which begins with `length` elements.
    pub(super) fn of_vector(declared: DynLayout, growth: Growth, length: usize) -> Result<Arc<Self>, Invalid> {
        let layout = declared.clone().of_size(growth.size())?;
        let room = Room::with_elements(growth, layout.has_reserved(), length);
        Ok(Arc::new(Self { layout, declared, shape: room.shape(), room: Some(room) }))
    }

    /// Returns the layout of the elements and the facts about their number, if the value is a vector.
    pub(super) fn vector(&self) -> Option<(&DynLayout, &Room)> {
        self.layout.vector_element().zip(self.room.as_ref())
    }

    /// Checks that the parts of the value stay where they are.
    ///
    /// # Errors
    /// `Unsupported` if it is a vector: what lies behind its last element may have no memory.
    pub(super) fn expect_fixed(&self) -> Result<(), Error> {
        let what =
            "elements of a vector come and go: read them by `get` and `load`, and change them by `set` and `update`";
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

    fn used_at_first(facts: &Self::Facts) -> usize {
        facts.room.as_ref().map_or(facts.shape.size, Room::reserved)
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
        if is_one_slot && facts.room.is_some() {
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

    fn schema(facts: &Self::Facts) -> Cow<'static, str> {
        Cow::Owned(facts.declared.to_string())
    }
}

/// Returns the facts of a value of this size, given its schema.
fn facts_of(name: &str, schema: &str, size: usize) -> Result<Arc<DynFacts>, Error> {
    read(schema).and_then(|declared| DynFacts::of(declared, size)).map_err(|invalid| invalid.of(name))
}
