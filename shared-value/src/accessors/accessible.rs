//! `Deref` implementations that give handles, guards and parts the functions for fields, elements and paths.
#![allow(unsafe_code)]

use core::ops::Deref;
use core::ptr;

use crate::accessors::part::Part;
use crate::accessors::view::View;
use crate::handle::guard::Guard;
use crate::handle::shared::Shared;
use crate::handle::synchronized::Synchronized;
use crate::handle::wait::within::Within;

/// A value whose parts have functions: a struct that derives `SharedValue`, an array, a slice.
///
/// Numbers do not implement it. So the compiler can resolve a method call on `Synchronized::new(0)` before it knows the type
/// of the number.
///
/// # Safety
/// `Accessors<H>` is a `#[repr(transparent)]` struct whose only field is an `H`.
pub unsafe trait Accessible {
    /// The type that `H`, a handle, a guard or a part, dereferences to.
    type Accessors<H>;
}

/// Returns the functions for the parts of a value, on this host.
#[inline(always)]
pub(crate) fn accessors<C: Accessible + ?Sized, H>(host: &H) -> &C::Accessors<H> {
    // SAFETY: `Accessible` promises that `Accessors<H>` is an `H` in a transparent struct.
    unsafe { &*ptr::from_ref(host).cast() }
}

macro_rules! accessible {
    ($([$($generics:tt)*] $host:ty: $value:ty;)*) => {$(
        /// The functions for the parts of the value.
        impl<$($generics)*> Deref for $host {
            type Target = <$value as Accessible>::Accessors<Self>;

            #[inline(always)]
            fn deref(&self) -> &Self::Target {
                accessors::<$value, Self>(self)
            }
        }
    )*};
}

accessible! {
    [C: Shared + Accessible + ?Sized, A] Synchronized<C, A>: C;
    [C: Shared + Accessible + ?Sized] Guard<'_, C>: C;
    [C: Shared + Accessible + ?Sized, A] Within<'_, C, A>: C;
    [R, T: Accessible] Part<'_, R, T>: T;
    [T: Accessible] View<T>: T;
}
