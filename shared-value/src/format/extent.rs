//! `Extent`: how many bytes a value of an arena has, and how it lies there.

/// The word of a trailer that says how many bytes the value has:
///
/// | bits | meaning |
/// |---|---|
/// | 0-47 | bytes of the value |
/// | 62 | the lock of a value with one slot is not recursive |
/// | 63 | the value has one slot |
///
/// A program that knows two slots only takes the word for a size that no value can have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extent(u64);

const NOT_RECURSIVE: u64 = 1 << 62;
const ONE_SLOT: u64 = 1 << 63;

impl Extent {
    /// Returns the extent of a value of this size.
    pub(crate) fn of(size: usize) -> Self {
        Self(size as u64)
    }

    /// Returns this extent, of a value with one slot. `is_recursive` is about its lock.
    pub(crate) fn in_one_slot(self, is_recursive: bool) -> Self {
        Self(self.0 | ONE_SLOT | if is_recursive { 0 } else { NOT_RECURSIVE })
    }

    #[inline(always)]
    pub(crate) fn from_word(word: u64) -> Self {
        Self(word)
    }

    #[inline(always)]
    pub(crate) fn to_word(self) -> u64 {
        self.0
    }

    /// Returns the number of bytes of the value.
    pub(crate) fn size(self) -> usize {
        (self.0 & !(ONE_SLOT | NOT_RECURSIVE)) as usize
    }

    /// Returns the number of bytes of a value with two slots, or a number that no value can have: for look-ups, which need no
    /// second comparison then.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "words are as long as pointers")]
    pub(crate) fn size_in_two_slots(self) -> usize {
        self.0 as usize
    }

    #[inline(always)]
    pub(crate) fn is_one_slot(self) -> bool {
        self.0 & ONE_SLOT != 0
    }

    /// Returns whether a thread that holds the lock may take it again.
    #[inline(always)]
    pub(crate) fn is_recursive(self) -> bool {
        self.0 & NOT_RECURSIVE == 0
    }
}
