//! Changes of a vector under its lock. All that one call changes becomes visible in one commit.
#![expect(private_bounds, reason = "the sealed trait can be neither named nor called from outside")]

use std::ops::Range;

use crate::accessors::host::Writer;
use crate::copy::{self, Alone, Copies, store_from};
use crate::error::Error;
use crate::format::growth::Excess;
use crate::handle::access::ReadWrite;
use crate::handle::guard::Guard;
use crate::handle::synchronized::Synchronized;
use crate::hold::Hold;
use crate::hold::patience::Unlimited;
use crate::layout::SharedValue;
use crate::protocol::atomics::{AtomicU64, Ordering};
use crate::vector::contents::Vector;
use crate::vector::items::Items;

/// A host whose vector can be changed: a handle that can take the lock, or a guard.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot change a vector",
    note = "open the vector for reading and writing, with a lock"
)]
pub trait VectorWriter: Writer + sealed::Edit {}

impl<I: Items> VectorWriter for Synchronized<Vector<I>, ReadWrite> {}
impl<I: Items> VectorWriter for Guard<'_, Vector<I>> {}

pub(crate) mod sealed {
    use super::{Error, Hold, Items, Vector};

    pub trait Edit {
        type Items: Items;

        /// Runs `work` under the lock. `work` must not panic.
        fn edit<R>(&self, work: impl FnOnce(&Hold<'_, Vector<Self::Items>>) -> Result<R, Error>) -> Result<R, Error>;
    }
}

impl<I: Items> sealed::Edit for Synchronized<Vector<I>, ReadWrite> {
    type Items = I;

    #[inline]
    fn edit<R>(&self, work: impl FnOnce(&Hold<'_, Vector<I>>) -> Result<R, Error>) -> Result<R, Error> {
        self.cell.locked(Unlimited, |hold| work(hold))
    }
}

impl<I: Items> sealed::Edit for Guard<'_, Vector<I>> {
    type Items = I;

    #[inline]
    fn edit<R>(&self, work: impl FnOnce(&Hold<'_, Vector<I>>) -> Result<R, Error>) -> Result<R, Error> {
        work(self.writable()?)
    }
}

/// Returns the number of elements, with this thread's own writes.
fn length<I: Items>(hold: &Hold<'_, Vector<I>>) -> Result<usize, Error> {
    let (cell, growth) = (hold.cell(), hold.cell().facts().growth());
    growth.length(hold.current()).and_then(|length| cell.believe(growth, length)).map_err(Excess::error)
}

/// Sets the number of elements, all of which have been written.
fn set_length<I: Items>(hold: &Hold<'_, Vector<I>>, length: usize) {
    hold.change(&(0..size_of::<u64>()), |slot| slot[0].store(length as u64, Ordering::Relaxed));
}

/// Writes elements that did not exist before, from an index on, if there is room for them.
fn write<I: Items>(hold: &Hold<'_, Vector<I>>, index: usize, elements: &[I::Element]) -> Result<(), Error> {
    let (cell, room) = (hold.cell(), hold.cell().facts());
    let growth = room.growth();
    let needed = index.saturating_add(elements.len());
    if needed > growth.capacity() {
        return Err(Error::VectorFull { name: cell.name().to_owned(), needed, capacity: growth.capacity() });
    }
    if elements.is_empty() {
        return Ok(());
    }
    let (start, end) = (growth.end_of(index), growth.end_of(needed));
    if end > room.reserved() {
        // The elements before them have memory.
        room.note_reserved(cell.reserve(start..end)?);
    }
    hold.change(&(start..end), |slot| {
        if const { I::Element::LAYOUT.has_reserved() } {
            clear(slot, start..end);
        }
        copy::store_slice::<Alone, I::Element>(slot, start, elements);
    });
    Ok(())
}

/// Makes these bytes zeros: reserved bytes of new elements may be fields of elements that were here before.
fn clear(slot: &[AtomicU64], bytes: Range<usize>) {
    const ZEROS: [u8; 4096] = [0; 4096];
    for start in bytes.clone().step_by(ZEROS.len()) {
        store_from::<Alone>(slot, start, &ZEROS[..ZEROS.len().min(bytes.end - start)]);
    }
}

/// Adds elements at the end.
#[inline]
pub(super) fn extend<I: Items>(hold: &Hold<'_, Vector<I>>, elements: &[I::Element]) -> Result<(), Error> {
    let length = length(hold)?;
    if elements.is_empty() {
        return Ok(());
    }
    write(hold, length, elements)?;
    set_length(hold, length + elements.len());
    Ok(())
}

/// Replaces all elements, whatever their number was.
pub(super) fn set<I: Items>(hold: &Hold<'_, Vector<I>>, elements: &[I::Element]) -> Result<(), Error> {
    write(hold, 0, elements)?;
    set_length(hold, elements.len());
    Ok(())
}

/// Keeps at most this many elements.
pub(super) fn truncate<I: Items>(hold: &Hold<'_, Vector<I>>, most: usize) -> Result<(), Error> {
    if most < length(hold)? {
        set_length(hold, most);
    }
    Ok(())
}

/// Removes the last element, and returns it.
pub(super) fn pop<E: SharedValue>(hold: &Hold<'_, Vector<E>>) -> Result<Option<E>, Error> {
    let Some(last) = length(hold)?.checked_sub(1) else { return Ok(None) };
    let start = hold.cell().facts().growth().end_of(last);
    let mut copies = Copies::<E>::zeroed(1);
    copies.load(hold.current(), start);
    let element = copies.check_in::<Vector<E>>(start)?[0];
    set_length(hold, last);
    Ok(Some(element))
}

/// Replaces one element.
pub(super) fn set_at<E: SharedValue>(hold: &Hold<'_, Vector<E>>, index: usize, element: &E) -> Result<(), Error> {
    let length = length(hold)?;
    if index >= length {
        return Err(Error::NoElement { index, length });
    }
    hold.write(hold.cell().facts().growth().end_of(index), element);
    Ok(())
}
