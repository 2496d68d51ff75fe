//! Changes of a vector under its lock. All that one call changes becomes visible in one commit.
#![expect(private_bounds, reason = "the sealed trait can be neither named nor called from outside")]

use std::ops::Range;

use crate::accessors::host::Writer;
use crate::copy::{self, Alone, Copies, store_from};
use crate::error::Error;
use crate::handle::access::ReadWrite;
use crate::handle::guard::Guard;
use crate::handle::synchronized::Synchronized;
use crate::hold::Hold;
use crate::hold::patience::Unlimited;
use crate::layout::SharedValue;
use crate::protocol::atomics::AtomicU64;
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
#[inline]
fn length<I: Items>(hold: &Hold<'_, Vector<I>>) -> Result<usize, Error> {
    hold.length(hold.cell().facts().growth())
}

/// Writes elements that did not exist before to these bytes, for which there is room.
#[inline]
fn write<I: Items>(hold: &Hold<'_, Vector<I>>, bytes: &Range<usize>, elements: &[I::Element]) {
    if !elements.is_empty() {
        hold.change(bytes, |slot| {
            if const { I::Element::LAYOUT.has_reserved() } {
                clear(slot, bytes.clone());
            }
            copy::store_slice::<Alone, I::Element>(slot, bytes.start, elements);
        });
    }
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
    let room = hold.cell().facts();
    loop {
        let (length, reserved) = (length(hold)?, room.reserved());
        if elements.is_empty() {
            return Ok(());
        }
        let bytes = hold.make_room(room, length, elements.len())?;
        // More memory is got by calls that use the allocator, which may have added elements meanwhile.
        if room.reserved() == reserved {
            write(hold, &bytes, elements);
            hold.set_length(length + elements.len());
            return Ok(());
        }
    }
}

/// Replaces all elements, whatever their number was.
pub(super) fn set<I: Items>(hold: &Hold<'_, Vector<I>>, elements: &[I::Element]) -> Result<(), Error> {
    let bytes = hold.make_room(hold.cell().facts(), 0, elements.len())?;
    write(hold, &bytes, elements);
    hold.set_length(elements.len());
    Ok(())
}

/// Keeps at most this many elements.
pub(super) fn truncate<I: Items>(hold: &Hold<'_, Vector<I>>, most: usize) -> Result<(), Error> {
    if most < length(hold)? {
        hold.set_length(most);
    }
    Ok(())
}

/// Removes the last element, and returns it.
pub(super) fn pop<E: SharedValue>(hold: &Hold<'_, Vector<E>>) -> Result<Option<E>, Error> {
    // Memory is allocated before the look at the length, and freed after the change: the allocator may add elements too.
    let mut copies = Copies::<E>::zeroed(1);
    let Some(last) = length(hold)?.checked_sub(1) else { return Ok(None) };
    let start = hold.cell().facts().growth().end_of(last);
    copies.load(hold.current(), start);
    let removed = copies.check_in::<Vector<E>>(start)?;
    hold.set_length(last);
    Ok(Some(removed[0]))
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
