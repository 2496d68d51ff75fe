//! What a handle may do with its value, as a type.

/// What a handle may do: the second parameter of [`Synchronized`](crate::Synchronized).
pub trait Access: sealed::Sealed + 'static {}

/// Read, write and lock.
#[derive(Clone, Copy, Debug)]
pub enum ReadWrite {}

impl Access for ReadWrite {}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::ReadWrite {}
}
