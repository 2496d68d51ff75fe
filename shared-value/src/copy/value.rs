//! Copies values between a slot, which is whole words that others may write at any time, and private memory.
//!
//! Words are only ever loaded and stored whole: accesses of several sizes that race are undefined in Rust's memory
//! model. A part that is smaller than its words is cut out of them after the load, and merged into them before the
//! store, which only the lock's owner does.
#![allow(unsafe_code)]

use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ops::Range;
use core::ptr;

use crate::copy::bytes::{self, Alone, Merge};
use crate::copy::words::{self, WORD};
use crate::error::{Error, valid};
use crate::format::contents::Contents;
use crate::layout::{FieldVisitor, Kind, SharedValue, first_invalid_byte};
use crate::protocol::atomics::{AtomicU64, Ordering::Relaxed};

/// The most bytes of a value that is loaded piece by piece, into registers if that can be.
const IN_REGISTERS: usize = 64;

/// The most bytes of a value that is stored piece by piece, and of which a copy is made on the stack.
const SMALL: usize = 512;

/// The most bytes of a value of which an update makes its copy on the stack.
const ON_STACK: usize = 4096;

/// Whether an update of a `T` makes its copy on the heap.
pub(crate) const fn is_boxed<T>() -> bool {
    size_of::<T>() > ON_STACK
}

/// The bytes of an `F` at an offset.
#[inline(always)]
pub(crate) const fn range<F>(offset: usize) -> Range<usize> {
    offset..offset + size_of::<F>()
}

/// What was copied out of shared memory as a `T`: every byte of it that is not padding is initialized, and perhaps they
/// are not a value of the type.
#[repr(transparent)]
pub struct Unchecked<T>(MaybeUninit<T>);

/// Copies the `T` at a byte offset out of a slot.
///
/// # Panics
/// If it does not lie in the slot, or not at a multiple of its alignment.
#[inline(always)]
pub(crate) fn load<T: SharedValue>(slot: &[AtomicU64], offset: usize) -> Unchecked<T> {
    if const { Unchecked::<T>::IS_LARGE } {
        return Unchecked::by(offset, |copy| copy(slot));
    }
    assert!(offset.is_multiple_of(align_of::<T>()), "a field must be aligned");
    let mut copy = MaybeUninit::<T>::uninit();
    let bytes: *mut u8 = copy.as_mut_ptr().cast();
    if const { is_words::<T>() } {
        // SAFETY: these are the bytes of `copy`, which nothing else refers to.
        unsafe { load_run::<T>(slot, offset, bytes) };
        return Unchecked(copy);
    }
    for piece in Pieces::of::<T>(offset) {
        let word = slot[piece.word].load(Relaxed).to_ne_bytes();
        let from = &word[piece.start..piece.end];
        // SAFETY: pieces lie one behind the other and make up the bytes of a `T`.
        let to = unsafe { bytes.add(piece.done) };
        // SAFETY: as many bytes as the piece has are left in `copy`, which nothing else refers to.
        unsafe { ptr::copy_nonoverlapping(from.as_ptr(), to, from.len()) };
    }
    Unchecked(copy)
}

/// What `Unchecked::by` does: not inlined, so that `copy` may lie where the caller wants it in the end.
#[inline(never)]
fn load_to<T: SharedValue>(offset: usize, copy: &mut MaybeUninit<T>, read: impl FnOnce(&mut dyn FnMut(&[AtomicU64]))) {
    assert!(offset.is_multiple_of(align_of::<T>()), "a field must be aligned");
    let (bytes, mut is_made) = (copy.as_mut_ptr().cast::<u8>(), false);
    read(&mut |slot| {
        // SAFETY: these are the bytes of `copy`, which nothing else refers to.
        unsafe { load_run::<T>(slot, offset, bytes) };
        is_made = true;
    });
    assert!(is_made, "nothing was copied");
}

