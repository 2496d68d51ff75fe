//! Typed parts by path: checked once, and then as fast as an accessor; and by offset, for callers that have found them before.

use crate::accessors::atomic::Atomic;
use crate::accessors::counter::CounterField;
use crate::accessors::part::Part;
use crate::cell::Cell;
use crate::error::Error;
use crate::format::contents::Shape;
use crate::handle::access::{Access, Writable};
use crate::handle::guard::Guard;
use crate::handle::shared::Shared;
use crate::handle::synchronized::Synchronized;
use crate::handle::wait::within::Within;
use crate::layout::{AtomicField, AtomicValue, SharedValue};
use crate::schema::place::{Place, WordRange, shown};
use crate::schema::{DynKind, DynLayout};

impl<C: Shared + ?Sized, A: Access> Synchronized<C, A> {
    /// Returns the part at a path such as `limits[2]` or `corners[1].x`, of a type that this program knows.
    ///
    /// Path and type are checked here, once. Then the part is read and written as fast as by an accessor: for values whose type
    /// is known only from the segment, and for paths that come from a configuration file. An error of the checks costs nothing
    /// later; keep the part instead of asking for it each time.
    ///
    /// # Errors
    /// - `NoSuchPart` if the value has no part with this path.
    /// - `LayoutMismatch` if the part is of another type. A newtype may be read as the type that it wraps.
    /// - `Unsupported` for an atomic field, which [`atomic_part`](Self::atomic_part) returns, for a counter, which
    ///   [`counter_part`](Self::counter_part) returns, and for the empty path of a value with either.
    ///
    /// ```
    /// use shared_value::{DynValue, Error, SharedValue};
    ///
    /// #[derive(SharedValue, Clone, Copy)]
    /// #[repr(C)]
    /// struct Axis { angle: f64, limits: [f32; 2] }
    ///
    /// #[derive(SharedValue, Clone, Copy)]
    /// #[repr(C)]
    /// struct Robot { axes: [Axis; 6] }
    ///
    /// # let name = format!("shared-value-doc-part-{}", std::process::id());
    /// let robot = SynchronizedRobot::create(&name, Robot { axes: [Axis { angle: 0.0, limits: [-1.0, 1.0] }; 6] })?;
    ///
    /// // A program that knows the unit of one number, and nothing of robots.
    /// let value = DynValue::open(&name)?;
    /// let angle = value.part::<f64>("axes[3].angle")?;
    /// angle.update(|angle| *angle += 0.5)?;
    /// assert_eq!((angle.get(), robot.in_axes().element(3).angle()), (0.5, 0.5));
    ///
    /// assert!(matches!(value.part::<f32>("axes[3].angle"), Err(Error::LayoutMismatch { .. })));
    /// assert_eq!(robot.part::<[f32; 2]>("axes[0].limits")?.at(1), 1.0);
    /// # shared_value::unlink(&name)?;
    /// # Ok::<(), Error>(())
    /// ```
    pub fn part<F: SharedValue>(&self, path: &str) -> Result<Part<'_, Self, F>, Error> {
        offset::<C, F>(&self.cell, path).map(|offset| Part::of(self, offset))
    }

    /// Returns the atomic field at a path, or an element of one, of a type that this program knows.
    ///
    /// # Errors
    /// `NoSuchPart` if the value has no part with this path, or if the part is not atomic; `LayoutMismatch` if it is of another
    /// type.
    ///
    /// ```
    /// use shared_value::{DynValue, SharedValue};
    ///
    /// #[derive(SharedValue, Clone, Copy)]
    /// #[repr(C)]
    /// struct Server { #[shared(atomic)] requests: [u64; 3] }
    ///
    /// # let name = format!("shared-value-doc-atomic-part-{}", std::process::id());
    /// let server = SynchronizedServer::create(&name, Server { requests: [0; 3] })?;
    /// let value = DynValue::open(&name)?;
    /// value.atomic_part::<u64>("requests[2]")?.fetch_add(5);
    /// assert_eq!(server.requests().load(), [0, 0, 5]);
    /// # shared_value::unlink(&name)?;
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn atomic_part<F: SharedValue + AtomicField>(&self, path: &str) -> Result<Atomic<'_, Self, F>, Error> {
        word::<C, F>(&self.cell, path).map(|number| Atomic::at(self, number))
    }
}

