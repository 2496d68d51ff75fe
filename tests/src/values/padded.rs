//! `Padded`: 300 bytes with padding in many places.

use shared_value::SharedValue;

/// 300 bytes with padding in many places.
#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct Padded {
    /// Followed by padding.
    pub head: u8,
    /// Preceded by padding.
    pub number: u32,
    /// Followed by padding.
    pub half: u16,
    /// An array with padding in each element.
    pub grains: [Grain; 23],
    /// Followed by the last padding.
    pub tail: [u8; 9],
}

/// Twelve bytes with padding in two places.
#[derive(SharedValue, Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
pub struct Grain {
    /// Followed by padding.
    pub is_set: bool,
    /// Preceded by padding.
    pub weight: u32,
    /// Followed by padding.
    pub size: u16,
}

impl Padded {
    /// Makes a value whose bytes are not zero, except for the padding.
    pub fn of(seed: u8) -> Self {
        let seed = seed | 1;
        let number = u32::from_ne_bytes([seed; 4]);
        let half = u16::from_ne_bytes([seed; 2]);
        let grain = Grain { is_set: true, weight: number, size: half };
        Self { head: seed, number, half, grains: [grain; 23], tail: [seed; 9] }
    }
}
