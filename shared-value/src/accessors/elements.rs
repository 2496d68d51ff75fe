//! `ElementAccessors`: the functions for the elements of an array.
#![allow(unsafe_code)]

use std::fmt;
use std::ops::RangeBounds;

use crate::accessors::accessible::Accessible;
use crate::accessors::host::{self, Host, Reader, Writer};
use crate::accessors::index;
use crate::copy;
use crate::error::{Error, valid};
use crate::handle::access::Access;
use crate::handle::synchronized::Synchronized;
use crate::hold::read::{self, CopyPieces};
use crate::layout::{Pod, SharedValue};

/// The functions for the elements of an array: call them on its handle, on its guard, and on parts that are arrays.
///
/// ```
/// use shared_value::{SharedValue, Synchronized};
///
/// #[derive(SharedValue, Clone, Copy)]
/// #[repr(C)]
/// struct Account { limits: [u32; 4], rates: [[f64; 3]; 2] }
///
/// let account = SynchronizedAccount::new(Account { limits: [1, 2, 3, 4], rates: [[0.0; 3]; 2] })?;
/// account.in_limits().set_at(2, 35)?;
/// account.in_rates().element(1).update_at(0, |rate| *rate += 0.5)?;
/// assert_eq!((account.limits(), account.in_rates().at(1)), ([1, 2, 35, 4], [0.5, 0.0, 0.0]));
///
/// let numbers = Synchronized::new([3_u8, 1, 2])?;
/// numbers.update_all(|numbers| numbers.sort())?;
/// let guard = numbers.lock()?;
/// guard.write_slice(1, &[7, 9])?;
/// guard.swap(0, 2)?;
/// drop(guard); // One commit.
/// assert_eq!(numbers.to_vec()?, [9, 7, 1]);
/// # Ok::<(), shared_value::Error>(())
/// ```
#[repr(transparent)]
pub struct ElementAccessors<H>(H);

/// A type with elements: `[E; N]`, `[E]`, and a `#[shared(pod)]` array, whose elements are [`Pod`].
pub trait Sequence: sealed::Sequence {
    /// The type of the elements.
    type Element: SharedValue;
}

/// The elements of a host.
type Element<H> = <<H as Host>::Value as Sequence>::Element;

impl<H: Host<Value: Sequence>> ElementAccessors<H> {
    /// Returns the number of elements, which never changes.
    #[inline]
    pub fn len(&self) -> usize {
        self.0.size() / size_of::<Element<H>>()
    }

    /// Returns whether there are no elements.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns a handle of one element.
    ///
    /// # Panics
    /// If `index` is out of bounds.
    #[inline]
    #[track_caller]
    pub fn element(&self, index: usize) -> H::Part<'_, Element<H>> {
        self.0.part(self.start_of(index))
    }

    /// Returns where the element with this index starts in the root.
    #[inline(always)]
    #[track_caller]
    fn start_of(&self, index: usize) -> usize {
        self.0.start() + index::element::<Element<H>>(self.len(), index)
    }
}

impl<H: Reader<Value: Sequence>> ElementAccessors<H> {
    /// Returns one element: with this thread's own writes if it holds the lock, otherwise the committed one. Takes no lock.
    ///
    /// # Panics
    /// If `index` is out of bounds, or if another process wrote bytes that are not an element.
    #[inline]
    #[track_caller]
    pub fn at(&self, index: usize) -> Element<H> {
        host::get(&self.0, self.start_of(index))
    }

    /// Copies elements into a slice as [`at`](Self::at) does, but all of them from one version.
    ///
    /// # Errors
    /// `InvalidBits` if another process wrote bytes that are not an element. The slice stays as it was.
    ///
    /// # Panics
    /// If the range is out of bounds, or not as long as `to`.
    #[inline]
    #[track_caller]
    pub fn read_slice(&self, range: impl RangeBounds<usize>, to: &mut [Element<H>]) -> Result<(), Error> {
        let bytes = index::range::<Element<H>>(self.len(), range, to.len());
        read::slice::<H::Contents, _>(self.0.start() + bytes.start, to, |bytes, copy| self.0.read_pieces(bytes, copy))
    }

    /// Returns all elements, of one version.
    ///
    /// # Errors
    /// `InvalidBits` if another process wrote bytes that are not an element.
    pub fn to_vec(&self) -> Result<Vec<Element<H>>, Error> {
        let read = |bytes, copy: &mut CopyPieces<'_>| self.0.read_pieces(bytes, copy);
        read::elements::<H::Contents, _>(self.0.start(), self.len(), read).map(Vec::from)
    }

    /// Iterates over a copy of all elements, of one version: later writes do not show.
    ///
    /// # Panics
    /// If another process wrote bytes that are not an element.
    #[track_caller]
    pub fn iter(&self) -> std::vec::IntoIter<Element<H>> {
        valid(self.to_vec()).into_iter()
    }
}

/// Changing elements. If this thread holds no guard, each function commits at once. The errors are those of
/// [`Synchronized::update`](crate::Synchronized::update).
impl<H: Writer<Value: Sequence>> ElementAccessors<H> {
    /// Replaces one element.
    ///
    /// # Errors
    /// The errors of [`Synchronized::update`](crate::Synchronized::update).
    ///
    /// # Panics
    /// If `index` is out of bounds.
    #[inline]
    #[track_caller]
    pub fn set_at(&self, index: usize, value: Element<H>) -> Result<(), Error> {
        self.0.set_at(self.start_of(index), &value)
    }

