//! How a handle or a guard comes by the accessors that the derive macro generates for its value.
#![allow(unsafe_code)]

use core::ops::Deref;
use core::ptr;

use crate::error::Error;
use crate::handle::access::Access;
use crate::handle::guard::Guard;
use crate::handle::shared::Shared;
use crate::handle::synchronized::Synchronized;
use crate::hold::read;
use crate::layout::SharedValue;
use crate::protocol::atomics::AtomicU64;

/// What the fields of a value are read through: its [`Synchronized`] or its [`Guard`].
pub trait Reader {
    /// Of what type the value is.
    type Value: SharedValue;

    /// Copies the field that starts at this offset.
    ///
    /// # Panics
    /// If another process wrote something that is not an `F`.
    #[track_caller]
    fn read<F: SharedValue>(&self, offset: usize) -> F;

    /// Copies the elements that start at this offset into a slice.
    ///
    /// # Errors
    /// `InvalidBits` if another process wrote something that is not an `E`.
    fn read_slice<E: SharedValue>(&self, offset: usize, to: &mut [E]) -> Result<(), Error>;

    /// The word of an atomic field, by its number among them.
    fn atomic(&self, number: usize) -> &AtomicU64;
}

impl<T: SharedValue, A: Access> Reader for Synchronized<T, A> {
    type Value = T;

    #[inline(always)]
    fn read<F: SharedValue>(&self, offset: usize) -> F {
        A::field(&self.cell, offset).valid_in::<T>(offset)
    }

    #[inline]
    fn read_slice<E: SharedValue>(&self, offset: usize, to: &mut [E]) -> Result<(), Error> {
        read::slice::<T, E>(offset, to, |copy| A::read(&self.cell, copy))
    }

    #[inline(always)]
    fn atomic(&self, number: usize) -> &AtomicU64 {
        self.cell.atomic(number)
    }
}

impl<T: SharedValue> Reader for Guard<'_, T> {
    type Value = T;

    #[inline(always)]
    fn read<F: SharedValue>(&self, offset: usize) -> F {
        self.field(offset).valid_in::<T>(offset)
    }

    #[inline]
    fn read_slice<E: SharedValue>(&self, offset: usize, to: &mut [E]) -> Result<(), Error> {
        read::slice::<T, E>(offset, to, |copy| self.read_with(copy))
    }

    #[inline(always)]
    fn atomic(&self, number: usize) -> &AtomicU64 {
        self.hold.cell().atomic(number)
    }
}

/// A value whose fields have accessors: a struct that derives `SharedValue`.
///
/// Numbers are none, and that they are none is of use: of `Synchronized::new(0)` the compiler need not know which number
/// it holds to find a method.
///
/// # Safety
/// `Accessors<H>` is a `#[repr(transparent)]` struct whose only field is an `H`.
pub unsafe trait Accessible {
    /// What `H`, a handle or a guard, dereferences to.
    type Accessors<H>;
}

/// The accessors of the fields of a struct, as `balance()` and `set_balance()`.
impl<C: Shared + Accessible + ?Sized, A> Deref for Synchronized<C, A> {
    type Target = C::Accessors<Self>;

    #[inline(always)]
    fn deref(&self) -> &Self::Target {
        // SAFETY: `Accessible` promises that `Accessors<Self>` is a `Self` in a transparent struct.
        unsafe { &*ptr::from_ref(self).cast() }
    }
}

/// The accessors of the fields of a struct, as `balance()` and `set_balance()`.
impl<C: Shared + Accessible + ?Sized> Deref for Guard<'_, C> {
    type Target = C::Accessors<Self>;

    #[inline(always)]
    fn deref(&self) -> &Self::Target {
        // SAFETY: `Accessible` promises that `Accessors<Self>` is a `Self` in a transparent struct.
        unsafe { &*ptr::from_ref(self).cast() }
    }
}
