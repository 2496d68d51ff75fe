//! Copies bytes between a slot, which is whole words that others may write at any time, and private memory.

use std::ops::Range;

use crate::primitive::{AtomicU64, Ordering::Relaxed};

const WORD: usize = size_of::<u64>();

/// Copies the bytes from an offset of a slot on.
///
/// # Panics
/// If they do not lie in the slot.
pub(super) fn load(slot: &[AtomicU64], offset: usize, bytes: &mut [u8]) {
    for piece in pieces(offset, bytes.len()) {
        let word = slot[piece.word].load(Relaxed).to_ne_bytes();
        bytes[piece.done..][..piece.part.len()].copy_from_slice(&word[piece.part]);
    }
}

/// Copies bytes to an offset of a slot; those around them stay. With `among_others`, others may write those meanwhile.
///
/// # Panics
/// If they do not lie in the slot.
pub(super) fn store(slot: &[AtomicU64], offset: usize, bytes: &[u8], among_others: bool) {
    for piece in pieces(offset, bytes.len()) {
        let merge = |old: u64| {
            let mut word = old.to_ne_bytes();
            word[piece.part.clone()].copy_from_slice(&bytes[piece.done..][..piece.part.len()]);
            u64::from_ne_bytes(word)
        };
        let word = &slot[piece.word];
        if among_others && piece.part.len() < WORD {
            let _ = word.fetch_update(Relaxed, Relaxed, |old| Some(merge(old)));
        } else {
            word.store(merge(word.load(Relaxed)), Relaxed);
        }
    }
}

/// The part of a run of bytes that lies in one word.
struct Piece {
    word: usize,
    /// The bytes of the word.
    part: Range<usize>,
    /// The bytes of the run before it.
    done: usize,
}

fn pieces(offset: usize, length: usize) -> impl Iterator<Item = Piece> {
    let end = offset + length;
    (offset / WORD..end.div_ceil(WORD)).filter(move |_| length > 0).map(move |word| {
        let (first, last) = (offset.max(word * WORD), end.min((word + 1) * WORD));
        Piece { word, part: first - word * WORD..last - word * WORD, done: first - offset }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without this, a change of one field would change those beside it.
    #[test]
    fn every_run_is_copied_and_nothing_else() {
        const SIZE: usize = 3 * WORD;
        for (start, end) in (0..=SIZE).flat_map(|start| (start..=SIZE).map(move |end| (start, end))) {
            for among_others in [false, true] {
                let slot: Vec<_> = (0..SIZE / WORD).map(|_| AtomicU64::new(u64::MAX)).collect();
                let bytes: Vec<u8> = (1..).take(end - start).collect();
                store(&slot, start, &bytes, among_others);
                let mut all = vec![0; SIZE];
                load(&slot, 0, &mut all);
                let mut expected = vec![0xff; SIZE];
                expected[start..end].copy_from_slice(&bytes);
                assert_eq!(all, expected, "{start}..{end}");
                let mut loaded = vec![0; end - start];
                load(&slot, start, &mut loaded);
                assert_eq!(loaded, bytes, "{start}..{end}");
            }
        }
    }
}
