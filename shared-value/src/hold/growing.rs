//! Changes of the number of elements of a value, under its lock.

use std::ops::Range;

use crate::error::Error;
use crate::format::contents::Contents;
use crate::format::growth::{Excess, Growth};
use crate::format::room::Room;
use crate::hold::Hold;
use crate::protocol::atomics::Ordering;

impl<C: Contents + ?Sized> Hold<'_, C> {
    /// Returns the number of elements, with this thread's own writes.
    ///
    /// # Errors
    /// `InvalidBits` if another process wrote a number that is greater than the capacity.
    #[inline]
    pub(crate) fn length(&self, growth: Growth) -> Result<usize, Error> {
        let length = growth.length(self.current());
        length.and_then(|length| self.cell.believe(growth, length)).map_err(Excess::error)
    }

    /// Sets the number of elements, all of which have been written.
    #[inline]
    pub(crate) fn set_length(&self, length: usize) {
        self.change(&(0..size_of::<u64>()), |slot| slot[0].store(length as u64, Ordering::Relaxed));
    }

    /// Makes sure that there is memory for elements from an index on. Returns the bytes that they take.
    ///
    /// # Errors
    /// `VectorFull` if there would be more than the capacity, `Io` if there is no memory for them.
    #[inline]
    pub(crate) fn make_room(&self, room: &Room, index: usize, count: usize) -> Result<Range<usize>, Error> {
        let growth = room.growth();
        let needed = index.saturating_add(count);
        if needed > growth.capacity() {
            let name = self.cell.name().to_owned();
            return Err(Error::VectorFull { name, needed, capacity: growth.capacity() });
        }
        let bytes = growth.end_of(index)..growth.end_of(needed);
        if count > 0 && bytes.end > room.reserved() {
            // The elements before them have memory.
            room.note_reserved(self.cell.reserve(bytes.clone())?);
        }
        Ok(bytes)
    }
}
