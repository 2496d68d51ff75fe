//! `VectorAccessors`: the functions of a vector, for its handles and guards.
#![allow(unsafe_code)]

use std::fmt;

use crate::accessors::accessible::Accessible;
use crate::accessors::host::Root;
use crate::copy::{self, is_boxed};
use crate::error::{Error, valid};
use crate::format::growth::{Excess, Growth};
use crate::handle::access::Access;
use crate::handle::synchronized::Synchronized;
use crate::hold::read;
use crate::layout::SharedValue;
use crate::vector::contents::Vector;
use crate::vector::items::{Items, Text};
use crate::vector::{VectorWriter, copied, edit};

/// The functions of a [`SharedVec`](crate::SharedVec), a [`SharedString`](crate::SharedString) and a
/// [`SharedBytes`](crate::SharedBytes): call them on a handle or a guard.
///
/// Reads take no lock. They see the elements and the length of one commit, or, if this thread holds the lock, with its own
/// writes. If this thread holds no guard, each change is committed at once.
#[repr(transparent)]
pub struct VectorAccessors<H>(H);

// SAFETY: `VectorAccessors<H>` is a transparent struct whose only field is an `H`.
unsafe impl<I: Items> Accessible for Vector<I> {
    type Accessors<H> = VectorAccessors<H>;
}

/// Reading.
impl<I: Items, H: Root<Contents = Vector<I>>> VectorAccessors<H> {
    fn growth(&self) -> Growth {
        self.0.facts().growth()
    }

    /// Returns the number of elements, or of bytes. Another process may change it at any time.
    ///
    /// # Panics
    /// If another process wrote a number that is greater than the capacity.
    #[inline]
    #[track_caller]
    pub fn len(&self) -> usize {
        let growth = self.growth();
        let length = self.0.read_with(|slot| growth.length(slot));
        valid(length.and_then(|length| self.0.cell().believe(growth, length)).map_err(Excess::error))
    }

    /// Returns whether there are no elements.
    ///
    /// # Panics
    /// As [`len`](Self::len) does.
    #[inline]
    #[track_caller]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the greatest number of elements, or of bytes, which never changes.
    pub fn capacity(&self) -> usize {
        self.growth().capacity()
    }

    /// Returns all elements, the text, or the bytes, of one version.
    ///
    /// # Errors
    /// `InvalidBits` if another process wrote bytes that are not an element, not UTF-8, or a number of elements that is greater
    /// than the capacity; `Io` if there is no memory for the copy.
    pub fn load(&self) -> Result<I::Owned, Error> {
        copied::load(self.0.cell(), |bytes, copy| self.0.read_pieces(bytes, copy))
    }
}

/// Reading elements.
impl<E: SharedValue, H: Root<Contents = Vector<E>>> VectorAccessors<H> {
    /// Returns one element, or `None` if the vector is shorter.
    ///
    /// # Panics
    /// If another process wrote bytes that are not an element, or a number of elements that is greater than the capacity.
    #[inline]
    #[track_caller]
    pub fn get(&self, index: usize) -> Option<E> {
        let growth = self.growth();
        if index >= growth.capacity() {
            return None;
        }
        let (start, end) = (growth.end_of(index), growth.end_of(index + 1));
        // Behind the last element there may be no memory: even to read there would take some.
        if !self.0.cell().segment().has_memory_for(end) && index >= self.len() {
            return None;
        }
        if const { is_boxed::<E>() } {
            let mut length = Ok(0);
            let copied = read::elements::<Vector<E>, E>(start, 1, |bytes, copy| {
                length = self.0.read_with(|slot| {
                    let length = growth.length(slot);
                    if length.is_ok_and(|length| index < length) {
                        copy(slot, bytes.clone());
                    }
                    length
                });
            });
            return (index < valid(length.map_err(Excess::error))).then(|| valid(copied)[0]);
        }
        let copied = self.0.read_with(|slot| Ok((index < growth.length(slot)?).then(|| copy::load::<E>(slot, start))));
        valid(copied.map_err(Excess::error)).map(|copy| copy.valid_in::<Vector<E>>(start))
    }

    /// Returns all elements, of one version: [`load`](Self::load).
    ///
    /// # Errors
    /// The errors of [`load`](Self::load).
    pub fn to_vec(&self) -> Result<Vec<E>, Error> {
        self.load()
    }

    /// Iterates over a copy of all elements, of one version: later writes do not show.
    ///
    /// # Panics
    /// If [`load`](Self::load) fails.
    #[track_caller]
    pub fn iter(&self) -> std::vec::IntoIter<E> {
        valid(self.load()).into_iter()
    }
}

/// Changing the whole.
impl<I: Items, H: VectorWriter<Items = I> + Root<Contents = Vector<I>>> VectorAccessors<H> {
    /// Replaces all elements, the text, or the bytes, in one commit.
    ///
    /// ```
    /// use shared_value::{Capacity, SharedVec};
    ///
    /// let primes = SharedVec::<u32>::new(Capacity(100))?;
    /// primes.set(&[2, 3, 5])?;
    /// assert_eq!((primes.load()?, primes.version()), (vec![2, 3, 5], 1));
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    ///
    /// # Errors
    /// - `VectorFull` if there are more than the capacity; `Io` if there is no memory for them. Nothing was changed.
    /// - The errors of [`Synchronized::update`](crate::Synchronized::update).
    pub fn set(&self, items: &I::Borrowed) -> Result<(), Error> {
        self.0.edit(|hold| edit::set(hold, I::elements(items)))
    }

