//! Implements `SharedValue` for the primitives of the language. `schema/primitive.rs` has the same table for layouts that are
//! read at run time, and the derive names the types that are refused in `check/standard.rs`.
#![allow(unsafe_code)]

use core::num::{
    NonZeroI8, NonZeroI16, NonZeroI32, NonZeroI64, NonZeroIsize, NonZeroU8, NonZeroU16, NonZeroU32, NonZeroU64,
    NonZeroUsize,
};

use bytemuck::CheckedBitPattern;

use crate::layout::{Layout, SharedValue};

macro_rules! plain {
    ($($type:ty, $name:literal, $code:literal;)*) => {$(
        // SAFETY: the type is a number without padding, and every bit pattern is a value.
        unsafe impl SharedValue for $type {
            const LAYOUT: &'static Layout = &Layout::scalar::<Self>($name, $code);
        }
    )*};
}

macro_rules! non_zero {
    ($($type:ident, $option:literal, $code:literal;)*) => {$(
        // SAFETY: the type is an integer without padding, and every bit pattern but zero is a value.
        unsafe impl SharedValue for $type {
            const LAYOUT: &'static Layout = &Layout::checked::<Self>(stringify!($type), $code);

            #[inline(always)]
            fn valid_bits(bits: u64) -> bool {
                bits != 0
            }
        }

        // SAFETY: the type is an integer without padding, and every bit pattern is a value: zero is `None`, as the standard
        // library promises for `Option<NonZero..>`.
        unsafe impl SharedValue for Option<$type> {
            const LAYOUT: &'static Layout = &Layout::scalar::<Self>($option, $code);
        }
    )*};
}

// `usize` is as wide as the platform's pointers: 64 bits wherever this crate compiles.
plain! {
    i8, "i8", 'b'; i16, "i16", 'h'; i32, "i32", 'i'; i64, "i64", 'q'; isize, "isize", 'q';
    u8, "u8", 'B'; u16, "u16", 'H'; u32, "u32", 'I'; u64, "u64", 'Q'; usize, "usize", 'Q';
    f32, "f32", 'f'; f64, "f64", 'd';
}

non_zero! {
    NonZeroI8, "Option<NonZeroI8>", 'b'; NonZeroI16, "Option<NonZeroI16>", 'h';
    NonZeroI32, "Option<NonZeroI32>", 'i'; NonZeroI64, "Option<NonZeroI64>", 'q';
    NonZeroIsize, "Option<NonZeroIsize>", 'q';
    NonZeroU8, "Option<NonZeroU8>", 'B'; NonZeroU16, "Option<NonZeroU16>", 'H';
    NonZeroU32, "Option<NonZeroU32>", 'I'; NonZeroU64, "Option<NonZeroU64>", 'Q';
    NonZeroUsize, "Option<NonZeroUsize>", 'Q';
}

// SAFETY: one byte, a value if bytemuck accepts its bits.
unsafe impl SharedValue for bool {
    const LAYOUT: &'static Layout = &Layout::checked::<Self>("bool", '?');

    #[inline(always)]
    fn valid_bits(bits: u64) -> bool {
        u8::try_from(bits).is_ok_and(|bits| <Self as CheckedBitPattern>::is_valid_bit_pattern(&bits))
    }
}

// SAFETY: four bytes, a value if bytemuck accepts their bits.
unsafe impl SharedValue for char {
    const LAYOUT: &'static Layout = &Layout::checked::<Self>("char", 'w');

    #[inline(always)]
    fn valid_bits(bits: u64) -> bool {
        u32::try_from(bits).is_ok_and(|bits| <Self as CheckedBitPattern>::is_valid_bit_pattern(&bits))
    }
}
