//! The integers that a `#[shared(atomic)]` field may be.

use crate::layout::SharedValue;

/// `u64` and `i64`: what a `#[shared(atomic)]` field may be, because every access to shared memory is a whole word.
#[diagnostic::on_unimplemented(
    message = "`#[shared(atomic)]` needs a `u64` or an `i64`, not `{Self}`",
    label = "not a 64-bit integer",
    note = "atomic operations here are on whole 64-bit words: widen the field, or drop `#[shared(atomic)]` and let the lock guard it"
)]
pub trait AtomicInteger: SharedValue + Ord + sealed::Sealed {
    #[doc(hidden)]
    fn from_word(word: u64) -> Self;
    #[doc(hidden)]
    fn into_word(self) -> u64;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for u64 {}
    impl Sealed for i64 {}
}

impl AtomicInteger for u64 {
    #[inline(always)]
    fn from_word(word: u64) -> Self {
        word
    }

    #[inline(always)]
    fn into_word(self) -> u64 {
        self
    }
}

impl AtomicInteger for i64 {
    #[inline(always)]
    fn from_word(word: u64) -> Self {
        word.cast_signed()
    }

    #[inline(always)]
    fn into_word(self) -> u64 {
        self.cast_unsigned()
    }
}
