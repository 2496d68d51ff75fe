//! `FixedStr`: text that lies in the value itself.
#![allow(unsafe_code)]

use core::fmt;
use core::ops::Deref;

use crate::layout::{Kind, Layout, SharedValue};

/// UTF-8 text of at most `N` bytes, filled up with NUL bytes.
///
/// The unused tail is always zero, so equal texts have equal bytes and nothing else ever leaks through them.
///
/// ```
/// use shared_value::{FixedStr, FixedStrError};
///
/// let city = FixedStr::<8>::new("Zürich")?;
/// assert_eq!(city.as_str(), "Zürich");
/// assert_eq!(FixedStr::<8>::new("Sacramento"), Err(FixedStrError::TooLong { length: 10, capacity: 8 }));
/// # Ok::<(), FixedStrError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct FixedStr<const N: usize> {
    bytes: [u8; N],
}

/// Why a text does not fit into a [`FixedStr`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FixedStrError {
    /// It has more bytes than there is room for.
    #[error("a text of {length} bytes does not fit into a `FixedStr<{capacity}>`")]
    TooLong {
        /// The bytes of the text.
        length: usize,
        /// The bytes that there is room for.
        capacity: usize,
    },
    /// It holds a NUL byte, which marks the end of the text.
    #[error("a `FixedStr` cannot hold a NUL, found one at byte {position}")]
    Nul {
        /// Where the first NUL stands.
        position: usize,
    },
}

impl<const N: usize> FixedStr<N> {
    /// Copies the text.
    ///
    /// # Errors
    /// If it is longer than `N` bytes or holds a NUL.
    pub const fn new(text: &str) -> Result<Self, FixedStrError> {
        let source = text.as_bytes();
        if source.len() > N {
            return Err(FixedStrError::TooLong { length: source.len(), capacity: N });
        }
        let mut bytes = [0; N];
        let mut index = 0;
        while index < source.len() {
            if source[index] == 0 {
                return Err(FixedStrError::Nul { position: index });
            }
            bytes[index] = source[index];
            index += 1;
        }
        Ok(Self { bytes })
    }

    /// The text.
    ///
    /// # Panics
    /// Never: the bytes were checked when the value was made or read.
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes[..self.len()]).expect("checked when made or read")
    }

    /// The bytes of the text, without the tail.
    pub fn len(&self) -> usize {
        self.bytes.iter().position(|byte| *byte == 0).unwrap_or(N)
    }

    /// Whether the text has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The first byte at which these bytes stop to be a text with a zeroed tail.
pub(crate) fn first_invalid_byte(bytes: &[u8]) -> Option<usize> {
    let length = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let (text, tail) = bytes.split_at(length);
    match str::from_utf8(text) {
        Err(error) => Some(error.valid_up_to()),
        Ok(_) => tail.iter().position(|byte| *byte != 0).map(|position| length + position),
    }
}

// SAFETY: an array of bytes without padding; the rules of text are what `new` enforces and reading checks.
unsafe impl<const N: usize> SharedValue for FixedStr<N> {
    const LAYOUT: &'static Layout = &Layout::new::<Self>("FixedStr", Kind::Text);
}

impl<const N: usize> Default for FixedStr<N> {
    fn default() -> Self {
        Self { bytes: [0; N] }
    }
}

impl<const N: usize> Deref for FixedStr<N> {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl<const N: usize> fmt::Debug for FixedStr<N> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), formatter)
    }
}

impl<const N: usize> fmt::Display for FixedStr<N> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), formatter)
    }
}

impl<const N: usize> TryFrom<&str> for FixedStr<N> {
    type Error = FixedStrError;

    fn try_from(text: &str) -> Result<Self, FixedStrError> {
        Self::new(text)
    }
}

impl<const N: usize> PartialEq<str> for FixedStr<N> {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl<const N: usize> PartialEq<&str> for FixedStr<N> {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}
