//! Floating-point numbers of half precision (IEEE 754 binary16), which typecodes know and Rust does not.

pub(crate) const SIZE: usize = 2;
pub(crate) const MANTISSA_DIGITS: u32 = 11;

/// The bits of the fraction.
const FRACTION: u32 = 10;
const BIAS: i32 = 15;
const INFINITY: u16 = 0x1f << FRACTION;
const NAN: u16 = INFINITY | 1 << (FRACTION - 1);

/// Returns the bits of the nearest number; `None` if the nearest number is infinite and the given one is not.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the ranges are checked before")]
pub(crate) fn to_bits(number: f64) -> Option<u16> {
    let magnitude = number.abs();
    let bits = if number.is_nan() {
        NAN
    } else if number.is_infinite() {
        INFINITY
    } else if magnitude < 2.0_f64.powi(1 - BIAS) {
        // If rounding yields the smallest normal number, these are its bits too.
        (magnitude * 16_777_216.0).round_ties_even() as u16
    } else if magnitude < 65_520.0 {
        let exponent = (magnitude.to_bits() >> (f64::MANTISSA_DIGITS - 1)) as i32 - 1023;
        let digits = (magnitude * 2.0_f64.powi(10 - exponent)).round_ties_even() as u16;
        // The leading one of `digits` adds one to the exponent, and so does a carry of the rounding.
        (((exponent + BIAS - 1) as u16) << FRACTION) + digits
    } else {
        return None;
    };
    Some(bits | if number.is_sign_negative() { 1 << 15 } else { 0 })
}

/// Returns the bits of a NaN, with the upper bits of its payload.
#[expect(clippy::cast_possible_truncation, reason = "only bits below the mask's are kept")]
pub(crate) fn nan_to_bits(nan: f32) -> u16 {
    let bits = |shift: u32, mask: u16| (nan.to_bits() >> shift) as u16 & mask;
    let (sign, payload) = (bits(16, 0x8000), bits(13, 0x3ff));
    // Without a payload, the bits would be those of infinity.
    sign | INFINITY | if payload == 0 { NAN } else { payload }
}

/// Returns a number of half precision (IEEE 754 binary16), which `f32` holds exactly.
pub(crate) fn from_bits(bits: u16) -> f32 {
    let (sign, exponent, fraction) = (u32::from(bits >> 15), u32::from(bits >> 10 & 0x1f), u32::from(bits & 0x3ff));
    // A subnormal number counts steps of 2^-24, which is exact in `f32`.
    let magnitude = match exponent {
        0 => f32::from(bits & 0x3ff) / 16_777_216.0,
        0x1f => f32::from_bits(0xff << 23 | fraction << 13),
        _ => f32::from_bits((exponent + 127 - 15) << 23 | fraction << 13),
    };
    f32::from_bits(magnitude.to_bits() | sign << 31)
}

#[cfg(test)]
mod tests {
    use super::{from_bits, nan_to_bits, to_bits};

    /// Without this, a number that is read and written back would change.
    #[test]
    fn every_number_is_written_as_it_was_read() {
        for bits in 0..=u16::MAX {
            let number = from_bits(bits);
            if number.is_nan() {
                assert_eq!(nan_to_bits(number), bits);
                assert!(to_bits(number.into()).is_some_and(|bits| from_bits(bits).is_nan()));
            } else {
                assert_eq!(to_bits(number.into()), Some(bits), "{number}");
            }
        }
    }

    /// Without this, numbers between two numbers of half precision would be rounded to the wrong one.
    #[test]
    fn numbers_in_between_are_rounded() {
        for (number, expected) in [
            (1.0, Some(0x3c00)),
            (1.0 + 1.0 / 2048.0, Some(0x3c00)),
            (1.0 + 3.0 / 2048.0, Some(0x3c02)),
            (2047.9, Some(0x6800)),
            (65_519.9, Some(0x7bff)),
            (65_520.0, None),
            (-1e300, None),
            (1e-300, Some(0)),
            (6.1035e-5, Some(0x0400)),
            (-0.0, Some(0x8000)),
            (f64::NEG_INFINITY, Some(0xfc00)),
        ] {
            assert_eq!(to_bits(number), expected, "{number}");
        }
    }

    /// Without this, the half-precision numbers of pods would be printed wrongly.
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
            assert_eq!(from_bits(bits).to_bits(), number.to_bits(), "{bits:#x}");
        }
        assert!(from_bits(0x8000).is_sign_negative() && from_bits(0x7e00).is_nan());
    }
}
