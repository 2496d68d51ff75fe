//! Memory for the records of threads. It comes from the kernel, never from the allocator.
//!
//! A program's allocator may use this library itself, or hold its own locks across a `fork`. So nothing is allocated while
//! the records are locked, or between the moment in which a thread takes a lock and the moment in which its record says so.
#![allow(unsafe_code)]

use std::io;
use std::mem::ManuallyDrop;
use std::slice;

use memmap2::MmapMut;

/// Returns this many values in memory that is never unmapped.
pub(super) fn leaked<T: Default + Sync>(count: usize) -> io::Result<&'static [T]> {
    const { assert!(align_of::<T>() <= 4_096, "a mapping begins at a page") };
    let mut memory = ManuallyDrop::new(MmapMut::map_anon(count * size_of::<T>())?);
    let first = memory.as_mut_ptr().cast::<T>();
    for index in 0..count {
        // SAFETY: the mapping is aligned, has room for `count` values, and nothing else refers to it.
        unsafe { first.wrapping_add(index).write(T::default()) };
    }
    // SAFETY: the loop has written `count` values from `first` on, and the mapping is never dropped.
    Ok(unsafe { slice::from_raw_parts(first, count) })
}
