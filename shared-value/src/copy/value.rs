//! Copies values between private memory and a slot. Other threads may write the words of the slot at any time.
//!
//! Words are only ever loaded and stored whole: racing accesses of different sizes are undefined in Rust's memory model. A
//! part that is smaller than its words is cut out of them after the load, and merged into them before the store. `Merge`
//! says how: usually only the lock's owner stores, but other threads may write an unlocked value too.
#![allow(unsafe_code)]

use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ops::Range;
use core::ptr;

use crate::copy::bytes::{self, Alone, Merge};
use crate::copy::copier::Copier;
use crate::copy::pieces::Pieces;
use crate::copy::unchecked::Unchecked;
use crate::copy::words::{self, WORD};
use crate::layout::{FieldVisitor, SharedValue};
use crate::protocol::atomics::{AtomicU64, Ordering::Relaxed};

/// The size limit in bytes of values that are stored piece by piece, through a copy on the stack.
const SMALL: usize = 512;

/// The size limit in bytes of values that an update copies to the stack.
const ON_STACK: usize = 4096;

/// Returns whether an update of a `T` makes its copy on the heap.
pub(crate) const fn is_boxed<T>() -> bool {
    size_of::<T>() > ON_STACK
}

/// Returns the bytes of an `F` at an offset.
#[inline(always)]
pub(crate) const fn range<F>(offset: usize) -> Range<usize> {
    offset..offset + size_of::<F>()
}

/// Copies the `T` at a byte offset out of a slot.
///
/// # Panics
/// If it does not lie in the slot, or the offset is not a multiple of its alignment.
#[inline(always)]
pub(crate) fn load<T: SharedValue>(slot: &[AtomicU64], offset: usize) -> Unchecked<T> {
    if const { Unchecked::<T>::IS_LARGE } {
        return Unchecked::by(offset, |copy| copy(slot));
    }
    assert!(offset.is_multiple_of(align_of::<T>()), "a field must be aligned");
    let mut copy = MaybeUninit::<T>::uninit();
    let bytes: *mut u8 = copy.as_mut_ptr().cast();
    if const { is_words::<T>() } {
        // SAFETY: `bytes` points to the `size_of::<T>()` bytes of `copy`, which nothing else refers to.
        unsafe { load_run::<T>(slot, offset, bytes) };
        return Unchecked(copy);
    }
    for piece in Pieces::of::<T>(offset) {
        let word = slot[piece.word].load(Relaxed).to_ne_bytes();
        let from = &word[piece.start..piece.end];
        // SAFETY: the pieces lie one after the other and make up the bytes of a `T`, so `done` is at most their number.
        let to = unsafe { bytes.add(piece.done) };
        // SAFETY: at least `from.len()` bytes are left in `copy`, which nothing else refers to; `word` is a local.
        unsafe { ptr::copy_nonoverlapping(from.as_ptr(), to, from.len()) };
    }
    Unchecked(copy)
}

/// Does the work of `Unchecked::by`. It is not inlined, so that `copy` may lie in its final place in the caller.
#[inline(never)]
fn load_to<T: SharedValue>(offset: usize, copy: &mut MaybeUninit<T>, read: impl FnOnce(&mut dyn FnMut(&[AtomicU64]))) {
    assert!(offset.is_multiple_of(align_of::<T>()), "a field must be aligned");
    let (bytes, mut is_made) = (copy.as_mut_ptr().cast::<u8>(), false);
    read(&mut |slot| {
        // SAFETY: `bytes` points to the `size_of::<T>()` bytes of `copy`, which nothing else refers to.
        unsafe { load_run::<T>(slot, offset, bytes) };
        is_made = true;
    });
    assert!(is_made, "nothing was copied");
}

/// # Panics
/// If the `T` does not lie in the slot.
///
/// # Safety
/// `to` points to `size_of::<T>()` bytes that may be written and that nothing else refers to.
#[inline(always)]
unsafe fn load_run<T>(slot: &[AtomicU64], offset: usize, to: *mut u8) {
    if const { is_words::<T>() } {
        // SAFETY: the words have `size_of::<T>()` bytes in all, and the caller promises room for that many bytes at `to`.
        unsafe { words::load(words_at::<T>(slot, offset), to) };
    } else {
        // SAFETY: the caller promises room for `size_of::<T>()` bytes at `to`.
        unsafe { bytes::load(slot, offset, to, size_of::<T>()) };
    }
}

