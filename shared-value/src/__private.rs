//! What the output of the derive macro may name. Not for people: anything here may change in any release.

use core::fmt;

use crate::access::sealed::{Read as _, Write as _};
use crate::hold::Unwind;
use crate::synchronized::valid;

pub use crate::access::{Access, ReadOnly, ReadWrite, Unlocked, Writable};
pub use crate::error::Error;
pub use crate::guard::Guard;
pub use crate::layout::{
    AtomicInteger, Field, FieldVisitor, Layout as TypeLayout, Pod, SharedValue, Variant, assert_fingerprint,
    assert_layout, assert_size,
};
pub use crate::synchronized::Synchronized;

use crate::primitive::Ordering::{AcqRel, Acquire, Release};

/// Where the field of this number starts: a constant where the number is one.
#[inline(always)]
const fn offset<T: SharedValue>(field: usize) -> usize {
    T::FIELDS[field].offset()
}

/// Where an element starts of the field of this number, which is an array of `E`.
#[inline(always)]
#[track_caller]
fn element_offset<E, T: SharedValue>(field: usize, index: usize) -> usize {
    let array = &T::FIELDS[field];
    let length = array.layout().size() / size_of::<E>();
    assert!(index < length, "the index is {index} but the array has {length} elements");
    array.offset() + index * size_of::<E>()
}

#[inline(always)]
#[track_caller]
pub fn get<F: SharedValue, T: SharedValue, A: Access>(handle: &Synchronized<T, A>, field: usize) -> F {
    let offset = offset::<T>(field);
    valid(A::field(&handle.cell, offset).check_in::<T>(offset))
}

#[inline(always)]
pub fn set<F: SharedValue, T: SharedValue>(handle: &Synchronized<T>, field: usize, value: F) -> Result<(), Error> {
    ReadWrite::set(&handle.cell, offset::<T>(field), &value)
}

#[inline(always)]
pub fn update<F: SharedValue, T: SharedValue, R>(
    handle: &Synchronized<T>,
    field: usize,
    change: impl FnOnce(&mut F) -> R,
) -> Result<R, Error> {
    let offset = offset::<T>(field);
    ReadWrite::update(&handle.cell, offset, change)
}

#[inline(always)]
#[track_caller]
pub fn get_at<E: SharedValue, T: SharedValue, A: Access>(handle: &Synchronized<T, A>, field: usize, index: usize) -> E {
    let offset = element_offset::<E, T>(field, index);
    valid(A::field(&handle.cell, offset).check_in::<T>(offset))
}

#[inline(always)]
#[track_caller]
pub fn set_at<E: SharedValue, T: SharedValue>(
    handle: &Synchronized<T>,
    field: usize,
    index: usize,
    value: E,
) -> Result<(), Error> {
    ReadWrite::set(&handle.cell, element_offset::<E, T>(field, index), &value)
}

#[inline(always)]
#[track_caller]
fn guard_get_part<F: SharedValue, T: SharedValue>(guard: &Guard<'_, T>, offset: usize) -> F {
    let hold = &guard.hold;
    let copy = if hold.is_held() { hold.read(offset) } else { ReadWrite::field(hold.cell(), offset) };
    valid(copy.check_in::<T>(offset))
}

#[inline(always)]
#[track_caller]
pub fn guard_get<F: SharedValue, T: SharedValue>(guard: &Guard<'_, T>, field: usize) -> F {
    guard_get_part(guard, offset::<T>(field))
}

#[inline(always)]
#[track_caller]
pub fn guard_set<F: SharedValue, T: SharedValue>(guard: &mut Guard<'_, T>, field: usize, value: F) {
    guard.writable().write(offset::<T>(field), &value);
}

#[inline(always)]
#[track_caller]
pub fn guard_update<F: SharedValue, T: SharedValue, R>(
    guard: &mut Guard<'_, T>,
    field: usize,
    change: impl FnOnce(&mut F) -> R,
) -> R {
    let offset = offset::<T>(field);
    let hold = guard.writable();
    let value = valid(hold.read(offset).check_in::<T>(offset));
    hold.update(offset, value, Unwind::Keep, change)
}

