//! `Pod`: a foreign plain-old-data type inside of a shared struct.
#![allow(unsafe_code)]

use crate::layout::{Kind, Layout, SharedValue};

/// Wraps a type of another crate that is [`bytemuck::Pod`], to share its bytes as they are.
///
/// It has the size and alignment of the type. To share a single value, wrap it by hand:
///
/// ```
/// use shared_value::{Pod, Synchronized};
///
/// let value = Synchronized::new(Pod([1.0_f32, 2.0]))?;
/// assert_eq!(value.load()?.0[1], 2.0);
/// # Ok::<(), shared_value::Error>(())
/// ```
///
/// # Fields
/// In a struct, put `#[shared(pod)]` above the field: the accessors take and return the type itself. This works for the
/// vectors and matrices of `glam` with its feature `bytemuck`, for those of `nalgebra` with `convert-bytemuck`, and for
/// arrays of such types. A type with padding, or with a `bool` or an enum in it, is not `Pod`.
///
/// This library does not look into the bytes: other languages see `(12)B`, and handles print numbers from 0 to 255. If you
/// describe the bytes in the notation of Python's buffer protocol ([PEP 3118]), other languages and `Debug` show them
/// accordingly. The compiler checks that the typecode describes as many bytes as the type has.
///
/// ```
/// # mod glam {
/// #     #[derive(bytemuck::Pod, bytemuck::Zeroable, Clone, Copy, Debug, PartialEq)]
/// #     #[repr(C)]
/// #     pub struct Vec3 { pub x: f32, pub y: f32, pub z: f32 }
/// #     impl Vec3 { pub const fn new(x: f32, y: f32, z: f32) -> Self { Self { x, y, z } } }
/// #     pub type Mat4 = [[f32; 4]; 4];
/// # }
/// use glam::Vec3;
/// use shared_value::SharedValue;
///
/// #[derive(SharedValue, Clone, Copy)]
/// #[repr(C)]
/// struct Body {
///     #[shared(pod)]
///     position: Vec3,
///     #[shared(pod, typecode = "T{<f:x:<f:y:<f:z:}")]
///     velocity: Vec3,
///     #[shared(pod, typecode = "(2,3)<f")]
///     corners: [Vec3; 2],
/// }
///
/// let one = Vec3::new(1.0, 1.0, 1.0);
/// let body = SynchronizedBody::new(Body { position: one, velocity: one, corners: [one; 2] })?;
/// body.set_velocity(Vec3::new(0.0, 0.5, 0.0))?;
/// assert_eq!(body.velocity().y, 0.5);
/// let printed = format!("{body:?}");
/// assert!(printed.contains("position: [0, 0, 128, 63, 0, 0, 128, 63, 0, 0, 128, 63]"));
/// assert!(printed.contains("velocity: {x: 0.0, y: 0.5, z: 0.0}, corners: [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]"));
/// # Ok::<(), shared_value::Error>(())
/// ```
///
/// [PEP 3118]: https://peps.python.org/pep-3118/
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Pod<F>(pub F);

/// The types that a `#[shared(pod)]` field may have: all that are [`bytemuck::Pod`].
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

// SAFETY: `bytemuck::Pod` promises that the type has no padding and no pointers, and that every bit pattern is a value.
unsafe impl<F: bytemuck::Pod> SharedValue for Pod<F> {
    const LAYOUT: &'static Layout = &Layout::new::<Self>("bytes", Kind::Bytes);
}
