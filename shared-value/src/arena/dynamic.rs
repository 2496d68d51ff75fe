//! Values of an arena whose type the program does not know.

use std::fmt::Display;

use crate::heap::blocks::{Heap, Trailer};
use crate::heap::id::ValueId;
use crate::heap::type_entry::TypeEntry;
use crate::arena::values::{ArenaValues, Stored};
use crate::cell::Cell;
use crate::dynamic::{DynLayout, DynValue, layout_of, shape_of};
use crate::error::Error;
use crate::format::Invalid;
use crate::format::contents::Untyped;
use crate::handle::access::{Access, ReadOnly};

impl ArenaValues {
    /// The value under a key, whatever its type is.
    ///
    /// # Errors
    /// `NotFound`; `InvalidSegment` if its schema does not describe what is there.
    ///
    /// ```
    /// use shared_value::Arena;
    ///
    /// let arena = Arena::anonymous(1 << 20)?;
    /// let price = arena.create("price", [1.5_f64, 2.0])?;
    /// for stored in arena.keys() {
    ///     arena.open_dyn(stored.key().unwrap_or_default())?.set("[1]", 3.0)?;
    /// }
    /// assert_eq!(price.get(), [1.5, 3.0]);
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn open_dyn(&self, key: &str) -> Result<DynValue, Error> {
        let (cell, layout) = self.untyped_of(key, self.find(key))?;
        Ok(DynValue::for_writing(cell, layout))
    }

    /// The value of an id, whatever its type is.
    ///
    /// # Errors
    /// As [`open_dyn`](Self::open_dyn).
    pub fn at_dyn(&self, id: ValueId) -> Result<DynValue, Error> {
        let (cell, layout) = self.untyped_of(id, self.find_at(id))?;
        Ok(DynValue::for_writing(cell, layout))
    }
}

impl ArenaValues<ReadOnly> {
    /// The value under a key, whatever its type is, for reading.
    ///
    /// # Errors
    /// `NotFound`; `InvalidSegment` if its schema does not describe what is there.
    pub fn open_dyn(&self, key: &str) -> Result<DynValue, Error> {
        let (cell, layout) = self.untyped_of(key, self.find(key))?;
        Ok(DynValue::for_reading(cell, layout))
    }

    /// The value of an id, whatever its type is, for reading.
    ///
    /// # Errors
    /// As [`open_dyn`](Self::open_dyn).
    pub fn at_dyn(&self, id: ValueId) -> Result<DynValue, Error> {
        let (cell, layout) = self.untyped_of(id, self.find_at(id))?;
        Ok(DynValue::for_reading(cell, layout))
    }
}

impl<A: Access> ArenaValues<A> {
    /// The cell of an id.
    pub(crate) fn untyped_at(&self, id: ValueId) -> Result<Cell<Untyped>, Error> {
        self.untyped_of(id, self.find_at(id)).map(|(cell, _)| cell)
    }

    /// The cell in the block that was found, if it holds what its schema says, and that.
    fn untyped_of(&self, key: impl Display, block: Option<Trailer>) -> Result<(Cell<Untyped>, DynLayout), Error> {
        let name = self.name_of(key);
        let Some(block) = block else { return Err(Error::NotFound { name }) };
        let schema = TypeEntry::at(self.heap(), block.kind).and_then(|kind| kind.schema());
        let layout = layout_of(&name, &schema.ok_or_else(|| self.lost(block.at))?, block.size)?;
        Ok((self.cell_in(&block, shape_of(&layout))?, layout))
    }
}

/// The layout of a value of an arena, which must be that of which the cell was made.
pub(crate) fn layout_at(cell: &Cell<Untyped>) -> Result<DynLayout, Error> {
    let heap = Heap::of(cell.segment());
    let block = heap.trailer(ValueId::from_bits(cell.number()).trailer());
    let schema = block.and_then(|block| TypeEntry::at(heap, block.kind)).and_then(|kind| kind.schema());
    let layout = layout_of(cell.name(), &schema.unwrap_or_default(), cell.shape().size)?;
    if shape_of(&layout) == cell.shape() {
        Ok(layout)
    } else {
        Err(Invalid::new("schema", "that of the value", "another one").of(cell.name()))
    }
}

impl Stored {
    /// What it is, as a tree.
    ///
    /// # Errors
    /// `InvalidSegment` if the schema does not describe a value of its size.
    pub fn layout(&self) -> Result<DynLayout, Error> {
        layout_of(self.key().unwrap_or("(a value without a key)"), self.schema(), self.size())
    }
}