    /// Lets the closure change one element. If the closure panics, nothing changes.
    ///
    /// # Errors
    /// The errors of [`Synchronized::update`](crate::Synchronized::update).
    ///
    /// # Panics
    /// If `index` is out of bounds.
    #[inline]
    #[track_caller]
    pub fn update_at<R>(&self, index: usize, change: impl FnOnce(&mut Element<H>) -> R) -> Result<R, Error> {
        host::update(&self.0, self.start_of(index), change)
    }

    /// Replaces the elements from `start` on, all in one commit.
    ///
    /// # Errors
    /// The errors of [`Synchronized::update`](crate::Synchronized::update).
    ///
    /// # Panics
    /// If there are fewer than `values.len()` elements from `start` on.
    #[inline]
    #[track_caller]
    pub fn write_slice(&self, start: usize, values: &[Element<H>]) -> Result<(), Error> {
        let bytes = index::run::<Element<H>>(self.len(), start, values.len());
        let bytes = self.0.start() + bytes.start..self.0.start() + bytes.end;
        self.0.change(&bytes, |slot| copy::store_slice::<H::Merge, _>(slot, bytes.start, values))
    }

    /// Gives all elements this value, in one commit.
    ///
    /// # Errors
    /// The errors of [`Synchronized::update`](crate::Synchronized::update).
    pub fn fill(&self, value: Element<H>) -> Result<(), Error> {
        let (length, bytes) = (self.len(), self.0.start()..self.0.start() + self.0.size());
        let part = copy::part(length, value);
        self.0.change(&bytes, |slot| copy::fill::<H::Merge, _>(slot, bytes.start, length, &part))
    }

    /// Exchanges two elements, in one commit.
    ///
    /// # Errors
    /// The errors of [`Synchronized::update`](crate::Synchronized::update).
    ///
    /// # Panics
    /// If an index is out of bounds.
    #[track_caller]
    pub fn swap(&self, one: usize, other: usize) -> Result<(), Error> {
        let (start, end) = (self.start_of(one.min(other)), self.start_of(one.max(other)) + size_of::<Element<H>>());
        if end - start == self.0.size() {
            // These bytes may be the whole value, and a change of the whole value promises to write all of it.
            return self.update_all(|elements| elements.swap(one, other));
        }
        let (one, other) = (self.start_of(one), self.start_of(other));
        self.0.update_copy(
            &(start..end),
            |slot| {
                let copy = |start| copy::load::<Element<H>>(slot, start).check_in::<H::Contents>(start);
                Ok((copy(one)?, copy(other)?))
            },
            |_| Ok(()),
            |slot, (first, second)| {
                copy::store_by::<H::Merge, _>(slot, one, second);
                copy::store_by::<H::Merge, _>(slot, other, first);
            },
        )
    }

    /// Lets the closure change a private copy of all elements, which is then written back. If the closure panics, nothing
    /// changes.
    ///
    /// This copies all elements. To change a few elements of a large array, set them under a guard.
    ///
    /// # Errors
    /// The errors of [`Synchronized::update`](crate::Synchronized::update).
    pub fn update_all<R>(&self, change: impl FnOnce(&mut [Element<H>]) -> R) -> Result<R, Error> {
        let (length, bytes) = (self.len(), self.0.start()..self.0.start() + self.0.size());
        self.0.update_copy(
            &bytes,
            |slot| read::elements::<H::Contents, Element<H>>(bytes.start, length, |bytes, copy| _ = copy(slot, bytes)),
            |elements| Ok(change(elements)),
            |slot, elements| copy::store_slice::<H::Merge, _>(slot, bytes.start, elements),
        )
    }
}

impl<H: Reader<Value: Sequence>> fmt::Debug for ElementAccessors<H> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ElementAccessors").field("length", &self.len()).finish_non_exhaustive()
    }
}

impl<H: Reader<Value: Sequence>> IntoIterator for &ElementAccessors<H> {
    type Item = Element<H>;
    type IntoIter = std::vec::IntoIter<Element<H>>;

    /// Iterates over all elements as they are now, of one version.
    ///
    /// # Panics
    /// If another process wrote bytes that are not an element.
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<E: SharedValue, A: Access> IntoIterator for &Synchronized<[E], A> {
    type Item = E;
    type IntoIter = std::vec::IntoIter<E>;

    /// Iterates over all elements as they are now, of one version.
    ///
    /// # Panics
    /// If another process wrote bytes that are not an element.
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

mod sealed {
    /// The bytes of a sequence are those of its elements, one after the other.
    pub trait Sequence {}
}

macro_rules! sequences {
    ($([$($generics:tt)*] $sequence:ty: $element:ty;)*) => {$(
        impl<$($generics)*> sealed::Sequence for $sequence {}
        impl<$($generics)*> Sequence for $sequence {
            type Element = $element;
        }
        // SAFETY: `ElementAccessors<H>` is an `H` in a transparent struct.
        unsafe impl<$($generics)*> Accessible for $sequence {
            type Accessors<H> = ElementAccessors<H>;
        }
    )*};
}

sequences! {
    [E: SharedValue] [E]: E;
    [E: SharedValue, const N: usize] [E; N]: E;
    [F: bytemuck::Pod, const N: usize] Pod<[F; N]>: Pod<F>;
}
