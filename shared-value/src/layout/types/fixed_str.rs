//! `FixedStr`: text that lies in the value itself.
#![allow(unsafe_code)]

use core::fmt;
use core::ops::Deref;
use core::str::FromStr;

use crate::layout::{Kind, Layout, SharedValue};

/// UTF-8 text of at most `N` bytes, which lies in the value itself; the rest of its `N` bytes are NUL bytes.
///
/// It has the size of `[u8; N]`, and dereferences to `str`. The unused bytes are always zero, so equal texts have equal
/// bytes, and no other memory ever leaks through them. A NUL cannot be part of the text, because it marks its end.
///
/// ```
/// use shared_value::{FixedStr, FixedStrError};
///
/// let city = FixedStr::<8>::new("Zürich")?;
/// assert_eq!(city.as_str(), "Zürich");
/// assert_eq!(FixedStr::<8>::new("Sacramento"), Err(FixedStrError::TooLong { length: 10, capacity: 8 }));
/// assert_eq!(FixedStr::<8>::truncated("Sacramento"), "Sacramen");
/// # Ok::<(), FixedStrError>(())
/// ```
///
/// It converts from `&str` and `String`, and can be parsed. Its error converts into [`Error`](crate::Error):
///
/// ```
/// use shared_value::{Error, FixedStr, Synchronized};
///
/// fn rename(name: &Synchronized<FixedStr<16>>, text: &str) -> Result<(), Error> {
///     name.set(text.parse()?)
/// }
///
/// let name = Synchronized::new(FixedStr::<16>::default())?;
/// rename(&name, "Ada")?;
/// assert_eq!(name.get(), "Ada");
/// let error = rename(&name, "Augusta Ada King").and(rename(&name, "Augusta Ada King, Countess of Lovelace"));
/// assert_eq!(error.unwrap_err().to_string(), "a text of 38 bytes does not fit into a `FixedStr<16>`");
/// # Ok::<(), Error>(())
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
    /// The text has more bytes than there is room for.
    #[error("a text of {length} bytes does not fit into a `FixedStr<{capacity}>`")]
    TooLong {
        /// The length of the text in bytes.
        length: usize,
        /// The room in bytes.
        capacity: usize,
    },
    /// The text holds a NUL, which would mark its end.
    #[error("a `FixedStr` cannot hold a NUL, found one at byte {position}")]
    Nul {
        /// The offset of the first NUL in bytes.
        position: usize,
    },
}

impl<const N: usize> FixedStr<N> {
    /// Copies a text.
    ///
    /// # Errors
    /// `TooLong` if the text has more than `N` bytes, `Nul` if it holds a NUL.
    pub const fn new(text: &str) -> Result<Self, FixedStrError> {
        let source = text.as_bytes();
        if source.len() > N {
            return Err(FixedStrError::TooLong { length: source.len(), capacity: N });
        }
        let taken = Self::truncated(text);
        let length = taken.len();
        if length < source.len() {
            return Err(FixedStrError::Nul { position: length });
        }
        Ok(taken)
    }

    /// Copies the beginning of a text: the whole characters that lie in its first `N` bytes, up to the first NUL.
    ///
    /// ```
    /// use shared_value::FixedStr;
    ///
    /// // `ü` takes two bytes, of which only one would fit.
    /// assert_eq!(FixedStr::<2>::truncated("Zürich"), "Z");
    /// assert_eq!(FixedStr::<9>::truncated("one\0two"), "one");
    /// ```
    pub const fn truncated(text: &str) -> Self {
        let source = text.as_bytes();
        let mut length = if source.len() < N { source.len() } else { N };
        while !text.is_char_boundary(length) {
            length -= 1;
        }
        let mut bytes = [0; N];
        let mut index = 0;
        while index < length && source[index] != 0 {
            bytes[index] = source[index];
            index += 1;
        }
        Self { bytes }
    }

    /// Returns the text.
    ///
    /// # Panics
    /// Never: the bytes were checked when the value was made or read.
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes[..self.len()]).expect("checked when made or read")
    }

    /// Returns the length of the text in bytes, at most `N`.
    pub const fn len(&self) -> usize {
        let mut length = 0;
        while length < N && self.bytes[length] != 0 {
            length += 1;
        }
        length
    }

    /// Returns whether the text has no bytes.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Returns the offset of the first byte that is invalid: the bytes must be UTF-8 text followed by zeros.
pub(crate) fn first_invalid_byte(bytes: &[u8]) -> Option<usize> {
    let length = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let (text, tail) = bytes.split_at(length);
    match str::from_utf8(text) {
        Err(error) => Some(error.valid_up_to()),
        Ok(_) => tail.iter().position(|byte| *byte != 0).map(|position| length + position),
    }
}

// SAFETY: an array of bytes without padding; each constructor keeps the rules of text, and reads check them.
unsafe impl<const N: usize> SharedValue for FixedStr<N> {
    const LAYOUT: &'static Layout = &Layout::new::<Self>("FixedStr", Kind::Text);
}

/// The empty text.
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

impl<const N: usize> TryFrom<String> for FixedStr<N> {
    type Error = FixedStrError;

    fn try_from(text: String) -> Result<Self, FixedStrError> {
        Self::new(&text)
    }
}

impl<const N: usize> FromStr for FixedStr<N> {
    type Err = FixedStrError;

    fn from_str(text: &str) -> Result<Self, FixedStrError> {
        Self::new(text)
    }
}

impl<const N: usize> From<FixedStr<N>> for String {
    fn from(text: FixedStr<N>) -> Self {
        text.as_str().to_owned()
    }
}

impl<const N: usize> AsRef<str> for FixedStr<N> {
    fn as_ref(&self) -> &str {
        self.as_str()
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
