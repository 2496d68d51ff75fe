//! Makes a valid value of any type, for the place of a missing value.
#![allow(unsafe_code)]

use core::mem::MaybeUninit;
use core::ptr;

use crate::layout::{FieldVisitor, Kind, SharedValue};

/// Returns a value of the type: zeros, but 1 for a `NonZero` integer, and the first variant of an enum without a zero.
///
/// # Panics
/// If the type has an enum without variants, which the derive macro refuses.
#[inline]
pub(super) fn placeholder<T: SharedValue>() -> T {
    let mut value = MaybeUninit::<T>::zeroed();
    Placeholder { bytes: value.as_mut_ptr().cast() }.field::<T>(0);
    // SAFETY: every byte is initialized. `SharedValue` promises that these bytes are a value: the visitor was shown every
    // field. It has left zeros in fields whose layout is not checked, in text, and in fields whose `valid_bits` accepts
    // zeros. In all other fields it has put bits that `valid_bits` accepts.
    unsafe { value.assume_init() }
}

/// Turns the zeros of a value into bits that are valid.
struct Placeholder {
    bytes: *mut u8,
}

impl FieldVisitor for Placeholder {
    #[inline(always)]
    fn field<F: SharedValue>(&mut self, offset: usize) {
        if const { !F::LAYOUT.is_checked() } {
            return;
        }
        // SAFETY: `SharedValue` promises that its fields lie in the value.
        let bytes = unsafe { self.bytes.add(offset) };
        match const { F::LAYOUT }.kind() {
            Kind::Scalar { .. } | Kind::Enum { .. } => {
                let bits = valid_bits::<F>().to_le_bytes();
                for (index, byte) in bits[..size_of::<F>()].iter().enumerate() {
                    let place = if cfg!(target_endian = "little") { index } else { size_of::<F>() - 1 - index };
                    // SAFETY: the byte lies in the field.
                    let to = unsafe { bytes.add(place) };
                    // SAFETY: the value is a local of `placeholder`, which nothing else refers to.
                    unsafe { ptr::write(to, *byte) };
                }
            }
            Kind::Text | Kind::Bytes | Kind::Reserved => {}
            Kind::Array { .. } | Kind::Newtype { .. } | Kind::Struct { .. } => F::fields(&mut Self { bytes }),
        }
    }
}

/// Returns the bits of a scalar or an enum: zero, if that is a value.
#[inline(always)]
fn valid_bits<F: SharedValue>() -> u64 {
    if F::valid_bits(0) {
        return 0;
    }
    let bits = match const { F::LAYOUT }.kind() {
        Kind::Enum { variants, .. } => {
            let first = variants.first().expect("an enum that can be shared has a variant").discriminant();
            let bytes = first.to_le_bytes();
            let mut bits = [0; size_of::<u64>()];
            bits[..size_of::<F>()].copy_from_slice(&bytes[..size_of::<F>()]);
            u64::from_le_bytes(bits)
        }
        _ => 1,
    };
    assert!(F::valid_bits(bits), "the layout describes a value of the type");
    bits
}