/// # Panics
/// If the `T` does not lie in the slot.
///
/// # Safety
/// `to` leads to as many bytes as a `T` has, which may be written, and which nothing else refers to.
#[inline(always)]
unsafe fn load_run<T>(slot: &[AtomicU64], offset: usize, to: *mut u8) {
    if const { is_words::<T>() } {
        // SAFETY: promised by the caller; so many words make up the bytes of a `T`.
        unsafe { words::load(words_at::<T>(slot, offset), to) };
    } else {
        // SAFETY: promised by the caller.
        unsafe { bytes::load(slot, offset, to, size_of::<T>()) };
    }
}

/// Copies a value to a byte offset of a slot that this thread alone writes; other bytes stay.
///
/// Padding is not copied, which could leak what lay in this process's memory: the zeros stay that it was made with, or take
/// its place.
///
/// # Panics
/// If it does not lie in the slot, or not at a multiple of its alignment.
#[inline(always)]
pub(crate) fn store<T: SharedValue>(slot: &[AtomicU64], offset: usize, value: &T) {
    store_by::<Alone, T>(slot, offset, value);
}

/// The same, where parts of words are changed so.
///
/// # Panics
/// As `store`.
#[inline(always)]
pub(crate) fn store_by<M: Merge, T: SharedValue>(slot: &[AtomicU64], offset: usize, value: &T) {
    assert!(offset.is_multiple_of(align_of::<T>()), "a field must be aligned");
    let from: *const u8 = ptr::from_ref(value).cast();
    match const { (T::LAYOUT.padding() == 0, size_of::<T>() <= SMALL) } {
        // SAFETY: without padding, every byte of a value is initialized.
        (true, true) => unsafe { store_bytes::<M, T>(slot, offset, from) },
        // SAFETY: as above.
        (true, false) => unsafe { bytes::store::<M>(slot, offset, from, size_of::<T>()) },
        (false, true) => {
            let mut copy = MaybeUninit::<T>::uninit();
            let bytes: *mut u8 = copy.as_mut_ptr().cast();
            // SAFETY: `copy` has so many bytes. They are set where they lie, because moving `copy` would lose its padding.
            unsafe { ptr::write_bytes(bytes, 0, size_of::<T>()) };
            T::fields(&mut Copier { from, to: bytes });
            // SAFETY: every byte of `copy` was set above.
            unsafe { store_bytes::<M, T>(slot, offset, bytes) };
        }
        // It may not fit onto the stack.
        (false, false) => T::fields(&mut Storer::<M> { slot, offset, from, merge: PhantomData }),
    }
}

/// Copies values, one behind the other, to a byte offset of a slot.
///
/// # Panics
/// As `store`.
#[inline]
pub(crate) fn store_slice<M: Merge, T: SharedValue>(slot: &[AtomicU64], offset: usize, values: &[T]) {
    assert!(offset.is_multiple_of(align_of::<T>()), "elements must be aligned");
    if const { T::LAYOUT.padding() == 0 } {
        // SAFETY: without padding, every byte of the values is initialized.
        return unsafe { bytes::store::<M>(slot, offset, values.as_ptr().cast(), size_of_val(values)) };
    }
    for (index, value) in values.iter().enumerate() {
        store_by::<M, T>(slot, offset + index * size_of::<T>(), value);
    }
}

/// What `fill` copies to a slot again and again: of so many elements a part, long enough that what it costs beside its words
/// does not count.
///
/// It is made before a lock is taken for that, under which nobody may ask for memory. And it is made of copies: clones would run
/// the user's code.
pub(crate) fn part<T: SharedValue>(count: usize, value: T) -> Vec<T> {
    const PART: usize = 4096;
    (0..count.min(PART.div_ceil(size_of::<T>()))).map(|_| value).collect()
}

/// Whether all bytes of a value are zeros, those of padding left aside.
pub(crate) fn is_zeroed<T: SharedValue>(value: &T) -> bool {
    let mut bytes = vec![0; size_of::<T>()];
    Copier { from: ptr::from_ref(value).cast(), to: bytes.as_mut_ptr() }.field::<T>(0);
    bytes.iter().all(|byte| *byte == 0)
}

