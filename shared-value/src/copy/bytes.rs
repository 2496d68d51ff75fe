//! Copies runs of bytes between private memory and a slot. Other threads may write the words of the slot at any time.
//!
//! Words are only ever loaded and stored as a whole. If a run begins or ends within a word, its part is cut out of the
//! loaded word, or merged into the word.
#![allow(unsafe_code)]

use core::mem::MaybeUninit;
use core::ops::Range;
use core::{ptr, slice};

use crate::copy::words::{self, WORD};
use crate::protocol::atomics::{AtomicU64, Ordering::Relaxed};

/// A way to change a part of a word.
pub trait Merge {
    fn merge(word: &AtomicU64, change: impl Fn(u64) -> u64);
}

/// Changes words of a slot that only this thread writes.
pub enum Alone {}

/// Changes words of a slot that other threads write too: their changes to other bytes of a word are not lost.
pub enum AmongOthers {}

impl Merge for Alone {
    #[inline(always)]
    fn merge(word: &AtomicU64, change: impl Fn(u64) -> u64) {
        word.store(change(word.load(Relaxed)), Relaxed);
    }
}

impl Merge for AmongOthers {
    #[inline(always)]
    fn merge(word: &AtomicU64, change: impl Fn(u64) -> u64) {
        // Each repetition means that another thread has written the word. No call with a timeout writes in this way.
        let _ = word.fetch_update(Relaxed, Relaxed, |old| Some(change(old)));
    }
}

