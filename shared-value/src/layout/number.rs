//! Prints numbers, truth values and characters from their bytes.

use core::fmt::{self, Debug, Formatter};

use crate::layout::bits::{sign_extended, zero_extended};

/// The bytes of a scalar, printed as the type of its letter in typecodes prints.
pub(super) struct Number<'a> {
    pub(super) code: char,
    pub(super) bytes: &'a [u8],
}

impl Number<'_> {
    /// Returns the integer.
    pub(super) fn integer(&self) -> i128 {
        if self.is_signed() { sign_extended(self.bytes).into() } else { zero_extended(self.bytes).into() }
    }

    fn is_signed(&self) -> bool {
        matches!(self.code, 'b' | 'h' | 'i' | 'l' | 'q')
    }
}

impl Debug for Number<'_> {
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
            ('e', [a, b]) => half(u16::from_ne_bytes([*a, *b])).fmt(formatter),
            ('f', [a, b, c, d]) => f32::from_ne_bytes([*a, *b, *c, *d]).fmt(formatter),
            ('d', _) => f64::from_bits(bits).fmt(formatter),
            _ if self.is_signed() => sign_extended(self.bytes).fmt(formatter),
            _ => bits.fmt(formatter),
        }
    }
}

/// Returns a number of half precision (IEEE 754 binary16), which `f32` holds exactly.
pub(crate) fn half(bits: u16) -> f32 {
    let (sign, exponent, fraction) = (u32::from(bits >> 15), u32::from(bits >> 10 & 0x1f), u32::from(bits & 0x3ff));
    // A number without a leading one counts in steps of 2^-24, which is exact in `f32`.
    let magnitude = match exponent {
        0 => f32::from(bits & 0x3ff) / 16_777_216.0,
        0x1f => f32::from_bits(0xff << 23 | fraction << 13),
        _ => f32::from_bits((exponent + 127 - 15) << 23 | fraction << 13),
    };
    f32::from_bits(magnitude.to_bits() | sign << 31)
}

#[cfg(test)]
mod tests {
    use super::half;

    /// Without this, the half-precision numbers of pods would print as others.
    #[test]
    fn numbers_of_half_precision() {
        for (bits, number) in [
            (0x0000, 0.0),
            (0x0001, 5.960_464_5e-8),
            (0x0400, 6.103_515_6e-5),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x3555, 0.333_251_95),
            (0x7bff, 65504.0),
            (0x7c00, f32::INFINITY),
            (0xfc00, f32::NEG_INFINITY),
        ] {
            assert_eq!(half(bits).to_bits(), number.to_bits(), "{bits:#x}");
        }
        assert!(half(0x8000).is_sign_negative() && half(0x7e00).is_nan());
    }
}
