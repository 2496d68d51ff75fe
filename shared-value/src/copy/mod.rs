//! Copies between private memory and shared memory, which other threads and processes may write at any time.

mod boxed;
mod bytes;
mod copier;
mod pieces;
mod unchecked;
mod value;
mod words;

pub(crate) use boxed::Copies;
pub(crate) use bytes::{Alone, AmongOthers, Merge};
pub(crate) use bytes::{load_into, load_uninit, store_from};
pub(crate) use unchecked::Unchecked;
pub(crate) use value::{
    atomic_word, fill, is_boxed, is_zeroed, load, load_plain, part, range, store, store_by, store_slice, total,
};