impl<C: Shared + ?Sized, A: Access> Synchronized<C, A> {
    /// Returns the counter at a path: a `#[shared(counter)]` field that is not an array, or an element of one.
    ///
    /// # Errors
    /// `NoSuchPart` if the value has no part with this path, or if the part is not a single counter.
    ///
    /// ```
    /// use shared_value::{DynValue, SharedValue};
    ///
    /// #[derive(SharedValue, Clone, Copy)]
    /// #[repr(C)]
    /// struct Server { #[shared(counter)] by_status: [u64; 6] }
    ///
    /// # let name = format!("shared-value-doc-counter-part-{}", std::process::id());
    /// let server = SynchronizedServer::create(&name, Server { by_status: [0; 6] })?;
    /// let value = DynValue::open(&name)?;
    /// value.counter_part("by_status[2]")?.increment();
    /// assert_eq!(server.by_status().element(2).get(), 1);
    /// # shared_value::unlink(&name)?;
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn counter_part(&self, path: &str) -> Result<CounterField<'_, Self, u64>, Error> {
        let layout = C::layout(&self.cell)?;
        let place = Place::at(&layout, path)?;
        let Some(WordRange { first, count: 1 }) = place.counters else {
            let reason = "it is not a counter of the value itself: ask for `part`".to_owned();
            return Err(Error::NoSuchPart { path: shown(path), reason });
        };
        Ok(CounterField::at(self, first, place.offset))
    }
}

impl<C: Shared + ?Sized> Guard<'_, C> {
    /// Returns the part at a path, as [`Synchronized::part`] does: its reads see this thread's own writes, and its writes are
    /// committed with those of the guard.
    ///
    /// # Errors
    /// The errors of [`Synchronized::part`].
    pub fn part<F: SharedValue>(&self, path: &str) -> Result<Part<'_, Self, F>, Error> {
        offset::<C, F>(self.hold.cell(), path).map(|offset| Part::of(self, offset))
    }

    /// Returns the atomic field at a path, as [`Synchronized::atomic_part`] does.
    ///
    /// # Errors
    /// The errors of [`Synchronized::atomic_part`].
    pub fn atomic_part<F: SharedValue + AtomicField>(&self, path: &str) -> Result<Atomic<'_, Self, F>, Error> {
        word::<C, F>(self.hold.cell(), path).map(|number| Atomic::at(self, number))
    }
}

