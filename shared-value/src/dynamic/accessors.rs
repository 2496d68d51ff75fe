//! `DynAccessors`: the functions for the parts of a dynamic value, by path.
#![expect(private_bounds, reason = "the sealed trait can be neither named nor called from outside")]
#![allow(unsafe_code)]

use crate::accessors::accessible::Accessible;
use crate::accessors::host::{Root, Writer};
use crate::copy::store_from;
use crate::dynamic::DynData;
use crate::dynamic::contents::{Dyn, Dynamic};
use crate::dynamic::copy::{Loaded, Outside, copy, store};
use crate::dynamic::decode::decode;
use crate::dynamic::encode::encode;
use crate::dynamic::limit;
use crate::dynamic::vector::DynVector;
use crate::error::Error;
use crate::hold::read::CopyPieces;
use crate::layout::zero_extended;
use crate::protocol::atomics::{AtomicU64, Ordering};
use crate::schema::place::{Place, WordRange};
use crate::schema::{DynLayout, DynParts};

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

impl<H: Root<Contents: Dynamic>> DynAccessors<H> {
    /// Returns the layout of the value. A [`DynKind::Vector`](crate::DynKind::Vector) has as many elements as there are at the time
    /// of a read. Here, an array whose length only the segment knows is a
    /// [`DynKind::Array`](crate::DynKind::Array).
    pub fn layout(&self) -> &DynLayout {
        &self.0.facts().layout
    }

    /// Lists every part that has a path; see [`DynLayout::fields`].
    pub fn fields(&self) -> DynParts<'_> {
        self.layout().fields()
    }

    /// Returns one part: with this thread's own writes if it holds the lock, otherwise the committed part. Takes no lock.
    ///
    /// # Errors
    /// - `NoSuchPart` if the value has no part with this path; `Unsupported` if the part is too large to be read at once.
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
        let cell = self.0.cell();
        let read = |bytes, copy: &mut CopyPieces<'_>| self.0.read_pieces(bytes, copy);
        if let Some(vector) = DynVector::of(cell) {
            return match path {
                "" => vector.load(|copy| {
                    read(0..cell.shape().size, copy);
                    Ok(())
                }),
                _ => vector.get(path, |copy| self.0.read_with(copy)),
            };
        }
        let place = self.place(path)?;
        decode(place, path, &copy(place, &Outside(cell), read))
    }

    /// Returns the whole value. All fields belong to one version, except the atomic fields: each is as it was at some moment
    /// during the call.
    ///
    /// # Errors
    /// The errors of [`get`](Self::get).
    pub fn load(&self) -> Result<DynData, Error> {
        self.get("")
    }

    /// Returns the handle or the guard.
    pub(super) fn host(&self) -> &H {
        &self.0
    }

    /// Returns the place of a part that is small enough.
    fn place(&self, path: &str) -> Result<Place<'_>, Error> {
        self.host().facts().expect_fixed()?;
        let place = Place::at(self.layout(), path)?;
        limit::check(place.layout)?;
        Ok(place)
    }
}

impl<H: Root<Contents: Dynamic> + Writer> DynAccessors<H> {
    /// Replaces one part. With the empty path, replaces the whole value except its atomic fields and its counters, which the data
    /// may leave out. A counter gets this total by a commit, as a reset does. If this thread holds no guard, the change is committed at once. An atomic field is changed without the lock, and
    /// is never rolled back.
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
    /// assert_eq!(error.to_string(), "`[1]` cannot hold the given data: expected an integer from 0 to 255 (u8), found 256");
    /// assert_eq!(shared.get(), [1, 20, 3]);
    /// # shared_value::unlink(&name)?;
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn set(&self, path: &str, data: impl Into<DynData>) -> Result<(), Error> {
        if let Some(vector) = DynVector::of(self.0.cell()) {
            return vector.set(&self.0, path, &data.into());
        }
        let place = self.place(path)?;
        let bytes = encode(place, path, &data.into())?;
        if let Some(counters) = place.counters {
            return self.set_totals(place.offset, counters, &bytes);
        }
        let Some(words) = place.atomic else {
            let range = place.offset..place.offset + bytes.len();
            return self.0.change(&range, |slot| store::<H::Merge>(slot, place, &bytes));
        };
        for (number, bytes) in bytes.chunks_exact(bytes.len() / words.count).enumerate() {
            self.0.word(words.first + number).store(zero_extended(bytes), Ordering::Release);
        }
        Ok(())
    }

