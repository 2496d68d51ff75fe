//! `Padded`: 300 bytes with holes.

use shared_value::SharedValue;

/// 300 bytes, of which many are padding.
#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct Padded {
    /// Followed by a hole.
    pub head: u8,
    /// Preceded by a hole.
    pub number: u32,
    /// Followed by a hole.
    pub half: u16,
    /// Holes in an array.
    pub grains: [Grain; 23],
    /// Followed by the last hole.
    pub tail: [u8; 9],
}

/// Twelve bytes with two holes.
#[derive(SharedValue, Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
pub struct Grain {
    /// Followed by a hole.
    pub is_set: bool,
    /// Preceded by a hole.
    pub weight: u32,
    /// Followed by a hole.
    pub size: u16,
}

impl Padded {
    /// A value with no byte zero but in its padding.
    pub fn of(seed: u8) -> Self {
        let seed = seed | 1;
        let number = u32::from_ne_bytes([seed; 4]);
        let half = u16::from_ne_bytes([seed; 2]);
        let grain = Grain { is_set: true, weight: number, size: half };
        Self { head: seed, number, half, grains: [grain; 23], tail: [seed; 9] }
    }
}
