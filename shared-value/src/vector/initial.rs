//! The sources of a new vector: its capacity, alone or with elements.

use std::borrow::Cow;
use std::io;

use crate::arena::Capacity;
use crate::cell::parts::Parts;
use crate::copy::{self, Alone};
use crate::error::Error;
use crate::format::growth::Growth;
use crate::format::room::Room;
use crate::handle::initial::Initial;
use crate::handle::initialize::Initialize;
use crate::layout::SharedValue;
use crate::protocol::atomics::Ordering;
use crate::vector::contents::Vector;
use crate::vector::items::Items;

/// What a vector is made from.
pub(crate) struct VectorSource<'a, I: Items> {
    items: Cow<'a, I::Borrowed>,
    capacity: usize,
}

/// An empty vector.
impl<I: Items> From<Capacity> for Initial<'_, Vector<I>>
where
    I::Owned: Default,
{
    fn from(Capacity(capacity): Capacity) -> Self {
        Self(VectorSource { items: Cow::Owned(I::Owned::default()), capacity })
    }
}

/// A vector of these elements, or of this text.
impl<'a, I: Items, S: Into<Cow<'a, I::Borrowed>>> From<(S, Capacity)> for Initial<'a, Vector<I>> {
    fn from((items, Capacity(capacity)): (S, Capacity)) -> Self {
        Self(VectorSource { items: items.into(), capacity })
    }
}

impl<I: Items> Initialize for Vector<I> {
    type Source<'a> = VectorSource<'a, I>;

    /// # Errors
    /// `VectorFull` if there are more elements than the capacity, `Io` if no memory has such a capacity.
    fn facts_of(source: &VectorSource<'_, I>) -> Result<Room, Error> {
        let VectorSource { items, capacity } = source;
        let (length, size) = (I::elements(items).len(), size_of::<I::Element>());
        if length > *capacity {
            let name = "a new vector".to_owned();
            return Err(Error::VectorFull { name, needed: length, capacity: *capacity });
        }
        let growth = Growth::of_capacity(size, *capacity).ok_or_else(|| {
            let what = format!("reserve address space for {capacity} elements of {size} bytes");
            Error::io(what, io::ErrorKind::OutOfMemory)
        })?;
        Ok(Room::with_elements(growth, I::Element::LAYOUT.has_reserved(), length))
    }

    fn is_zeroed(source: &VectorSource<'_, I>) -> bool {
        I::elements(&source.items).is_empty()
    }

    fn write(source: &VectorSource<'_, I>, parts: &Parts<'_, Self>) {
        let elements = I::elements(&source.items);
        let Some(growth) = Growth::of_capacity(size_of::<I::Element>(), source.capacity) else { return };
        parts.slots().initialize_up_to(growth.end_of(elements.len()), |slot| {
            copy::store_slice::<Alone, I::Element>(slot, growth.end_of(0), elements);
            slot[0].store(elements.len() as u64, Ordering::Relaxed);
        });
    }
}
