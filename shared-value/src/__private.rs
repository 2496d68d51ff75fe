//! What the output of the derive macro may name, and what the benches look at. Not for people: anything here may change in any
//! release.

use std::ops::{Range, RangeBounds};

use crate::copy;
use crate::copy::Alone;
use crate::error::valid;
use crate::handle::index;

pub use crate::error::Error;
pub use crate::handle::access::{Access, ReadWrite, Writable};
pub use crate::handle::accessors::{Accessible, Reader};
pub use crate::handle::guard::Guard;
pub use crate::handle::synchronized::Synchronized;
pub use crate::hold::read::retries;
pub use crate::layout::{
    AtomicInteger, Field, FieldVisitor, Layout as TypeLayout, Pod, SharedValue, Variant, assert_fingerprint,
    assert_layout, assert_size, pods, pods_mut,
};

use crate::protocol::atomics::Ordering::{AcqRel, Acquire, Release};

/// Shows the visitor the field of this number.
#[inline(always)]
pub fn visit<T: SharedValue, F: SharedValue, V: FieldVisitor>(visitor: &mut V, field: usize) {
    visitor.field::<F>(offset::<T>(field));
}

/// Where the field of this number starts: a constant where the number is one.
#[inline(always)]
const fn offset<T: SharedValue>(field: usize) -> usize {
    T::FIELDS[field].offset()
}

/// Where an element starts of the field of this number, which is an array of `E`.
#[inline(always)]
#[track_caller]
fn element_offset<E, T: SharedValue>(field: usize, index: usize) -> usize {
    offset::<T>(field) + index::element::<E>(length::<E, T>(field), index)
}

/// How many elements the field of this number has, which is an array of `E`.
#[inline(always)]
const fn length<E, T: SharedValue>(field: usize) -> usize {
    T::FIELDS[field].layout().size() / size_of::<E>()
}

/// The bytes of elements of the field of this number.
#[inline(always)]
fn bytes<T: SharedValue>(field: usize, elements: &Range<usize>) -> Range<usize> {
    let start = offset::<T>(field);
    start + elements.start..start + elements.end
}

#[inline(always)]
#[track_caller]
pub fn get<F: SharedValue, H: Reader>(reader: &H, field: usize) -> F {
    reader.read(offset::<H::Value>(field))
}

#[inline(always)]
#[track_caller]
pub fn get_at<E: SharedValue, H: Reader>(reader: &H, field: usize, index: usize) -> E {
    reader.read(element_offset::<E, H::Value>(field, index))
}

#[inline]
#[track_caller]
pub fn read_at<E: SharedValue, H: Reader, R: RangeBounds<usize>>(reader: &H, field: usize, range: R, to: &mut [E]) {
    let elements = index::range::<E>(length::<E, H::Value>(field), range, to.len());
    valid(reader.read_slice(bytes::<H::Value>(field, &elements).start, to));
}

#[inline(always)]
pub fn set<F: SharedValue, T: SharedValue, A: Writable>(
    handle: &Synchronized<T, A>,
    field: usize,
    value: F,
) -> Result<(), Error> {
    A::set(&handle.cell, offset::<T>(field), &value)
}

#[inline(always)]
pub fn update<F: SharedValue, T: SharedValue, A: Writable, R>(
    handle: &Synchronized<T, A>,
    field: usize,
    change: impl FnOnce(&mut F) -> R,
) -> Result<R, Error> {
    A::update(&handle.cell, offset::<T>(field), change)
}

#[inline(always)]
#[track_caller]
pub fn set_at<E: SharedValue, T: SharedValue, A: Writable>(
    handle: &Synchronized<T, A>,
    field: usize,
    index: usize,
    value: E,
) -> Result<(), Error> {
    A::set(&handle.cell, element_offset::<E, T>(field, index), &value)
}