/// Copies a value to a byte offset of a slot that only this thread writes; other bytes stay.
///
/// Padding is not copied, because it could leak this process's memory: shared padding keeps its zeros, or gets zeros. In a
/// struct that evolves, it keeps its bytes.
///
/// # Panics
/// If it does not lie in the slot, or the offset is not a multiple of its alignment.
#[inline(always)]
pub(crate) fn store<T: SharedValue>(slot: &[AtomicU64], offset: usize, value: &T) {
    store_by::<Alone, T>(slot, offset, value);
}

/// Copies a value to a byte offset of a slot, and merges parts of words as `M` does.
///
/// # Panics
/// If it does not lie in the slot, or the offset is not a multiple of its alignment.
#[inline(always)]
pub(crate) fn store_by<M: Merge, T: SharedValue>(slot: &[AtomicU64], offset: usize, value: &T) {
    assert!(offset.is_multiple_of(align_of::<T>()), "a field must be aligned");
    let from: *const u8 = ptr::from_ref(value).cast();
    if const { T::LAYOUT.has_reserved() } {
        // Reserved bytes may be fields of another version, and the bytes of a counter are its baseline.
        return T::fields(&mut Storer::<M> { slot, offset, from, merge: PhantomData });
    }
    match const { (T::LAYOUT.padding() == 0, size_of::<T>() <= SMALL) } {
        // SAFETY: a value without padding has `size_of::<T>()` initialized bytes, and a reference to it is aligned.
        (true, true) => unsafe { store_bytes::<M, T>(slot, offset, from) },
        // SAFETY: a value without padding has `size_of::<T>()` initialized bytes.
        (true, false) => unsafe { bytes::store::<M>(slot, offset, from, size_of::<T>()) },
        (false, true) => {
            let mut copy = MaybeUninit::<T>::uninit();
            let bytes: *mut u8 = copy.as_mut_ptr().cast();
            // SAFETY: `copy` has `size_of::<T>()` bytes. They are set in place, because moving `copy` would lose its
            // padding.
            unsafe { ptr::write_bytes(bytes, 0, size_of::<T>()) };
            T::fields(&mut Copier { from, to: bytes });
            // SAFETY: `write_bytes` initialized all bytes of `copy`, which is aligned for a `T`.
            unsafe { store_bytes::<M, T>(slot, offset, bytes) };
        }
        // The value may not fit onto the stack.
        (false, false) => T::fields(&mut Storer::<M> { slot, offset, from, merge: PhantomData }),
    }
}

/// Copies values, one after the other, to a byte offset of a slot.
///
/// # Panics
/// If they do not lie in the slot, or the offset is not a multiple of their alignment.
#[inline]
pub(crate) fn store_slice<M: Merge, T: SharedValue>(slot: &[AtomicU64], offset: usize, values: &[T]) {
    assert!(offset.is_multiple_of(align_of::<T>()), "elements must be aligned");
    if const { T::LAYOUT.padding() == 0 } {
        // SAFETY: values without padding have `size_of_val(values)` initialized bytes.
        return unsafe { bytes::store::<M>(slot, offset, values.as_ptr().cast(), size_of_val(values)) };
    }
    for (index, value) in values.iter().enumerate() {
        store_by::<M, T>(slot, offset + index * size_of::<T>(), value);
    }
}

/// Makes the part that `fill` copies repeatedly for `count` elements: long enough to amortize the cost of each copy.
///
/// The part is made before the lock is taken, under which no memory may be allocated. It consists of copies, because clones
/// would run the user's code.
pub(crate) fn part<T: SharedValue>(count: usize, value: T) -> Vec<T> {
    const PART: usize = 4096;
    (0..count.min(PART.div_ceil(size_of::<T>()))).map(|_| value).collect()
}

/// Returns whether all bytes of a value except padding are zeros.
pub(crate) fn is_zeroed<T: SharedValue>(value: &T) -> bool {
    let mut bytes = vec![0; size_of::<T>()];
    Copier { from: ptr::from_ref(value).cast(), to: bytes.as_mut_ptr() }.field::<T>(0);
    bytes.iter().all(|byte| *byte == 0)
}

/// Copies the part repeatedly to a byte offset of a slot, until there are `count` elements.
///
/// # Panics
/// If they do not lie in the slot.
pub(crate) fn fill<M: Merge, T: SharedValue>(slot: &[AtomicU64], offset: usize, count: usize, part: &[T]) {
    for start in (0..count).step_by(part.len().max(1)) {
        store_slice::<M, T>(slot, offset + start * size_of::<T>(), &part[..part.len().min(count - start)]);
    }
}

