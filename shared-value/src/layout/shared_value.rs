//! `SharedValue`: the contract of the types that may lie in shared memory.
#![allow(unsafe_code)]

use crate::layout::metadata::has_counter;
use crate::layout::pod::{Pod, PodType};
use crate::layout::{Describe, Field, Layout, schema, typecode};

/// A type that may lie in shared memory.
///
/// Derive it: `#[derive(SharedValue, Clone, Copy)]` with `#[repr(C)]` on a struct, `#[repr(transparent)]` on a
/// newtype, or an integer repr such as `#[repr(u8)]` on a fieldless enum.
///
/// ```
/// use shared_value::SharedValue;
///
/// #[derive(SharedValue, Clone, Copy)]
/// #[repr(C)]
/// struct Account { balance: i64, frozen: bool }
///
/// assert_eq!(Account::TYPECODE, "T{<q:balance:?:frozen:7x}");
/// assert_eq!(Account::LAYOUT.padding(), 7);
/// ```
///
/// # Types that can be shared
///
/// | you bring | share |
/// |---|---|
/// | integers up to 64 bits, floats, `bool`, `char`, `NonZero` integers and `Option`s of them | the type itself |
/// | arrays | the type itself: `[T; N]` for each `T` that can be shared |
/// | `String`, `&str` | [`FixedStr<N>`](crate::FixedStr) |
/// | `Option<T>` | [`SharedOption<T>`](crate::SharedOption) |
/// | [`Duration`](core::time::Duration) | [`SharedDuration`](crate::SharedDuration) |
/// | [`SystemTime`](std::time::SystemTime) | [`Timestamp`](crate::Timestamp) |
/// | vectors and matrices of `glam`, and every other `bytemuck::Pod` type | the type itself, with `#[shared(pod)]` above the field: see [`Pod`](crate::Pod#fields) |
///
/// # Safety
/// - `LAYOUT` and `fields` describe the type truthfully: every field lies at its offset, inside of the type, and all
///   bytes outside of the fields are padding.
/// - A type whose `LAYOUT` is a scalar, text or bytes has no padding.
/// - Every bit pattern that `valid_bits` (scalars, enums), the rules of text, and the fields accept is a value.
/// - The type holds no pointers, references or handles: a copy of its bytes means the same in another process.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be shared between processes",
    label = "not a `SharedValue`",
    note = "if `{Self}` is your own type, add `#[derive(SharedValue, Clone, Copy)]` and `#[repr(C)]` to it",
    note = "if it is another crate's `bytemuck::Pod` type, write `#[shared(pod)]` above the field, or share `Pod(value)`"
)]
pub unsafe trait SharedValue: Copy + 'static {
    /// The description of the type's bytes.
    const LAYOUT: &'static Layout;

    /// The layout in the notation of Python's buffer protocol (PEP 3118), which numpy reads as a `dtype`.
    const TYPECODE: &'static str = typecode::of::<Self>();

    /// A hash of everything that two programs must agree on to share a value of this type: names, types, offsets,
    /// sizes, alignments, enum variants and the byte order.
    const FINGERPRINT: u64 = schema::fingerprint(Self::LAYOUT);

    #[doc(hidden)]
    const FIELDS: &'static [Field] = &[];

    /// Whether its values have counters, so that they cannot be parts of other values. It is known before `LAYOUT`, which
    /// fails to compile for a value with such parts.
    #[doc(hidden)]
    const HAS_COUNTERS: bool = has_counter(Self::FIELDS);

    /// Makes the descriptions above. The impls that the macro writes call only this constant, `visit` and `visit_pod`, and
    /// they name all three through the implementation of this trait for `u8`: so a module that `#[shared(crate = "..")]`
    /// names cannot substitute functions of its own.
    #[doc(hidden)]
    const DESCRIBE: Describe = Describe;

    /// Shows the visitor the field `number` of a `T`.
    #[doc(hidden)]
    #[inline(always)]
    fn visit<T: SharedValue, F: SharedValue, V: FieldVisitor>(visitor: &mut V, number: usize) {
        let field = &T::FIELDS[number];
        if field.is_counter() {
            visitor.counter::<F>(field.offset());
        } else {
            visitor.field::<F>(field.offset());
        }
    }

    /// Shows the visitor the field `number` of a `T`, which is `#[shared(pod)]`.
    #[doc(hidden)]
    #[inline(always)]
    fn visit_pod<T: SharedValue, F: PodType, V: FieldVisitor>(visitor: &mut V, number: usize) {
        Self::visit::<T, Pod<F>, V>(visitor, number);
    }

    /// Shows the visitor every field of a struct or newtype and every element of an array.
    #[doc(hidden)]
    fn fields<V: FieldVisitor>(visitor: &mut V) {
        let _ = visitor;
    }

    /// Returns whether these bits, extended with zeros, are a value. Called only for scalars and enums.
    #[doc(hidden)]
    fn valid_bits(bits: u64) -> bool {
        let _ = bits;
        true
    }
}

/// An operation on every field of a type.
#[doc(hidden)]
pub trait FieldVisitor {
    fn field<F: SharedValue>(&mut self, offset: usize);

    /// Visits a field that counts in lanes.
    #[inline(always)]
    fn counter<F: SharedValue>(&mut self, offset: usize) {
        self.field::<F>(offset);
    }
}

// SAFETY: an array consists of its elements, one after the other, at multiples of the element's size, with no padding
// between them.
unsafe impl<T: SharedValue, const N: usize> SharedValue for [T; N] {
    const LAYOUT: &'static Layout =
        &Layout::new::<Self>("array", crate::layout::Kind::Array { length: N, element: T::LAYOUT });
    const HAS_COUNTERS: bool = T::HAS_COUNTERS;

    #[inline(always)]
    fn fields<V: FieldVisitor>(visitor: &mut V) {
        for index in 0..N {
            visitor.field::<T>(index * size_of::<T>());
        }
    }
}