    /// Removes all elements, the text, or the bytes. The memory stays with the vector.
    ///
    /// # Errors
    /// The errors of [`Synchronized::update`](crate::Synchronized::update).
    pub fn clear(&self) -> Result<(), Error> {
        self.0.edit(|hold| edit::set(hold, &[]))
    }
}

/// Changing elements.
impl<E: SharedValue, H: VectorWriter<Items = E> + Root<Contents = Vector<E>>> VectorAccessors<H> {
    /// Adds an element at the end.
    ///
    /// # Errors
    /// The errors of [`extend`](Self::extend).
    #[inline]
    pub fn push(&self, element: E) -> Result<(), Error> {
        self.0.edit(|hold| edit::extend(hold, std::slice::from_ref(&element)))
    }

    /// Adds elements at the end, all in one commit. They are collected before the lock is taken.
    ///
    /// ```
    /// use shared_value::{Capacity, Error, SharedVec};
    ///
    /// let squares = SharedVec::<u64>::new(Capacity(100))?;
    /// squares.extend((0..10).map(|number| number * number))?;
    /// assert_eq!((squares.len(), squares.get(9), squares.version()), (10, Some(81), 1));
    /// assert!(matches!(squares.extend(0..91), Err(Error::VectorFull { needed: 101, capacity: 100, .. })));
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// - `VectorFull` if there would be more than the capacity; `Io` if there is no memory for them. Nothing was changed.
    /// - `InvalidBits` if another process wrote a number of elements that is greater than the capacity. `clear` and `set` end that.
    /// - The errors of [`Synchronized::update`](crate::Synchronized::update).
    pub fn extend(&self, elements: impl IntoIterator<Item = E>) -> Result<(), Error> {
        self.extend_from_slice(&elements.into_iter().collect::<Vec<_>>())
    }

    /// Adds copies of these elements at the end, all in one commit.
    ///
    /// # Errors
    /// The errors of [`extend`](Self::extend).
    pub fn extend_from_slice(&self, elements: &[E]) -> Result<(), Error> {
        self.0.edit(|hold| edit::extend(hold, elements))
    }

    /// Removes the last element, and returns it. Returns `None` if the vector is empty.
    ///
    /// # Errors
    /// `InvalidBits` if another process wrote bytes that are not an element, or a number of elements that is greater than the
    /// capacity, and the errors of [`Synchronized::update`](crate::Synchronized::update).
    pub fn pop(&self) -> Result<Option<E>, Error> {
        self.0.edit(|hold| edit::pop(hold))
    }

    /// Keeps the first `length` elements, and removes the others. If there are no more than that, does nothing. The memory stays
    /// with the vector.
    ///
    /// # Errors
    /// `InvalidBits` as [`extend`](Self::extend), and the errors of [`Synchronized::update`](crate::Synchronized::update).
    pub fn truncate(&self, length: usize) -> Result<(), Error> {
        self.0.edit(|hold| edit::truncate(hold, length))
    }

    /// Replaces one element.
    ///
    /// # Errors
    /// `NoElement` if the vector is shorter: other processes may change its length at any time, so this is not a panic.
    /// `InvalidBits` as [`extend`](Self::extend), and the errors of [`Synchronized::update`](crate::Synchronized::update).
    pub fn set_at(&self, index: usize, element: E) -> Result<(), Error> {
        self.0.edit(|hold| edit::set_at(hold, index, &element))
    }
}

/// Changing a text.
impl<H: VectorWriter<Items = Text> + Root<Contents = Vector<Text>>> VectorAccessors<H> {
    /// Adds text at the end.
    ///
    /// # Errors
    /// The errors of [`set`](Self::set), and `InvalidBits` if another process wrote a length that is greater than the capacity.
    pub fn push_str(&self, text: &str) -> Result<(), Error> {
        self.0.edit(|hold| edit::extend(hold, text.as_bytes()))
    }
}

impl<I: Items, H: Root<Contents = Vector<I>>> fmt::Debug for VectorAccessors<H> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("VectorAccessors").field("capacity", &self.capacity()).finish_non_exhaustive()
    }
}

impl<E: SharedValue, H: Root<Contents = Vector<E>>> IntoIterator for &VectorAccessors<H> {
    type Item = E;
    type IntoIter = std::vec::IntoIter<E>;

    /// Iterates over all elements as they are now, of one version.
    ///
    /// # Panics
    /// If [`load`](VectorAccessors::load) fails.
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<E: SharedValue, A: Access> IntoIterator for &Synchronized<Vector<E>, A> {
    type Item = E;
    type IntoIter = std::vec::IntoIter<E>;

    /// Iterates over all elements as they are now, of one version.
    ///
    /// # Panics
    /// If [`load`](VectorAccessors::load) fails.
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
