//! `Entry`: a value in the list of an arena.

use crate::arena::id::Id;
use crate::error::Error;
use crate::heap::BlockId;
use crate::schema::DynLayout;
use crate::schema::layout_of;

/// A value of an arena, as [`Arena::iter`](crate::Arena::iter) lists it.
///
/// ```
/// use shared_value::Arena;
///
/// let arena = Arena::new(1 << 20)?;
/// arena.insert("position", [0.5, 1.5])?;
/// let entry = arena.iter().next().expect("one value");
/// assert_eq!((entry.key(), entry.type_name(), entry.size()), (Some("position"), "[f64; 2]", 16));
/// let position = arena.get(entry.id::<[f64; 2]>())?.expect("it is still there");
/// assert_eq!(position.at(1), 1.5);
/// # Ok::<(), shared_value::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub(super) key: Option<String>,
    pub(super) id: BlockId,
    pub(super) schema: String,
    pub(super) size: usize,
    pub(super) is_live: bool,
}

impl Entry {
    /// Returns the key, if the value has one.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Returns the id. The type is checked only when [`Arena::get`](crate::Arena::get) is called with the id.
    pub fn id<C: ?Sized>(&self) -> Id<C> {
        Id::of(self.id)
    }

    /// Returns the schema: the name of the type, then a line for each field.
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// Returns the name of the type.
    pub fn type_name(&self) -> &str {
        self.schema.lines().next().unwrap_or_default()
    }

    /// Returns the number of bytes of the value.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Returns whether the value is a [`Live`](crate::Live), which [`Live::find`](crate::Live::find) opens. Any other one is a
    /// [`Synchronized`](crate::Synchronized).
    pub fn is_live(&self) -> bool {
        self.is_live
    }

    /// Returns the layout of the value, as the schema describes it.
    ///
    /// # Errors
    /// `InvalidSegment` if the schema does not describe a value of this size.
    pub fn layout(&self) -> Result<DynLayout, Error> {
        layout_of(self.key().unwrap_or("(a value without a key)"), self.schema(), self.size())
    }
}