/// A run of bytes of a slot, split into words.
struct Run<'a> {
    /// The first word, and its bytes that belong to the run; `None` if the whole word belongs to the run.
    head: Option<(&'a AtomicU64, Range<usize>)>,
    whole: &'a [AtomicU64],
    /// The last word, and the number of its bytes that belong to the run; `None` if the whole word belongs to the run, or if
    /// the head is the last word.
    tail: Option<(&'a AtomicU64, usize)>,
}

impl<'a> Run<'a> {
    /// Splits the run of `length` bytes from `offset` on.
    ///
    /// # Panics
    /// If the run does not lie in the slot.
    #[inline]
    fn of(slot: &'a [AtomicU64], offset: usize, length: usize) -> Self {
        if length == 0 {
            return Self { head: None, whole: &[], tail: None };
        }
        let words = &slot[offset / WORD..(offset + length).div_ceil(WORD)];
        let (start, rest) = (offset % WORD, words);
        if start + length < WORD {
            return Self { head: Some((&rest[0], start..start + length)), whole: &[], tail: None };
        }
        let (head, rest) = if start == 0 { (None, rest) } else { (Some((&rest[0], start..WORD)), &rest[1..]) };
        let end = (offset + length) % WORD;
        let (whole, tail) = if end == 0 {
            (rest, None)
        } else {
            let (last, whole) = rest.split_last().expect("a run that is longer than its head ends in another word");
            (whole, Some((last, end)))
        };
        Self { head, whole, tail }
    }
}

/// Fills a buffer with the bytes from an offset of a slot on.
///
/// # Panics
/// If they do not lie in the slot.
pub(crate) fn load_into(slot: &[AtomicU64], offset: usize, to: &mut [u8]) {
    // SAFETY: `to` is a unique reference to `to.len()` bytes, which may be written.
    unsafe { load(slot, offset, to.as_mut_ptr(), to.len()) };
}

/// Fills a buffer whose bytes need not be initialized with the bytes from an offset of a slot on. `read` calls its argument with the
/// slot and each piece of these bytes, in order; a piece that is missing is zeros.
///
/// # Panics
/// If a piece does not lie in the slot, or in the buffer.
pub(crate) fn load_uninit(
    offset: usize,
    to: &mut [MaybeUninit<u8>],
    read: impl FnOnce(&mut dyn FnMut(&[AtomicU64], Range<usize>)),
) -> &mut [u8] {
    let (start, length) = (to.as_mut_ptr().cast::<u8>(), to.len());
    // The first bytes of the buffer that are initialized without a gap.
    let mut filled = 0;
    read(&mut |slot, bytes| {
        let is_inside = bytes.start <= bytes.end && offset <= bytes.start && bytes.end - offset <= length;
        assert!(is_inside, "the bytes must lie in the buffer");
        let first = bytes.start - offset;
        // SAFETY: as just checked, at least `first` bytes belong to the buffer.
        let place = unsafe { start.add(first) };
        // SAFETY: `to` is a unique reference to the buffer, which may be written, and is not used while `start` is. As just
        // checked, `bytes.len()` bytes of it follow `place`.
        unsafe { load(slot, bytes.start, place, bytes.len()) };
        if first <= filled {
            filled = filled.max(first + bytes.len());
        }
    });
    // SAFETY: `filled` is the end of a piece that lies in the buffer, or 0.
    let rest = unsafe { start.add(filled) };
    // SAFETY: `to` is a unique reference to the buffer, which may be written, and `length - filled` bytes of it follow `rest`.
    unsafe { rest.write_bytes(0, length - filled) };
    // SAFETY: these are the bytes of `to`, to which no other reference exists as long as the result lives. All of them are
    // initialized: the first `filled` ones by `load`, which writes all bytes or panics, and the rest as zeros.
    unsafe { slice::from_raw_parts_mut(start, length) }
}

/// Copies a buffer to an offset of a slot; the bytes around it stay.
///
/// # Panics
/// If the buffer does not fit into the slot there. Nothing was written then.
pub(crate) fn store_from<M: Merge>(slot: &[AtomicU64], offset: usize, from: &[u8]) {
    // SAFETY: `from` has `from.len()` bytes, which are initialized.
    unsafe { store::<M>(slot, offset, from.as_ptr(), from.len()) };
}

/// Copies bytes out of a slot.
///
/// # Panics
/// If they do not lie in the slot.
///
/// # Safety
/// `to` points to `length` bytes that may be written and that no reference points to.
#[inline]
pub(crate) unsafe fn load(slot: &[AtomicU64], offset: usize, to: *mut u8, length: usize) {
    let run = Run::of(slot, offset, length);
    let mut done = 0;
    if let Some((word, bytes)) = run.head {
        let word = word.load(Relaxed).to_ne_bytes();
        done = bytes.len();
        // SAFETY: `done` bytes are the head of the run, and the caller has room for the whole run. `word` is a local, which
        // does not overlap that room.
        unsafe { ptr::copy_nonoverlapping(word[bytes].as_ptr(), to, done) };
    }
    // SAFETY: the head of the run has `done` bytes, and the caller has room for the whole run.
    let place = unsafe { to.add(done) };
    // SAFETY: the caller has room for the whole run, and these words follow the head of the run.
    unsafe { words::load(run.whole, place) };
    done += size_of_val(run.whole);
    if let Some((word, left)) = run.tail {
        let word = word.load(Relaxed).to_ne_bytes();
        // SAFETY: the head and the whole words of the run have `done` bytes, and the caller has room for the whole run.
        let place = unsafe { to.add(done) };
        // SAFETY: the caller has room for the whole run, and `left` bytes of the run are left. `word` is a local, which does
        // not overlap that room.
        unsafe { ptr::copy_nonoverlapping(word.as_ptr(), place, left) };
    }
}

/// Copies bytes into a slot. The bytes around them stay.
///
/// # Panics
/// If they do not lie in the slot. Nothing was written then.
///
/// # Safety
/// `from` points to `length` initialized bytes.
#[inline]
pub(crate) unsafe fn store<M: Merge>(slot: &[AtomicU64], offset: usize, from: *const u8, length: usize) {
    let run = Run::of(slot, offset, length);
    let mut done = 0;
    if let Some((word, bytes)) = run.head {
        done = bytes.len();
        M::merge(word, |old| {
            let mut word = old.to_ne_bytes();
            // SAFETY: `done` bytes are the head of the run, and the caller promises that all bytes of the run can be read.
            // `word` is a local, which does not overlap them.
            unsafe { ptr::copy_nonoverlapping(from, word[bytes.clone()].as_mut_ptr(), done) };
            u64::from_ne_bytes(word)
        });
    }
    // SAFETY: the head of the run has `done` bytes, and the caller promises that all bytes of the run can be read.
    let place = unsafe { from.add(done) };
    // SAFETY: the caller promises that all bytes of the run can be read, and these words follow the head of the run.
    unsafe { words::store(run.whole, place) };
    done += size_of_val(run.whole);
    if let Some((word, left)) = run.tail {
        // SAFETY: the head and the whole words of the run have `done` bytes, and the caller promises that all bytes of the
        // run can be read.
        let place = unsafe { from.add(done) };
        M::merge(word, |old| {
            let mut word = old.to_ne_bytes();
            // SAFETY: the caller promises that all bytes of the run can be read, and `left` bytes of the run are left.
            // `word` is a local, which does not overlap them.
            unsafe { ptr::copy_nonoverlapping(place, word.as_mut_ptr(), left) };
            u64::from_ne_bytes(word)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every run of a slot of four words is stored and loaded; the bytes around it stay.
    #[test]
    fn every_run_is_copied_and_nothing_else() {
        let size = 4 * WORD;
        for start in 0..=size {
            for end in start..=size {
                check::<Alone>(size, start..end);
                check::<AmongOthers>(size, start..end);
            }
        }
    }

    fn check<M: Merge>(size: usize, run: Range<usize>) {
        let slot: Vec<AtomicU64> = (0..size / WORD).map(|_| AtomicU64::new(u64::MAX)).collect();
        let bytes: Vec<u8> = (1..).take(run.len()).collect();
        store_from::<M>(&slot, run.start, &bytes);
        let stored: Vec<u8> = slot.iter().flat_map(|word| word.load(Relaxed).to_ne_bytes()).collect();
        let mut expected = vec![0xff; size];
        expected[run.clone()].copy_from_slice(&bytes);
        assert_eq!(stored, expected, "{run:?}");
        let mut loaded = vec![0; run.len()];
        load_into(&slot, run.start, &mut loaded);
        assert_eq!(loaded, bytes, "{run:?}");
    }

    /// If a run does not fit into the slot, none of it may be written: neither after the slot nor in it.
    #[test]
    fn a_run_must_lie_in_the_slot() {
        let slot = [AtomicU64::new(0), AtomicU64::new(0)];
        let bytes = [1; 24];
        for (start, length) in [(0, 17), (16, 1), (9, 8), (24, 0)] {
            let store = || store_from::<Alone>(&slot, start, &bytes[..length]);
            let stored = std::panic::catch_unwind(std::panic::AssertUnwindSafe(store));
            assert_eq!(stored.is_err(), length > 0, "{length} bytes at {start}");
            assert_eq!([0, 0], [slot[0].load(Relaxed), slot[1].load(Relaxed)]);
        }
    }
}