#[inline(always)]
#[track_caller]
pub fn guard_get_at<E: SharedValue, T: SharedValue>(guard: &Guard<'_, T>, field: usize, index: usize) -> E {
    guard_get_part(guard, element_offset::<E, T>(field, index))
}

#[inline(always)]
#[track_caller]
pub fn guard_set_at<E: SharedValue, T: SharedValue>(guard: &mut Guard<'_, T>, field: usize, index: usize, value: E) {
    guard.writable().write(element_offset::<E, T>(field, index), &value);
}

#[inline(always)]
pub fn guard_atomic_load<F: AtomicInteger, const NUMBER: usize, T: SharedValue>(guard: &Guard<'_, T>) -> F {
    F::from_word(guard.hold.cell().atomic(NUMBER).load(Acquire))
}

#[inline(always)]
pub fn atomic_load<F: AtomicInteger, const NUMBER: usize, T: SharedValue, A: Access>(handle: &Synchronized<T, A>) -> F {
    F::from_word(handle.cell.atomic(NUMBER).load(Acquire))
}

#[inline(always)]
pub fn atomic_store<F: AtomicInteger, const NUMBER: usize, T: SharedValue>(handle: &Synchronized<T>, value: F) {
    handle.cell.atomic(NUMBER).store(value.into_word(), Release);
}

#[inline(always)]
pub fn atomic_fetch_add<F: AtomicInteger, const NUMBER: usize, T: SharedValue>(
    handle: &Synchronized<T>,
    value: F,
) -> F {
    // In two's complement, the sum of two words is that of the signed numbers too.
    F::from_word(handle.cell.atomic(NUMBER).fetch_add(value.into_word(), AcqRel))
}

#[inline(always)]
pub fn atomic_fetch_sub<F: AtomicInteger, const NUMBER: usize, T: SharedValue>(
    handle: &Synchronized<T>,
    value: F,
) -> F {
    F::from_word(handle.cell.atomic(NUMBER).fetch_sub(value.into_word(), AcqRel))
}

#[inline(always)]
pub fn atomic_fetch_max<F: AtomicInteger, const NUMBER: usize, T: SharedValue>(
    handle: &Synchronized<T>,
    value: F,
) -> F {
    atomic_replace::<F, NUMBER, T>(handle, |seen| seen.max(value))
}

#[inline(always)]
pub fn atomic_fetch_min<F: AtomicInteger, const NUMBER: usize, T: SharedValue>(
    handle: &Synchronized<T>,
    value: F,
) -> F {
    atomic_replace::<F, NUMBER, T>(handle, |seen| seen.min(value))
}

#[inline(always)]
fn atomic_replace<F: AtomicInteger, const NUMBER: usize, T: SharedValue>(
    handle: &Synchronized<T>,
    replacement: impl Fn(F) -> F,
) -> F {
    let replaced = handle
        .cell
        .atomic(NUMBER)
        .fetch_update(AcqRel, Acquire, |word| Some(replacement(F::from_word(word)).into_word()));
    F::from_word(replaced.unwrap_or_else(|word| word))
}

#[inline(always)]
pub fn atomic_compare_exchange<F: AtomicInteger, const NUMBER: usize, T: SharedValue>(
    handle: &Synchronized<T>,
    current: F,
    new: F,
) -> Result<F, F> {
    handle
        .cell
        .atomic(NUMBER)
        .compare_exchange(current.into_word(), new.into_word(), AcqRel, Acquire)
        .map(F::from_word)
        .map_err(F::from_word)
}

pub fn debug<T: SharedValue, A: Access>(
    handle: &Synchronized<T, A>,
    formatter: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    fmt::Debug::fmt(handle, formatter)
}

pub fn debug_guard<T: SharedValue>(guard: &Guard<'_, T>, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    fmt::Debug::fmt(guard, formatter)
}
