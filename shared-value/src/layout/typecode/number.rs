//! Prints numbers, truth values and characters from their bytes.

use core::fmt::{self, Debug, Formatter};

use crate::layout::typecode::bits::{sign_extended, zero_extended};
use crate::layout::typecode::half;

/// The bytes of a scalar, printed like the type that its letter in typecodes stands for.
pub(crate) struct CodedNumber<'a> {
    pub(crate) code: char,
    pub(crate) bytes: &'a [u8],
}

impl CodedNumber<'_> {
    /// Returns the integer.
    pub(crate) fn integer(&self) -> i128 {
        if self.is_signed() { sign_extended(self.bytes).into() } else { zero_extended(self.bytes).into() }
    }

    fn is_signed(&self) -> bool {
        matches!(self.code, 'b' | 'h' | 'i' | 'l' | 'q')
    }
}

impl Debug for CodedNumber<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let bits = zero_extended(self.bytes);
        match (self.code, self.bytes) {
            ('?', [0]) => formatter.write_str("false"),
            ('?', [1]) => formatter.write_str("true"),
            ('?', _) => write!(formatter, "<invalid bool {bits:#x}>"),
            ('c', [byte]) => char::from(*byte).fmt(formatter),
            ('w', _) => match u32::try_from(bits).ok().and_then(char::from_u32) {
                Some(character) => character.fmt(formatter),
                None => write!(formatter, "<invalid char {bits:#x}>"),
            },
            ('e', [a, b]) => half::from_bits(u16::from_ne_bytes([*a, *b])).fmt(formatter),
            ('f', [a, b, c, d]) => f32::from_ne_bytes([*a, *b, *c, *d]).fmt(formatter),
            ('d', _) => f64::from_bits(bits).fmt(formatter),
            _ if self.is_signed() => sign_extended(self.bytes).fmt(formatter),
            _ => bits.fmt(formatter),
        }
    }
}