#[inline]
#[track_caller]
pub fn write_at<E: SharedValue, T: SharedValue, A: Writable>(
    handle: &Synchronized<T, A>,
    field: usize,
    start: usize,
    values: &[E],
) -> Result<(), Error> {
    let bytes = bytes::<T>(field, &index::run::<E>(length::<E, T>(field), start, values.len()));
    A::change(&handle.cell, &bytes, |slot| copy::store_slice::<A::Merge, E>(slot, bytes.start, values))
}

#[inline]
#[track_caller]
pub fn guard_write_at<E: SharedValue, T: SharedValue>(guard: &Guard<'_, T>, field: usize, start: usize, values: &[E]) {
    let bytes = bytes::<T>(field, &index::run::<E>(length::<E, T>(field), start, values.len()));
    guard.writable().unwrap().change(&bytes, |slot| copy::store_slice::<Alone, E>(slot, bytes.start, values));
}

#[inline(always)]
#[track_caller]
pub fn guard_set<F: SharedValue, T: SharedValue>(guard: &Guard<'_, T>, field: usize, value: F) {
    guard.writable().unwrap().write(offset::<T>(field), &value);
}

#[inline(always)]
#[track_caller]
pub fn guard_update<F: SharedValue, T: SharedValue, R>(
    guard: &Guard<'_, T>,
    field: usize,
    change: impl FnOnce(&mut F) -> R,
) -> R {
    let offset = offset::<T>(field);
    let hold = guard.writable().unwrap();
    let value = hold.read(offset).valid_in::<T>(offset);
    let write = |slot: &[crate::protocol::atomics::AtomicU64], value: &F| copy::store(slot, offset, value);
    valid(hold.update(&copy::range::<F>(offset), value, |value| Ok::<_, Error>(change(value)), write))
}

#[inline(always)]
#[track_caller]
pub fn guard_set_at<E: SharedValue, T: SharedValue>(guard: &Guard<'_, T>, field: usize, index: usize, value: E) {
    guard.writable().unwrap().write(element_offset::<E, T>(field, index), &value);
}

#[inline(always)]
pub fn atomic_load<F: AtomicInteger, H: Reader>(reader: &H, number: usize) -> F {
    F::from_word(reader.atomic(number).load(Acquire))
}

#[inline(always)]
pub fn atomic_store<F: AtomicInteger, H: Reader>(handle: &H, number: usize, value: F) {
    handle.atomic(number).store(value.into_word(), Release);
}

#[inline(always)]
pub fn atomic_fetch_add<F: AtomicInteger, H: Reader>(handle: &H, number: usize, value: F) -> F {
    // In two's complement, the sum of two words is that of the signed numbers too.
    F::from_word(handle.atomic(number).fetch_add(value.into_word(), AcqRel))
}

#[inline(always)]
pub fn atomic_fetch_sub<F: AtomicInteger, H: Reader>(handle: &H, number: usize, value: F) -> F {
    F::from_word(handle.atomic(number).fetch_sub(value.into_word(), AcqRel))
}

#[inline(always)]
pub fn atomic_fetch_max<F: AtomicInteger, H: Reader>(handle: &H, number: usize, value: F) -> F {
    atomic_replace(handle, number, |seen: F| seen.max(value))
}

#[inline(always)]
pub fn atomic_fetch_min<F: AtomicInteger, H: Reader>(handle: &H, number: usize, value: F) -> F {
    atomic_replace(handle, number, |seen: F| seen.min(value))
}

#[inline(always)]
fn atomic_replace<F: AtomicInteger, H: Reader>(handle: &H, number: usize, replacement: impl Fn(F) -> F) -> F {
    let replaced =
        handle.atomic(number).fetch_update(AcqRel, Acquire, |word| Some(replacement(F::from_word(word)).into_word()));
    F::from_word(replaced.unwrap_or_else(|word| word))
}

#[inline(always)]
pub fn atomic_compare_exchange<F: AtomicInteger, H: Reader>(
    handle: &H,
    number: usize,
    current: F,
    new: F,
) -> Result<F, F> {
    handle
        .atomic(number)
        .compare_exchange(current.into_word(), new.into_word(), AcqRel, Acquire)
        .map(F::from_word)
        .map_err(F::from_word)
}