impl<C: Shared + ?Sized, A: Access> Synchronized<C, A> {
    /// Returns the part of type `F` that starts at this byte: for interpreters and other callers that have found the part once, by
    /// [`part`](Self::part) or [`DynLayout::part`](crate::DynLayout::part), and use it with many handles of equal layout.
    ///
    /// Only the bounds are checked here. If a part of another type lies there, its bits are read and written as those of an `F`:
    /// that is a mistake, but no undefined behaviour, because each program checks the bits that it reads.
    ///
    /// # Errors
    /// `NoSuchPart` if an `F` that starts there would not lie inside of the value, or not at a multiple of its alignment.
    ///
    /// ```
    /// use shared_value::{DynLayout, DynValue};
    ///
    /// let layout = DynLayout::structure("Point").field::<f64>("x").field::<f64>("y").build()?;
    /// let offset = layout.part("y")?.offset();
    /// let (one, other) = (DynValue::new(layout.clone())?, DynValue::new(layout)?);
    /// one.part_at::<f64>(offset)?.set(1.5)?;
    /// assert_eq!((one.part::<f64>("y")?.get(), other.part_at::<f64>(offset)?.get()), (1.5, 0.0));
    /// assert!(one.part_at::<f64>(16).is_err() && one.part_at::<f64>(4).is_err());
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    #[inline]
    pub fn part_at<F: SharedValue>(&self, offset: usize) -> Result<Part<'_, Self, F>, Error> {
        check::<F>(offset, self.cell.shape())?;
        Ok(Part::of(self, offset))
    }

    /// Returns the atomic field of this number, or the element of one: for callers that have found it once, as
    /// [`part_at`](Self::part_at). The numbers count the atomic fields of the value in order, and of an array each element.
    ///
    /// # Errors
    /// `NoSuchPart` if the value has fewer.
    ///
    /// ```
    /// use shared_value::{DynLayout, DynValue};
    ///
    /// let layout = DynLayout::structure("Server").atomic::<[u64; 3]>("by_status").atomic::<u64>("requests").build()?;
    /// let server = DynValue::new(layout)?;
    /// server.atomic_at::<u64>(3)?.fetch_add(1);
    /// assert_eq!(server.atomic_part::<u64>("requests")?.load(), 1);
    /// assert!(server.atomic_at::<u64>(4).is_err());
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    #[inline]
    pub fn atomic_at<F: AtomicValue>(&self, number: usize) -> Result<Atomic<'_, Self, F>, Error> {
        let count = self.cell.shape().atomics;
        if number < count {
            return Ok(Atomic::at(self, number));
        }
        let reason = format!("the value has {count} atomic fields and elements");
        Err(Error::NoSuchPart { path: format!("(atomic {number})"), reason })
    }
}

impl<C: Shared + ?Sized, A: Access> Synchronized<C, A> {
    /// Returns the counter of this number, whose baseline lies at this byte of the value: for callers that have found both once, by
    /// [`DynLayout::part`](crate::DynLayout::part), as [`part_at`](Self::part_at). The numbers count the counters of the value in
    /// order, and of an array each element.
    ///
    /// A wrong offset gives wrong totals, and no undefined behaviour.
    ///
    /// # Errors
    /// `NoSuchPart` if the value has fewer counters, or no `u64` at this byte.
    ///
    /// ```
    /// use shared_value::{DynLayout, DynValue};
    ///
    /// let layout = DynLayout::structure("Server").counter::<[u64; 3]>("by_status").counter::<u64>("hits").build()?;
    /// let offset = layout.part("hits")?.offset();
    /// let server = DynValue::new(layout)?;
    /// server.counter_at(3, offset)?.increment();
    /// assert_eq!(server.get("hits")?.as_u64(), Some(1));
    /// assert!(server.counter_at(4, offset).is_err());
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    #[inline]
    pub fn counter_at(&self, number: usize, offset: usize) -> Result<CounterField<'_, Self, u64>, Error> {
        check_counter(number, offset, self.cell.shape())?;
        Ok(CounterField::at(self, number, offset))
    }
}

impl<C: Shared + ?Sized, A: Writable> Within<'_, C, A> {
    /// Returns the counter of this number, as [`Synchronized::counter_at`] does. Its reset waits for the lock for the limited time.
    ///
    /// # Errors
    /// The errors of [`Synchronized::counter_at`].
    pub fn counter_at(&self, number: usize, offset: usize) -> Result<CounterField<'_, Self, u64>, Error> {
        check_counter(number, offset, self.value.cell.shape())?;
        Ok(CounterField::at(self, number, offset))
    }

    /// Returns the part of type `F` that starts at this byte, as [`Synchronized::part_at`] does. Its changes wait for the lock for
    /// the limited time.
    ///
    /// # Errors
    /// The errors of [`Synchronized::part_at`].
    #[inline]
    pub fn part_at<F: SharedValue>(&self, offset: usize) -> Result<Part<'_, Self, F>, Error> {
        check::<F>(offset, self.value.cell.shape())?;
        Ok(Part::of(self, offset))
    }
}

