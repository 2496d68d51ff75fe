//! `Pod`: a foreign plain-old-data type inside of a shared struct.
#![allow(unsafe_code)]

use crate::layout::{Kind, Layout, SharedValue};

/// Wraps a foreign [`bytemuck::Pod`] type, whose bytes are shared as they are.
///
/// `#[shared(pod)]` on a field does this for you; use it by hand for a value of its own.
///
/// ```
/// use shared_value::{Pod, Synchronized};
///
/// let value = Synchronized::new(Pod([1.0_f32, 2.0]))?;
/// assert_eq!(value.load()?.0[1], 2.0);
/// # Ok::<(), shared_value::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Pod<F>(pub F);

/// What a `#[shared(pod)]` field may be: any [`bytemuck::Pod`] type.
#[diagnostic::on_unimplemented(
    message = "`#[shared(pod)]` needs a `bytemuck::Pod` type, which `{Self}` is not",
    label = "not a `bytemuck::Pod` type",
    note = "if `{Self}` is your own type or a primitive, remove `#[shared(pod)]` and let the type derive `SharedValue`",
    note = "if it is another crate's, that crate may have a feature named `bytemuck`"
)]
#[doc(hidden)]
pub trait PodType: bytemuck::Pod {}

#[diagnostic::do_not_recommend]
impl<F: bytemuck::Pod> PodType for F {}

// SAFETY: `bytemuck::Pod` promises a type without padding and pointers, of which every bit pattern is a value.
unsafe impl<F: bytemuck::Pod> SharedValue for Pod<F> {
    const LAYOUT: &'static Layout = &Layout::new::<Self>("bytes", Kind::Bytes);
}