/// Copies values to a byte offset of a slot again and again, until there are so many.
///
/// # Panics
/// As `store`.
pub(crate) fn fill<M: Merge, T: SharedValue>(slot: &[AtomicU64], offset: usize, count: usize, part: &[T]) {
    for start in (0..count).step_by(part.len().max(1)) {
        store_slice::<M, T>(slot, offset + start * size_of::<T>(), &part[..part.len().min(count - start)]);
    }
}

/// Copies what lies at a byte offset of a slot, one behind the other.
///
/// # Panics
/// If it does not lie in the slot.
#[inline]
pub(crate) fn load_slice<T: SharedValue>(slot: &[AtomicU64], offset: usize, copies: &mut [Unchecked<T>]) {
    // SAFETY: these are all the bytes of the copies, for which any initialized bytes will do.
    unsafe { bytes::load(slot, offset, copies.as_mut_ptr().cast(), size_of_val(copies)) };
}

/// The same, for values of which all bits are valid.
///
/// # Panics
/// If there are others, or as `load_slice`.
#[inline]
pub(crate) fn load_plain<T: SharedValue>(slot: &[AtomicU64], offset: usize, values: &mut [T]) {
    assert!(const { !T::LAYOUT.is_checked() }, "these bits must be checked");
    // SAFETY: these are all the bytes of the values, for which any bytes will do, as `SharedValue` promises for a layout
    // that is not checked.
    unsafe { bytes::load(slot, offset, values.as_mut_ptr().cast(), size_of_val(values)) };
}

/// Whether values of a type are whole words, at the start of words.
const fn is_words<T>() -> bool {
    align_of::<T>().is_multiple_of(WORD)
}

/// The words of a slot that a `T` made of words lies in.
///
/// # Panics
/// If it does not lie in the slot.
#[inline(always)]
fn words_at<T>(slot: &[AtomicU64], offset: usize) -> &[AtomicU64] {
    &slot[offset / WORD..][..size_of::<T>() / WORD]
}

/// # Safety
/// `bytes` leads to as many initialized bytes as a `T` has, aligned for a `T`.
#[inline(always)]
unsafe fn store_bytes<M: Merge, T>(slot: &[AtomicU64], offset: usize, bytes: *const u8) {
    if const { is_words::<T>() } {
        // SAFETY: so many words make up the bytes of a `T`, which are initialized.
        return unsafe { words::store(words_at::<T>(slot, offset), bytes) };
    }
    for piece in Pieces::of::<T>(offset) {
        let merge = |old: u64| {
            let mut word = old.to_ne_bytes();
            let to = &mut word[piece.start..piece.end];
            // SAFETY: pieces lie one behind the other and make up the bytes of a `T`.
            let from = unsafe { bytes.add(piece.done) };
            // SAFETY: as many initialized bytes as the piece has are left; `word` is a local.
            unsafe { ptr::copy_nonoverlapping(from, to.as_mut_ptr(), to.len()) };
            u64::from_ne_bytes(word)
        };
        let word = &slot[piece.word];
        if piece.start == 0 && piece.end == WORD {
            word.store(merge(0), Relaxed);
        } else {
            M::merge(word, merge);
        }
    }
}

impl<T: SharedValue> Unchecked<T> {
    /// Whether a copy is so large that it should be made where it stays.
    pub(crate) const IS_LARGE: bool = size_of::<T>() > IN_REGISTERS;

    /// Copies the `T` at a byte offset, by means of `read`, which lets its argument copy.
    ///
    /// What a closure returns is moved, from one place in memory to another if it is large. This is not.
    ///
    /// # Panics
    /// As `load`; if `read` does not call its argument.
    #[inline(always)]
    pub(crate) fn by(offset: usize, read: impl FnOnce(&mut dyn FnMut(&[AtomicU64]))) -> Self {
        let mut copy = MaybeUninit::uninit();
        load_to(offset, &mut copy, read);
        Self(copy)
    }

