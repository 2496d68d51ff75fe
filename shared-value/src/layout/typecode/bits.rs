//! The bytes of a number as a word.

const WORD: usize = size_of::<u64>();

/// Returns up to eight bytes as a number, extended with zeros.
///
/// # Panics
/// If there are more than eight bytes.
#[inline(always)]
pub(crate) fn zero_extended(bytes: &[u8]) -> u64 {
    let mut word = [0; WORD];
    let start = if cfg!(target_endian = "little") { 0 } else { WORD - bytes.len() };
    word[start..start + bytes.len()].copy_from_slice(bytes);
    u64::from_ne_bytes(word)
}

/// Returns one to eight bytes as a number, extended with copies of their sign bit.
///
/// # Panics
/// If there are no bytes or more than eight.
pub(crate) fn sign_extended(bytes: &[u8]) -> i64 {
    let unused = 8 * (WORD - bytes.len());
    (zero_extended(bytes) << unused).cast_signed() >> unused
}

#[cfg(test)]
mod tests {
    use super::{sign_extended, zero_extended};

    /// Without this, numbers narrower than a word would be misread.
    #[test]
    fn numbers_of_all_widths() {
        assert_eq!((zero_extended(&0xfe_u8.to_ne_bytes()), sign_extended(&0xfe_u8.to_ne_bytes())), (0xfe, -2));
        assert_eq!((zero_extended(&(-2_i16).to_ne_bytes()), sign_extended(&(-2_i16).to_ne_bytes())), (0xfffe, -2));
        assert_eq!(zero_extended(&0x1234_5678_u32.to_ne_bytes()), 0x1234_5678);
        assert_eq!(sign_extended(&i64::MIN.to_ne_bytes()), i64::MIN);
        assert_eq!(zero_extended(&[]), 0);
    }
}
