//! Live values: one slot beside a lock, in segments of their own and in arenas.

mod arena;
mod hostile;
mod lock;
mod memory;
mod openers;
mod wait;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use shared_value::{Live, Plain};

/// Writes a word of a value as a program does that has only the pointer.
#[allow(unsafe_code)]
fn poke<C: Plain + ?Sized>(value: &Live<C>, number: usize, word: u64) {
    assert!(number < value.size().div_ceil(8));
    // SAFETY: the value has more than `number` words.
    let place = unsafe { value.as_ptr().add(8 * number) };
    // SAFETY: the value stays mapped while its handle is borrowed. The place is a multiple of 8, as the value's start is, and is
    // only accessed as an atomic.
    let place = unsafe { AtomicU64::from_ptr(place.cast()) };
    place.store(word, Relaxed);
}

/// Writes a byte of a value as a program in another language does. Only for processes that access the word in no other way
/// meanwhile.
#[allow(unsafe_code)]
fn poke_byte<C: Plain + ?Sized>(value: &Live<C>, offset: usize, byte: u8) {
    assert!(offset < value.size());
    // SAFETY: the value has more than `offset` bytes.
    let place = unsafe { value.as_ptr().add(offset) };
    // SAFETY: the byte stays mapped while the handle is borrowed. Only other processes access it at the same time.
    unsafe { place.write_volatile(byte) };
}
