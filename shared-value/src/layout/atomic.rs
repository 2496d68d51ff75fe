//! The types of `#[shared(atomic)]` fields, and the meaning of their words.

use crate::layout::SharedValue;

/// A type that one word of a `#[shared(atomic)]` field can hold: `u64`, `i64`, `f64` or `bool`.
pub trait AtomicValue: AtomicField + sealed::Word {}

/// Numbers that an atomic word can add, subtract and compare: `u64`, `i64` and `f64`.
///
/// Integers wrap around. If the processor has no instruction for an operation, the operation is retried until no other
/// thread or process interferes.
pub trait AtomicNumber: AtomicValue + sealed::SealedNumber {}

/// Values whose bits an atomic word can change: `u64`, `i64` and `bool`.
pub trait AtomicBits: AtomicValue + sealed::Bits {}

/// A type that a `#[shared(atomic)]` field can have: an [`AtomicValue`], or an array of them, whose elements have one word
/// each.
#[diagnostic::on_unimplemented(
    message = "`#[shared(atomic)]` does not work on `{Self}`",
    label = "not an atomic value",
    note = "an atomic field is a `u64`, `i64`, `f64` or `bool`, or an array of them: change the type, or remove \
            `#[shared(atomic)]` and let the lock guard the field"
)]
pub trait AtomicField: SharedValue + sealed::SealedField {}

impl<T: AtomicValue, const N: usize> AtomicField for [T; N] {}

/// Returns the bits of a value of `size` bytes, the lowest ones of a word. One byte is a `bool`, and any word but 0 is
/// true: another process may have written a word that is neither 0 nor 1.
#[inline(always)]
pub(crate) fn value_bits(word: u64, size: usize) -> u64 {
    if size == size_of::<bool>() { u64::from(word != 0) } else { word }
}

pub(crate) mod sealed {
    /// Seals the trait: other crates cannot implement it.
    pub trait SealedField {}

    impl<T: Word, const N: usize> SealedField for [T; N] {}

    pub trait Word {
        fn from_word(word: u64) -> Self;
        fn into_word(self) -> u64;
    }

    pub trait SealedNumber: Word {
        fn plus(self, other: Self) -> Self;
        fn minus(self, other: Self) -> Self;
        fn greater(self, other: Self) -> Self;
        fn less(self, other: Self) -> Self;
        /// Whether adding and subtracting the words adds and subtracts the numbers.
        const IS_INTEGER: bool;
    }

    pub trait Bits: Word {
        /// Returns the bits that `&` keeps in a word of which this is the value.
        fn into_mask(self) -> u64;
    }
}

macro_rules! atomics {
    ($($type:ty: $word:ident => $from:expr, $value:ident => $into:expr;)*) => {$(
        impl AtomicField for $type {}
        impl AtomicValue for $type {}
        impl sealed::SealedField for $type {}
        impl sealed::Word for $type {
            #[inline(always)]
            fn from_word($word: u64) -> Self {
                $from
            }

            #[inline(always)]
            fn into_word(self) -> u64 {
                let $value = self;
                $into
            }
        }
    )*};
}

macro_rules! integers {
    ($($type:ty)*) => {$(
        impl AtomicNumber for $type {}
        impl AtomicBits for $type {}
        impl sealed::Bits for $type {
            #[inline(always)]
            fn into_mask(self) -> u64 {
                sealed::Word::into_word(self)
            }
        }
        impl sealed::SealedNumber for $type {
            const IS_INTEGER: bool = true;

            #[inline(always)]
            fn plus(self, other: Self) -> Self {
                self.wrapping_add(other)
            }

            #[inline(always)]
            fn minus(self, other: Self) -> Self {
                self.wrapping_sub(other)
            }

            #[inline(always)]
            fn greater(self, other: Self) -> Self {
                self.max(other)
            }

            #[inline(always)]
            fn less(self, other: Self) -> Self {
                self.min(other)
            }
        }
    )*};
}

atomics! {
    u64: word => word, value => value;
    i64: word => word.cast_signed(), value => value.cast_unsigned();
    f64: word => f64::from_bits(word), value => value.to_bits();
    // As `value_bits` does.
    bool: word => word != 0, value => u64::from(value);
}

integers! { u64 i64 }

impl AtomicBits for bool {}
impl sealed::Bits for bool {
    /// Any bit of the word makes it true.
    #[inline(always)]
    fn into_mask(self) -> u64 {
        if self { u64::MAX } else { 0 }
    }
}

impl AtomicNumber for f64 {}
impl sealed::SealedNumber for f64 {
    const IS_INTEGER: bool = false;

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self + other
    }

    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        self - other
    }

    #[inline(always)]
    fn greater(self, other: Self) -> Self {
        self.max(other)
    }

    #[inline(always)]
    fn less(self, other: Self) -> Self {
        self.min(other)
    }
}
