//! `DynAccessors`: the functions for the parts of a dynamic value, by path.
#![allow(unsafe_code)]
#![expect(
    private_bounds,
    private_interfaces,
    reason = "the sealed traits can be neither named nor called from outside"
)]

use std::ops::Range;

use crate::accessors::accessible::Accessible;
use crate::cell::Cell;
use crate::copy::{Alone, store_from};
use crate::dynamic::contents::Dyn;
use crate::dynamic::copy::copy;
use crate::dynamic::decode::decode;
use crate::dynamic::encode::encode;
use crate::dynamic::path::Place;
use crate::dynamic::scalar::bits;
use crate::dynamic::{DynData, DynLayout, DynParts, limit};
use crate::error::Error;
use crate::handle::access::{Access, Writable};
use crate::handle::guard::Guard;
use crate::handle::synchronized::Synchronized;
use crate::protocol::atomics::{AtomicU64, Ordering};

/// The functions for the parts of a dynamic value: a [`DynValue`](crate::DynValue) and a [`DynGuard`](crate::DynGuard)
/// dereference to this.
///
/// Parts are named by paths such as `limits[2]` or `corners[1].x`; the empty path is the whole value.
#[derive(Debug)]
#[repr(transparent)]
pub struct DynAccessors<H>(H);

// SAFETY: `DynAccessors<H>` is a transparent struct whose only field is an `H`.
unsafe impl Accessible for Dyn {
    type Accessors<H> = DynAccessors<H>;
}

impl<H: sealed::Read> DynAccessors<H> {
    /// Returns the layout of the value. An array whose length only the segment knows is a
    /// [`DynKind::Array`](crate::DynKind::Array) here.
    pub fn layout(&self) -> &DynLayout {
        &self.0.cell().facts().layout
    }

    /// Lists every part that has a path; see [`DynLayout::fields`].
    pub fn fields(&self) -> DynParts<'_> {
        self.layout().fields()
    }

    /// Returns one part: what this thread has written if it holds the lock, or else what is committed. Takes no lock.
    ///
    /// # Errors
    /// - `NoSuchPart` if the path leads nowhere; `Unsupported` if the part is too large to be read at once.
    /// - `InvalidBits` if another process wrote bits that are not a value of the part's type.
    ///
    /// ```
    /// use shared_value::{DynValue, Synchronized};
    ///
    /// # let name = format!("shared-value-doc-dyn-get-{}", std::process::id());
    /// let shared = Synchronized::create(&name, [[1_u8, 2], [3, 4]])?;
    /// let value = DynValue::open_read_only(&name)?;
    /// assert_eq!(value.get("[1]")?.to_string(), "[3, 4]");
    /// assert_eq!(value.get("[1][0]")?.as_u64(), Some(3));
    /// assert_eq!(value.get("[2]").unwrap_err().to_string(), "no part `[2]`: the value has 2 elements");
    /// # shared_value::unlink(&name)?;
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn get(&self, path: &str) -> Result<DynData, Error> {
        let place = self.place(path)?;
        decode(place, path, &copy(self.0.cell(), place, |copy| self.0.read(copy)))
    }

    /// Returns the whole value. Its fields belong to one version, except the atomic fields, each of which is as it was at
    /// some moment during the call.
    ///
    /// # Errors
    /// The errors of [`get`](Self::get).
    pub fn load(&self) -> Result<DynData, Error> {
        self.get("")
    }

    /// Returns the place of a part that is small enough.
    fn place(&self, path: &str) -> Result<Place<'_>, Error> {
        let place = Place::at(self.layout(), path)?;
        limit::check(place.layout)?;
        Ok(place)
    }
}

impl<H: sealed::Write> DynAccessors<H> {
    /// Replaces one part, or with the empty path the whole value except its atomic fields, which may be left out. If this
    /// thread holds no guard, the change is committed at once. An atomic field is changed without the lock, and never rolled
    /// back.
    ///
    /// # Errors
    /// - `WrongData` if the part cannot hold the data, and the errors of [`get`](Self::get). Nothing was changed.
    /// - The errors of [`Synchronized::update`](crate::Synchronized::update) and of [`Guard::set`](crate::Guard::set).
    ///
    /// ```
    /// use shared_value::{DynValue, Synchronized};
    ///
    /// # let name = format!("shared-value-doc-dyn-set-{}", std::process::id());
    /// let shared = Synchronized::create(&name, [1_u8, 2, 3])?;
    /// let value = DynValue::open(&name)?;
    /// value.set("[1]", 20_u64)?;
    /// let error = value.set("[1]", 256_u64).unwrap_err();
    /// assert_eq!(error.to_string(), "`[1]` cannot be that: expected an integer from 0 to 255 (u8), found 256");
    /// assert_eq!(shared.get(), [1, 20, 3]);
    /// # shared_value::unlink(&name)?;
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn set(&self, path: &str, data: impl Into<DynData>) -> Result<(), Error> {
        let place = self.place(path)?;
        let bytes = encode(place, path, &data.into())?;
        match place.atomic {
            Some(number) => self.0.cell().atomic(number).store(bits(&bytes), Ordering::Release),
            None => self.0.store(place.offset, &bytes)?,
        }
        Ok(())
    }