    /// The value, if the bits are one.
    #[inline(always)]
    pub(crate) fn check(self) -> Result<T, Error> {
        self.check_in::<T>(0)
    }

    /// The same of a part of an `Outer`, which the error names by its place there.
    #[inline(always)]
    pub(crate) fn check_in<Outer: Contents + ?Sized>(self, place: usize) -> Result<T, Error> {
        self.examine::<Outer>(place)?;
        // SAFETY: every byte but padding is initialized, and `SharedValue` promises that what passed is a value.
        Ok(unsafe { self.0.assume_init() })
    }

    /// The value, where no error can be returned.
    ///
    /// # Panics
    /// If the bits are not one.
    #[inline(always)]
    #[track_caller]
    pub(crate) fn valid_in<Outer: Contents + ?Sized>(self, place: usize) -> T {
        valid(self.examine::<Outer>(place));
        // SAFETY: as in `check_in`. Nothing is returned beside it, so a large copy need not be moved.
        unsafe { self.0.assume_init() }
    }

    /// Whether the bits are a value.
    #[inline(always)]
    pub(crate) fn is_valid(&self) -> bool {
        // SAFETY: as in `examine`.
        unsafe { first_invalid::<T>(self.0.as_ptr().cast()) }.is_none()
    }

    /// The same; the error names the place in an `Outer`.
    #[inline(always)]
    pub(crate) fn examine<Outer: Contents + ?Sized>(&self, place: usize) -> Result<(), Error> {
        if const { T::LAYOUT.is_checked() } {
            // SAFETY: every byte but padding is initialized: that is what this type means.
            if let Some(offset) = unsafe { first_invalid::<T>(self.0.as_ptr().cast()) } {
                return Err(Outer::invalid_bits(place + offset, place, &self.to_bytes()));
            }
        }
        Ok(())
    }

    /// The bytes, with zeros for padding.
    #[cold]
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; size_of::<T>()];
        let mut copier = Copier { from: self.0.as_ptr().cast(), to: bytes.as_mut_ptr() };
        copier.field::<T>(0);
        bytes
    }

    /// Puts an atomic word in its place, by its number among them.
    ///
    /// # Panics
    /// If there are fewer.
    #[inline(always)]
    pub(crate) fn set_atomic(&mut self, number: usize, word: u64) {
        let (offset, size) = T::LAYOUT.atomic_word(number).expect("the value has so many atomic words");
        let word = word.to_le_bytes();
        let word = &word[..size];
        // SAFETY: `SharedValue` promises that an atomic field lies in the value.
        let to = unsafe { self.0.as_mut_ptr().cast::<u8>().add(offset) };
        // SAFETY: so many bytes of an atomic field lie in the value, which nothing else refers to.
        unsafe { ptr::copy_nonoverlapping(word.as_ptr(), to, word.len()) };
    }
}

/// The word of an atomic field of a value, by its number among the atomic words.
///
/// # Panics
/// If there are fewer.
pub(crate) fn atomic_word<T: SharedValue>(value: &T, number: usize) -> u64 {
    let (offset, size) = T::LAYOUT.atomic_word(number).expect("the value has so many atomic words");
    let mut word = [0; WORD];
    let to = &mut word[..size];
    // SAFETY: `SharedValue` promises that an atomic field lies in the value.
    let from = unsafe { ptr::from_ref(value).cast::<u8>().add(offset) };
    // SAFETY: an atomic field has no padding, so these bytes are initialized; `word` is a local.
    unsafe { ptr::copy_nonoverlapping(from, to.as_mut_ptr(), to.len()) };
    u64::from_le_bytes(word)
}

/// A part of a value that lies in one word.
struct Piece {
    word: usize,
    /// The bytes of the word.
    start: usize,
    end: usize,
    /// The bytes of the value in the words before.
    done: usize,
}

/// The pieces of a value of some size at an offset of a slot. Where both are constant, so are the pieces.
struct Pieces {
    offset: usize,
    size: usize,
    done: usize,
    fit: Fit,
}

