//! `Unchecked`: a copy whose bits are checked before it becomes a value.
#![allow(unsafe_code)]

use core::mem::MaybeUninit;
use core::ptr;

use crate::copy::copier::Copier;
use crate::error::{Error, valid};
use crate::format::contents::Contents;
use crate::layout::{FieldVisitor, Kind, SharedValue, first_invalid_byte, value_bits, zero_extended};

/// The size limit in bytes of values that are loaded piece by piece, into registers if possible.
const IN_REGISTERS: usize = 64;

/// A copy of a `T` out of shared memory that is not checked yet: each byte except padding is initialized, but the bytes may
/// not be a valid `T`.
#[repr(transparent)]
pub struct Unchecked<T>(pub(super) MaybeUninit<T>);

impl<T: SharedValue> Unchecked<T> {
    /// Whether a copy is so large that it should be made in its final place.
    pub(crate) const IS_LARGE: bool = size_of::<T>() > IN_REGISTERS;

    /// Returns the value, if the bits are valid.
    #[inline(always)]
    pub(crate) fn check(self) -> Result<T, Error> {
        self.check_in::<T>(0)
    }

    /// Returns the value, if the bits are valid. The value is a part of an `Outer`, and the error names its place there.
    #[inline(always)]
    pub(crate) fn check_in<Outer: Contents + ?Sized>(self, place: usize) -> Result<T, Error> {
        self.examine::<Outer>(place)?;
        // SAFETY: each byte except padding is initialized, and `SharedValue` promises that bits which `examine` accepts are
        // a value.
        Ok(unsafe { self.0.assume_init() })
    }

    /// Returns the value, for callers that cannot return an error.
    ///
    /// # Panics
    /// If the bits are invalid.
    #[inline(always)]
    #[track_caller]
    pub(crate) fn valid_in<Outer: Contents + ?Sized>(self, place: usize) -> T {
        valid(self.examine::<Outer>(place));
        // SAFETY: each byte except padding is initialized, and `SharedValue` promises that bits which `examine` accepts are
        // a value. Nothing is returned beside the value, so a large copy is not moved.
        unsafe { self.0.assume_init() }
    }

    /// Returns whether the bits are valid.
    #[inline(always)]
    pub(crate) fn is_valid(&self) -> bool {
        // SAFETY: `self` has the bytes of a `T`, initialized except for padding.
        unsafe { first_invalid::<T>(self.0.as_ptr().cast()) }.is_none()
    }

    /// Checks the bits. The error names the place in an `Outer`.
    #[inline(always)]
    pub(crate) fn examine<Outer: Contents + ?Sized>(&self, place: usize) -> Result<(), Error> {
        if const { T::LAYOUT.is_checked() } {
            // SAFETY: `self` has the bytes of a `T`, initialized except for padding.
            if let Some(offset) = unsafe { first_invalid::<T>(self.0.as_ptr().cast()) } {
                return Err(Outer::invalid_bits(place + offset, place, &self.to_bytes()));
            }
        }
        Ok(())
    }

    /// Returns the bytes, with zeros for padding.
    #[cold]
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; size_of::<T>()];
        let mut copier = Copier { from: self.0.as_ptr().cast(), to: bytes.as_mut_ptr() };
        copier.field::<T>(0);
        bytes
    }

    /// Writes the atomic word with this number to its place in the copy.
    ///
    /// # Panics
    /// If the value has no atomic word with this number.
    #[inline(always)]
    pub(crate) fn set_atomic(&mut self, number: usize, word: u64) {
        let (offset, size) = T::LAYOUT.atomic_word(number).expect("the value has so many atomic words");
        let word = value_bits(word, size).to_le_bytes();
        let word = &word[..size];
        // SAFETY: `SharedValue` promises that an atomic field lies in the value.
        let to = unsafe { self.0.as_mut_ptr().cast::<u8>().add(offset) };
        // SAFETY: an atomic field has `word.len()` bytes, all in the value, and nothing else refers to the value.
        unsafe { ptr::copy_nonoverlapping(word.as_ptr(), to, word.len()) };
    }
}

/// Counters.
impl<T: SharedValue> Unchecked<T> {
    /// Returns the word of a counter in the copy: its baseline, until the total has replaced it.
    ///
    /// # Panics
    /// If the value has no counter with this number.
    #[inline]
    pub(crate) fn counter(&self, number: usize) -> u64 {
        let offset = T::LAYOUT.baseline(number).expect("the value has so many counters");
        let mut word = [0; size_of::<u64>()];
        // SAFETY: `SharedValue` promises that its fields lie in the value.
        let from = unsafe { self.0.as_ptr().cast::<u8>().add(offset) };
        // SAFETY: a counter is a `u64`, so its bytes are initialized and in the value; `word` is a local.
        unsafe { ptr::copy_nonoverlapping(from, word.as_mut_ptr(), word.len()) };
        u64::from_ne_bytes(word)
    }

    /// Replaces the word of a counter in the copy.
    ///
    /// # Panics
    /// If the value has no counter with this number.
    #[inline]
    pub(crate) fn set_counter(&mut self, number: usize, total: u64) {
        let offset = T::LAYOUT.baseline(number).expect("the value has so many counters");
        let word = total.to_ne_bytes();
        // SAFETY: `SharedValue` promises that its fields lie in the value.
        let to = unsafe { self.0.as_mut_ptr().cast::<u8>().add(offset) };
        // SAFETY: a counter has `word.len()` bytes, all in the value, and nothing else refers to the value.
        unsafe { ptr::copy_nonoverlapping(word.as_ptr(), to, word.len()) };
    }
}

/// Returns the offset of the first byte that is invalid for a `T`.
///
/// # Safety
/// `bytes` points to the bytes of a `T`, initialized except for padding.
#[inline(always)]
unsafe fn first_invalid<T: SharedValue>(bytes: *const u8) -> Option<usize> {
    match const { T::LAYOUT }.kind() {
        Kind::Scalar { .. } | Kind::Enum { .. } => {
            // SAFETY: scalars and enums have no padding, so the caller promises `size_of::<T>()` initialized bytes.
            let bytes = unsafe { core::slice::from_raw_parts(bytes, size_of::<T>()) };
            (!T::valid_bits(zero_extended(bytes))).then_some(0)
        }
        Kind::Text => {
            // SAFETY: text has no padding, so the caller promises `size_of::<T>()` initialized bytes.
            first_invalid_byte(unsafe { core::slice::from_raw_parts(bytes, size_of::<T>()) })
        }
        Kind::Bytes | Kind::Reserved => None,
        Kind::Array { .. } | Kind::Newtype { .. } | Kind::Struct { .. } => {
            let mut checker = Checker { bytes, invalid: None };
            T::fields(&mut checker);
            checker.invalid
        }
    }
}

struct Checker {
    bytes: *const u8,
    invalid: Option<usize>,
}

impl FieldVisitor for Checker {
    #[inline(always)]
    fn field<F: SharedValue>(&mut self, offset: usize) {
        if const { !F::LAYOUT.is_checked() } || self.invalid.is_some() {
            return;
        }
        // SAFETY: `SharedValue` promises that its fields lie in the value, and `self.bytes` points to the bytes of the
        // value.
        let field = unsafe { self.bytes.add(offset) };
        // SAFETY: the bytes of the value are initialized except for padding, so the bytes of the field are too.
        self.invalid = unsafe { first_invalid::<F>(field) }.map(|invalid| offset + invalid);
    }
}
