//! `Pieces`: the words in which a small value lies, and the value's bytes in each word.

use crate::copy::words::WORD;

/// A part of a value that lies in one word.
pub(super) struct Piece {
    pub(super) word: usize,
    /// The piece is made of the bytes `start..end` of the word.
    pub(super) start: usize,
    pub(super) end: usize,
    /// The bytes of the value in the words before.
    pub(super) done: usize,
}

/// The pieces of a value of some size at an offset of a slot. If size and offset are constant, so are the pieces.
pub(super) struct Pieces {
    offset: usize,
    size: usize,
    done: usize,
    fit: Fit,
}

/// How the pieces of a type lie, at any offset: its alignment decides.
#[derive(Clone, Copy)]
enum Fit {
    /// It starts at the start of a word.
    WordAligned,
    /// It lies in one word.
    OneWord,
    Any,
}

impl Pieces {
    #[inline(always)]
    pub(super) fn of<T>(offset: usize) -> Self {
        let fit = const {
            if align_of::<T>().is_multiple_of(WORD) {
                Fit::WordAligned
            } else if align_of::<T>() == size_of::<T>() {
                Fit::OneWord
            } else {
                Fit::Any
            }
        };
        Self { offset, size: size_of::<T>(), done: 0, fit }
    }
}

impl Iterator for Pieces {
    type Item = Piece;

    #[inline(always)]
    fn next(&mut self) -> Option<Piece> {
        let left = self.size - self.done;
        if left == 0 {
            return None;
        }
        let at = self.offset + self.done;
        let start = if matches!(self.fit, Fit::WordAligned) { 0 } else { at % WORD };
        let length = if matches!(self.fit, Fit::OneWord) { left } else { left.min(WORD - start) };
        let piece = Piece { word: at / WORD, start, end: start + length, done: self.done };
        self.done += length;
        Some(piece)
    }
}