/// What the alignment of a type says about its pieces, whatever the offset.
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
    fn of<T>(offset: usize) -> Self {
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

/// Copies the bytes of a value that are not padding.
struct Copier {
    from: *const u8,
    to: *mut u8,
}

impl FieldVisitor for Copier {
    #[inline(always)]
    fn field<F: SharedValue>(&mut self, offset: usize) {
        // SAFETY: `SharedValue` promises that its fields lie in the value, for which `from` has room.
        let from = unsafe { self.from.add(offset) };
        // SAFETY: the same for `to`.
        let to = unsafe { self.to.add(offset) };
        if const { F::LAYOUT.padding() == 0 } {
            // SAFETY: the field lies in both, they are different memory, and bytes that are not padding are
            // initialized in the value.
            unsafe { ptr::copy_nonoverlapping(from, to, size_of::<F>()) };
        } else {
            F::fields(&mut Self { from, to });
        }
    }
}

/// Stores the bytes of a value that are not padding.
struct Storer<'a, M> {
    slot: &'a [AtomicU64],
    /// Where the value starts in the slot.
    offset: usize,
    from: *const u8,
    merge: PhantomData<M>,
}

impl<M: Merge> FieldVisitor for Storer<'_, M> {
    #[inline]
    fn field<F: SharedValue>(&mut self, offset: usize) {
        // SAFETY: `SharedValue` promises that its fields lie in the value, to which `from` leads.
        let from = unsafe { self.from.add(offset) };
        let offset = self.offset + offset;
        if const { F::LAYOUT.padding() == 0 } {
            // SAFETY: the field lies in the value, and bytes that are not padding are initialized there.
            unsafe { bytes::store::<M>(self.slot, offset, from, size_of::<F>()) };
        } else {
            F::fields(&mut Self { slot: self.slot, offset, from, merge: PhantomData });
        }
    }
}

/// The offset of the first byte that keeps these from being a `T`.
///
/// # Safety
/// `bytes` leads to the bytes of a `T`, initialized but for padding.
#[inline(always)]
unsafe fn first_invalid<T: SharedValue>(bytes: *const u8) -> Option<usize> {
    match const { T::LAYOUT }.kind() {
        Kind::Scalar { .. } | Kind::Enum { .. } => {
            // SAFETY: scalars and enums have no padding, so all these bytes are initialized.
            let bytes = unsafe { core::slice::from_raw_parts(bytes, size_of::<T>()) };
            (!T::valid_bits(zero_extended(bytes))).then_some(0)
        }
        Kind::Text => {
            // SAFETY: text has no padding, so all these bytes are initialized.
            first_invalid_byte(unsafe { core::slice::from_raw_parts(bytes, size_of::<T>()) })
        }
        Kind::Bytes => None,
        Kind::Array { .. } | Kind::Newtype { .. } | Kind::Struct { .. } => {
            let mut checker = Checker { bytes, invalid: None };
            T::fields(&mut checker);
            checker.invalid
        }
    }
}

struct Checker {
    bytes: *const u8,
    invalid: Option<usize>,
}

impl FieldVisitor for Checker {
    #[inline(always)]
    fn field<F: SharedValue>(&mut self, offset: usize) {
        if const { !F::LAYOUT.is_checked() } || self.invalid.is_some() {
            return;
        }
        // SAFETY: `SharedValue` promises that its fields lie in the value.
        let field = unsafe { self.bytes.add(offset) };
        // SAFETY: so the bytes of the field are initialized, but for its own padding.
        self.invalid = unsafe { first_invalid::<F>(field) }.map(|invalid| offset + invalid);
    }
}

#[inline(always)]
fn zero_extended(bytes: &[u8]) -> u64 {
    let mut word = [0; WORD];
    let start = if cfg!(target_endian = "little") { 0 } else { WORD - bytes.len() };
    word[start..start + bytes.len()].copy_from_slice(bytes);
    u64::from_ne_bytes(word)
}
