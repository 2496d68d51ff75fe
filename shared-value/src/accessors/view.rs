//! `View`: names parts of a value that are read together.
#![expect(private_bounds, reason = "the sealed trait can be neither named nor called from outside")]

use std::fmt;
use std::marker::PhantomData;

use crate::accessors::host::Host;
use crate::accessors::host::sealed::{ReadAt, Start};
use crate::accessors::part::Part;
use crate::copy::{self, Unchecked};
use crate::error::Error;
use crate::format::contents::Contents;
use crate::handle::access::Access;
use crate::handle::synchronized::Synchronized;
use crate::layout::SharedValue;
use crate::protocol::atomics::AtomicU64;

/// Names the parts that [`Synchronized::read`] copies. It has no values: a closure that saw values while another process
/// writes could mix two versions without noticing.
///
/// ```
/// use shared_value::{SharedValue, Synchronized};
///
/// #[derive(SharedValue, Clone, Copy)]
/// #[repr(C)]
/// struct Point { x: f64, y: f64, name: [u8; 64] }
///
/// let point = Synchronized::new(Point { x: 3.0, y: 4.0, name: [0; 64] })?;
/// let (x, y) = point.read(|view| (view.in_x(), view.in_y()))?;
/// assert_eq!(x.hypot(y), 5.0);
/// # Ok::<(), shared_value::Error>(())
/// ```
pub struct View<T: 'static> {
    value: PhantomData<fn() -> T>,
}

impl<T> View<T> {
    const NAMES: &'static Self = &Self { value: PhantomData };
}

impl<T: SharedValue, A: Access> Synchronized<T, A> {
    /// Copies several parts of one version, without taking the lock: with this thread's own writes if it holds the lock,
    /// otherwise the committed parts.
    ///
    /// The closure names the parts, alone or in tuples and arrays. It runs once, before anything is copied.
    ///
    /// ```
    /// use shared_value::SharedValue;
    ///
    /// #[derive(SharedValue, Clone, Copy)]
    /// #[repr(C)]
    /// struct Pose { x: f64, y: f64, path: [u32; 1000] }
    ///
    /// let pose = SynchronizedPose::new(Pose { x: 1.0, y: 2.0, path: [3; 1000] })?;
    /// let (x, [first, last]) =
    ///     pose.read(|view| (view.in_x(), [view.in_path().element(0), view.in_path().element(999)]))?;
    /// assert_eq!((x, first, last), (1.0, 3, 3));
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    ///
    /// # Errors
    /// `InvalidBits` if another process wrote bytes that are not values of these types.
    #[inline]
    pub fn read<S: Select>(&self, select: impl FnOnce(&'static View<T>) -> S) -> Result<S::Values, Error> {
        let parts = select(View::NAMES);
        let copies = self.read_with(|slot| parts.copy(slot));
        parts.check::<T>(copies)
    }
}

/// The parts that [`Synchronized::read`] can copy: a part that a [`View`] names, or a tuple or an array of them.
#[diagnostic::on_unimplemented(
    message = "`read` cannot copy a `{Self}`",
    note = "return parts from the closure: `value.read(|view| (view.in_a(), view.in_b()))`"
)]
pub trait Select: sealed::Copy<Checked = Self::Values> {
    /// The values of the parts.
    type Values;
}

impl<T: 'static, F: SharedValue> Select for Part<'static, View<T>, F> {
    type Values = F;
}

impl<S: Select, const N: usize> Select for [S; N] {
    type Values = [S::Values; N];
}

mod sealed {
    use super::{AtomicU64, Contents, Error};

    /// Copying and checking are separate steps, because the copy may be made several times.
    pub trait Copy {
        type Copies;
        type Checked;

        fn copy(&self, slot: &[AtomicU64]) -> Self::Copies;

        /// Returns the values, if their bits are valid. The error names the place in an `Outer`.
        fn check<Outer: Contents + ?Sized>(&self, copies: Self::Copies) -> Result<Self::Checked, Error>;
    }
}

impl<T: 'static, F: SharedValue> sealed::Copy for Part<'static, View<T>, F> {
    type Copies = Unchecked<F>;
    type Checked = F;

    #[inline(always)]
    fn copy(&self, slot: &[AtomicU64]) -> Unchecked<F> {
        copy::load(slot, self.start())
    }

    #[inline(always)]
    fn check<Outer: Contents + ?Sized>(&self, copy: Unchecked<F>) -> Result<F, Error> {
        copy.check_in::<Outer>(self.start())
    }
}

impl<S: sealed::Copy, const N: usize> sealed::Copy for [S; N] {
    type Copies = [S::Copies; N];
    type Checked = [S::Checked; N];

    #[inline(always)]
    fn copy(&self, slot: &[AtomicU64]) -> Self::Copies {
        self.each_ref().map(|part| part.copy(slot))
    }

    fn check<Outer: Contents + ?Sized>(&self, copies: Self::Copies) -> Result<Self::Checked, Error> {
        let mut error = None;
        let mut parts = self.iter();
        let values = copies.map(|copies| {
            let checked = parts.next()?.check::<Outer>(copies);
            checked.map_err(|invalid| error.get_or_insert(invalid)).ok()
        });
        if let Some(error) = error {
            return Err(error);
        }
        Ok(values.map(|value| value.expect("what is not a value is an error")))
    }
}

macro_rules! tuples {
    ($([$($part:ident $number:tt),*])*) => {$(
        impl<$($part: Select),*> Select for ($($part,)*) {
            type Values = ($($part::Values,)*);
        }

        impl<$($part: sealed::Copy),*> sealed::Copy for ($($part,)*) {
            type Copies = ($($part::Copies,)*);
            type Checked = ($($part::Checked,)*);

            #[inline(always)]
            fn copy(&self, slot: &[AtomicU64]) -> Self::Copies {
                ($(self.$number.copy(slot),)*)
            }

            #[inline(always)]
            fn check<Outer: Contents + ?Sized>(&self, copies: Self::Copies) -> Result<Self::Checked, Error> {
                Ok(($(self.$number.check::<Outer>(copies.$number)?,)*))
            }
        }
    )*};
}

tuples! {
    [A 0]
    [A 0, B 1]
    [A 0, B 1, C 2]
    [A 0, B 1, C 2, D 3]
    [A 0, B 1, C 2, D 3, E 4]
    [A 0, B 1, C 2, D 3, E 4, F 5]
    [A 0, B 1, C 2, D 3, E 4, F 5, G 6]
    [A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7]
    [A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8]
    [A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9]
    [A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10]
    [A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11]
}

impl<T: 'static> Host for View<T> {
    type Value = T;
    type Part<'p, F: 'static> = Part<'p, Self, F>;

    #[inline(always)]
    fn part<F: 'static>(&self, start: usize) -> Part<'_, Self, F> {
        Part::of(self, start)
    }
}

impl<T> Start for View<T> {
    #[inline(always)]
    fn start(&self) -> usize {
        0
    }

    #[inline(always)]
    fn size(&self) -> usize {
        size_of::<T>()
    }
}

impl<T> fmt::Debug for View<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "View({})", std::any::type_name::<T>())
    }
}