#[inline]
fn check_counter(number: usize, offset: usize, shape: Shape) -> Result<(), Error> {
    let count = shape.lanes.counters;
    if number < count { check::<u64>(offset, shape) } else { Err(no_counter(number, count)) }
}

#[cold]
fn no_counter(number: usize, count: usize) -> Error {
    let reason = format!("the value has {count} counters and elements of counters");
    Error::NoSuchPart { path: format!("(counter {number})"), reason }
}

#[inline]
fn check<F>(offset: usize, shape: Shape) -> Result<(), Error> {
    let size = shape.fixed_size();
    let is_inside = offset.checked_add(size_of::<F>()).is_some_and(|end| end <= size);
    if is_inside && offset.is_multiple_of(align_of::<F>()) { Ok(()) } else { Err(outside::<F>(offset, size)) }
}

#[cold]
fn outside<F>(offset: usize, size: usize) -> Error {
    let (bytes, align) = (size_of::<F>(), align_of::<F>());
    let reason = format!(
        "the value has {size} bytes, and the part takes {bytes} of them at a multiple of {align}: found {offset}"
    );
    Error::NoSuchPart { path: format!("(byte {offset})"), reason }
}

/// Returns where the part at a path starts, if it is an `F` in the slots.
fn offset<C: Shared + ?Sized, F: SharedValue>(cell: &Cell<C>, path: &str) -> Result<usize, Error> {
    let layout = C::layout(cell)?;
    let place = Place::at(&layout, path)?;
    if place.atomic.is_some() {
        return Err(Error::Unsupported { what: "an atomic field has a word of its own: ask for `atomic_part`" });
    }
    if place.counters.is_some() {
        return Err(Error::Unsupported { what: "a counter has lanes: ask for `counter_part`" });
    }
    if place.is_value && (layout.atomic_fields().next().is_some() || layout.lanes() > 0) {
        let what = "the whole value has atomic fields or counters, which a part would not see: use the functions of the handle";
        return Err(Error::Unsupported { what });
    }
    expect_type::<F>(cell.name(), &place, path)?;
    Ok(place.offset)
}

/// Returns the number of the first atomic word of the part at a path, if it is an `F` with words of its own.
fn word<C: Shared + ?Sized, F: SharedValue>(cell: &Cell<C>, path: &str) -> Result<usize, Error> {
    let layout = C::layout(cell)?;
    let place = Place::at(&layout, path)?;
    let Some(words) = place.atomic else {
        let reason = "it is not an atomic field of the value itself: ask for `part`".to_owned();
        return Err(Error::NoSuchPart { path: shown(path), reason });
    };
    expect_type::<F>(cell.name(), &place, path)?;
    Ok(words.first)
}

/// Checks that a part is an `F`, or wraps one.
///
/// The type of bytes is known only to their author, so their typecode is not compared. A part that a typecode describes may lie
/// anywhere, and has an alignment of 1.
fn expect_type<F: SharedValue>(name: &str, place: &Place<'_>, path: &str) -> Result<(), Error> {
    let expected = DynLayout::of::<F>()?;
    let mut layout = place.layout;
    loop {
        let is_equal = if layout.kind == DynKind::Bytes { layout.has_bytes_of(&expected) } else { *layout == expected };
        if is_equal && place.offset.is_multiple_of(align_of::<F>()) {
            return Ok(());
        }
        let DynKind::Newtype { inner } = &layout.kind else { break };
        layout = inner;
    }
    let (expected, found) = (expected.type_text(), place.layout.type_text());
    Err(Error::LayoutMismatch {
        name: name.to_owned(),
        explanation: format!("the part `{}` is of type `{found}`, and not `{expected}`", shown(path)),
        expected,
        found,
    })
}
