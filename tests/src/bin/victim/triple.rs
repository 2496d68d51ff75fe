//! `Triple`: a value of three parts, of any size.

use std::fmt::Debug;

use shared_value::SharedValue;

/// The type of the parts.
pub(crate) trait Number: SharedValue + PartialEq + Debug + From<u8> {}

impl<N: SharedValue + PartialEq + Debug + From<u8>> Number for N {}

/// A number in the first bytes of the value, another in the last bytes, and an array between them.
#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub(crate) struct Triple<N: SharedValue, const BETWEEN: usize> {
    pub(crate) left: N,
    pub(crate) between: [N; BETWEEN],
    pub(crate) right: N,
}

/// 64 bytes: one cache line.
pub(crate) type Line = Triple<u64, 6>;

impl<N: Number, const BETWEEN: usize> Triple<N, BETWEEN> {
    /// Makes a value whose parts all are this number.
    pub(crate) fn of(number: u8) -> Self {
        let number = N::from(number);
        Self { left: number, between: [number; BETWEEN], right: number }
    }

    pub(crate) fn left(self, left: u8) -> Self {
        Self { left: N::from(left), ..self }
    }

    pub(crate) fn right(self, right: u8) -> Self {
        Self { right: N::from(right), ..self }
    }

    pub(crate) fn first_between(mut self, first: u8) -> Self {
        self.between[0] = N::from(first);
        self
    }
}