    /// Lets the closure change one part, or with the empty path the whole value except its atomic fields. If this thread
    /// holds no guard, the change is committed at once; if the closure panics, nothing was changed.
    ///
    /// An atomic field is changed without the lock: if another process is faster, the closure runs once more.
    ///
    /// # Errors
    /// The errors of [`set`](Self::set). The data that the closure leaves may be `WrongData` too.
    ///
    /// # Panics
    /// If the closure does.
    ///
    /// ```
    /// use shared_value::{DynData, DynValue, Synchronized};
    ///
    /// # let name = format!("shared-value-doc-dyn-update-{}", std::process::id());
    /// let shared = Synchronized::create(&name, [1_u8, 2, 3])?;
    /// let value = DynValue::open(&name)?;
    /// value.update("", |all| {
    ///     if let DynData::Array(elements) = all {
    ///         elements.reverse();
    ///     }
    /// })?;
    /// assert_eq!(shared.get(), [3, 2, 1]);
    /// assert!(value.update("[0]", |element| *element = DynData::from(256_u16)).is_err());
    /// # shared_value::unlink(&name)?;
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn update<R>(&self, path: &str, mut change: impl FnMut(&mut DynData) -> R) -> Result<R, Error> {
        let place = self.place(path)?;
        if let Some(number) = place.atomic {
            return update_atomic(self.0.cell().atomic(number), place, path, change);
        }
        let read = |slot: &[AtomicU64]| {
            let data = decode(place, path, &copy(self.0.cell(), place, |copy| copy(slot)))?;
            Ok(Draft { data, bytes: Vec::new() })
        };
        let changed = |draft: &mut Draft| {
            let result = change(&mut draft.data);
            draft.bytes = encode(place, path, &draft.data)?;
            Ok(result)
        };
        self.0.update(&(place.offset..place.offset + place.layout.size()), read, changed)
    }
}

fn update_atomic<R>(
    atomic: &AtomicU64,
    place: Place<'_>,
    path: &str,
    mut change: impl FnMut(&mut DynData) -> R,
) -> Result<R, Error> {
    let mut seen = atomic.load(Ordering::Acquire);
    loop {
        let mut data = decode(place, path, &seen.to_ne_bytes())?;
        let result = change(&mut data);
        let bytes = encode(place, path, &data)?;
        match atomic.compare_exchange(seen, bits(&bytes), Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => return Ok(result),
            Err(other) => seen = other,
        }
    }
}

/// A part that is being changed.
pub(crate) struct Draft {
    data: DynData,
    /// The bytes to be written back.
    bytes: Vec<u8>,
}

/// The operations that differ between handles and guards.
mod sealed {
    use super::{AtomicU64, Cell, Draft, Dyn, Error, Range};

    pub trait Read {
        fn cell(&self) -> &Cell<Dyn>;

        /// Lets the closure copy from a slot. It may run several times, and then its last copy counts.
        fn read(&self, copy: &mut dyn FnMut(&[AtomicU64]));
    }

    pub trait Write: Read {
        /// Writes bytes at an offset of the value.
        fn store(&self, offset: usize, bytes: &[u8]) -> Result<(), Error>;

        /// Lets `change` change a draft of these bytes of the value, and writes it back unless that fails.
        fn update<R>(
            &self,
            bytes: &Range<usize>,
            read: impl FnOnce(&[AtomicU64]) -> Result<Draft, Error>,
            change: impl FnOnce(&mut Draft) -> Result<R, Error>,
        ) -> Result<R, Error>;
    }
}

impl<A: Access> sealed::Read for Synchronized<Dyn, A> {
    fn cell(&self) -> &Cell<Dyn> {
        &self.cell
    }

    fn read(&self, copy: &mut dyn FnMut(&[AtomicU64])) {
        A::read(&self.cell, copy);
    }
}

impl<A: Writable> sealed::Write for Synchronized<Dyn, A> {
    fn store(&self, offset: usize, bytes: &[u8]) -> Result<(), Error> {
        A::change(&self.cell, &(offset..offset + bytes.len()), |slot| store_from::<A::Merge>(slot, offset, bytes))
    }

    fn update<R>(
        &self,
        bytes: &Range<usize>,
        read: impl FnOnce(&[AtomicU64]) -> Result<Draft, Error>,
        change: impl FnOnce(&mut Draft) -> Result<R, Error>,
    ) -> Result<R, Error> {
        A::update_copy(&self.cell, bytes, read, change, |slot, draft: &Draft| {
            store_from::<A::Merge>(slot, bytes.start, &draft.bytes);
        })
    }
}

impl sealed::Read for Guard<'_, Dyn> {
    fn cell(&self) -> &Cell<Dyn> {
        self.hold.cell()
    }

    fn read(&self, copy: &mut dyn FnMut(&[AtomicU64])) {
        self.read_with(copy);
    }
}

impl sealed::Write for Guard<'_, Dyn> {
    fn store(&self, offset: usize, bytes: &[u8]) -> Result<(), Error> {
        let write = |slot: &[AtomicU64]| store_from::<Alone>(slot, offset, bytes);
        self.writable()?.change(&(offset..offset + bytes.len()), write);
        Ok(())
    }

    fn update<R>(
        &self,
        bytes: &Range<usize>,
        read: impl FnOnce(&[AtomicU64]) -> Result<Draft, Error>,
        change: impl FnOnce(&mut Draft) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let hold = self.writable()?;
        let write = |slot: &[AtomicU64], draft: &Draft| store_from::<Alone>(slot, bytes.start, &draft.bytes);
        hold.update(bytes, read(hold.current())?, change, write)
    }
}