/// Copies these bytes of a slot, at whose byte `first` the first of the values begins. They are of a type without invalid bits.
///
/// # Panics
/// If the type has invalid bits, or the bytes do not lie in the slot, or in the values.
#[inline]
pub(crate) fn load_plain<T: SharedValue>(slot: &[AtomicU64], first: usize, bytes: Range<usize>, values: &mut [T]) {
    assert!(const { !T::LAYOUT.is_checked() }, "these bits must be checked");
    let is_inside = bytes.start <= bytes.end && first <= bytes.start && bytes.end - first <= size_of_val(values);
    assert!(is_inside, "the bytes must lie in the values");
    // SAFETY: as just checked, at least `bytes.start - first` bytes belong to the values.
    let to = unsafe { values.as_mut_ptr().cast::<u8>().add(bytes.start - first) };
    // SAFETY: as just checked, `bytes.len()` bytes from `to` on belong to the values, which are borrowed mutably. `SharedValue`
    // promises that any bytes are valid for a layout that is not checked.
    unsafe { bytes::load(slot, bytes.start, to, bytes.len()) };
}

/// Returns whether values of a type are whole words, at the start of words.
const fn is_words<T>() -> bool {
    align_of::<T>().is_multiple_of(WORD)
}

/// Returns the words of a slot that a `T` occupies, if the `T` is made of whole words.
///
/// # Panics
/// If it does not lie in the slot.
#[inline(always)]
fn words_at<T>(slot: &[AtomicU64], offset: usize) -> &[AtomicU64] {
    &slot[offset / WORD..][..size_of::<T>() / WORD]
}

/// # Safety
/// `bytes` points to `size_of::<T>()` initialized bytes, aligned for a `T`.
#[inline(always)]
unsafe fn store_bytes<M: Merge, T>(slot: &[AtomicU64], offset: usize, bytes: *const u8) {
    if const { is_words::<T>() } {
        // SAFETY: the words have `size_of::<T>()` bytes in all, and the caller promises that many initialized bytes at
        // `bytes`.
        return unsafe { words::store(words_at::<T>(slot, offset), bytes) };
    }
    for piece in Pieces::of::<T>(offset) {
        let merge = |old: u64| {
            let mut word = old.to_ne_bytes();
            let to = &mut word[piece.start..piece.end];
            // SAFETY: the pieces lie one after the other and make up the bytes of a `T`, so `done` is at most their number.
            let from = unsafe { bytes.add(piece.done) };
            // SAFETY: at least `to.len()` initialized bytes are left at `from`; `to` is a part of the local `word`.
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

/// Returns the word of an atomic field of a value. `number` counts the atomic words of the value.
///
/// # Panics
/// If the value has no atomic field of this number.
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

/// Returns the total of a counter of a value. `number` counts the counters of the value.
///
/// # Panics
/// If the value has no counter of this number.
pub(crate) fn total<T: SharedValue>(value: &T, number: usize) -> u64 {
    let offset = T::LAYOUT.baseline(number).expect("the value has so many counters");
    let mut total = [0; WORD];
    // SAFETY: `SharedValue` promises that its fields lie in the value.
    let from = unsafe { ptr::from_ref(value).cast::<u8>().add(offset) };
    // SAFETY: a counter is a `u64`, so these bytes are initialized and in the value; `total` is a local.
    unsafe { ptr::copy_nonoverlapping(from, total.as_mut_ptr(), WORD) };
    u64::from_ne_bytes(total)
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
        // SAFETY: `SharedValue` promises that its fields lie in the value, and `from` points to the value.
        let from = unsafe { self.from.add(offset) };
        let offset = self.offset + offset;
        if const { F::LAYOUT.padding() == 0 } {
            // SAFETY: the field lies in the value, and its bytes are initialized, since it has no padding.
            unsafe { bytes::store::<M>(self.slot, offset, from, size_of::<F>()) };
        } else {
            F::fields(&mut Self { slot: self.slot, offset, from, merge: PhantomData });
        }
    }

    /// Leaves the baseline as it is: the copy holds the total.
    #[inline(always)]
    fn counter<F: SharedValue>(&mut self, _: usize) {}
}

impl<T: SharedValue> Unchecked<T> {
    /// Copies the `T` at a byte offset. `read` calls its argument with the slot to copy from.
    ///
    /// If a closure returned a large copy, the copy would be moved in memory. This copy is made in place.
    ///
    /// # Panics
    /// If the `T` does not lie in the slot, or the offset is not a multiple of its alignment; if `read` does not call its
    /// argument.
    #[inline(always)]
    pub(crate) fn by(offset: usize, read: impl FnOnce(&mut dyn FnMut(&[AtomicU64]))) -> Self {
        let mut copy = MaybeUninit::uninit();
        load_to(offset, &mut copy, read);
        Self(copy)
    }
}