    /// Adds to a counter: a `#[shared(counter)]` field, or an element of one. It takes no lock and is never rolled back; see
    /// [`CounterField`](crate::CounterField).
    ///
    /// # Errors
    /// `NoSuchPart` if the value has no part with this path; `Unsupported` if the part is not a single counter.
    ///
    /// ```
    /// use shared_value::{Counter, DynValue, SharedCounter};
    ///
    /// # let name = format!("shared-value-doc-dyn-add-{}", std::process::id());
    /// let hits: SharedCounter = SharedCounter::create(&name, Counter::new(4))?;
    /// let value = DynValue::open(&name)?;
    /// value.add("total", 3)?;
    /// assert_eq!((hits.total(), value.get("total")?.as_u64()), (7, Some(7)));
    /// # shared_value::unlink(&name)?;
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn add(&self, path: &str, number: u64) -> Result<(), Error> {
        match self.place(path)?.counters {
            Some(WordRange { first, count: 1 }) => {
                self.0.cell().count(first, number);
                Ok(())
            }
            _ => Err(Error::Unsupported {
                what: "only a counter, or an element of one, is added to: `update` this part",
            }),
        }
    }

    /// Commits baselines that make the totals of counters what these bytes say.
    pub(super) fn set_totals(&self, offset: usize, counters: WordRange, bytes: &[u8]) -> Result<(), Error> {
        let lanes = self.0.cell().lanes();
        self.0.change(&(offset..offset + bytes.len()), |slot| {
            for (number, bytes) in bytes.chunks_exact(size_of::<u64>()).enumerate() {
                let baseline = lanes.sum(counters.first + number).wrapping_sub(zero_extended(bytes));
                store_from::<H::Merge>(slot, offset + number * size_of::<u64>(), &baseline.to_ne_bytes());
            }
        })
    }

    /// Lets the closure change one part. With the empty path, lets it change the whole value except its atomic fields. If
    /// this thread holds no guard, the change is committed at once; if the closure panics, nothing was changed.
    ///
    /// An atomic field is changed without the lock: if another process changes it first, the closure runs once more. The
    /// difference that the closure makes to a counter is added to the counter, without the lock. An array of either can only be
    /// changed one element at a time.
    ///
    /// # Errors
    /// The errors of [`set`](Self::set), and `Unsupported` for a whole array of atomic values or counters. `WrongData` also if the part cannot
    /// hold the data that the closure leaves.
    ///
    /// # Panics
    /// If the closure panics.
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
        if let Some(vector) = DynVector::of(self.0.cell()) {
            return vector.update(&self.0, path, change);
        }
        let place = self.place(path)?;
        if let Some(counters) = place.counters {
            let WordRange { first, count: 1 } = counters else {
                return Err(Error::Unsupported { what: "counters change one by one: update an element" });
            };
            let total = |data: &DynData| encode(place, path, data).map(|bytes| zero_extended(&bytes));
            let mut data = self.get(path)?;
            let before = total(&data)?;
            let result = change(&mut data);
            self.0.cell().count(first, total(&data)?.wrapping_sub(before));
            return Ok(result);
        }
        if let Some(words) = place.atomic {
            return match words {
                WordRange { first, count: 1 } => update_atomic(self.0.word(first), place, path, change),
                _ => Err(Error::Unsupported {
                    what: "the elements of an atomic array change one by one: update an element",
                }),
            };
        }
        let range = place.offset..place.offset + place.layout.size();
        let read = |slot: &[AtomicU64]| {
            let data = decode(place, path, &copy(place, &Outside(self.0.cell()), |bytes, copy| _ = copy(slot, bytes)))?;
            Ok(Changed { data, bytes: Vec::new() })
        };
        let changed = |draft: &mut Changed| {
            let result = change(&mut draft.data);
            draft.bytes = encode(place, path, &draft.data)?;
            Ok(result)
        };
        self.0.update_copy(&range, read, changed, |slot, draft: &Changed| {
            store::<H::Merge>(slot, place, &draft.bytes);
        })
    }
}

/// If another thread or process changes the word first, `change` runs again, without a limit.
fn update_atomic<R>(
    atomic: &AtomicU64,
    place: Place<'_>,
    path: &str,
    mut change: impl FnMut(&mut DynData) -> R,
) -> Result<R, Error> {
    let mut seen = atomic.load(Ordering::Acquire);
    loop {
        let mut data = decode(place, path, &copy(place, &Loaded(seen), |_, _| {}))?;
        let result = change(&mut data);
        let bytes = encode(place, path, &data)?;
        match atomic.compare_exchange(seen, zero_extended(&bytes), Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => return Ok(result),
            Err(other) => seen = other,
        }
    }
}

/// A part that is being changed.
struct Changed {
    data: DynData,
    /// The bytes to be written back.
    bytes: Vec<u8>,
}
