//! `ThreadKey`: thread-specific data of the C library, with a destructor.
//!
//! These destructors run after those of the standard library's thread-locals, and after the one of the library under test.
//! They run in rounds, as long as one of them stores a value again, but at most in four.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::marker::PhantomData;

/// The number of rounds that the C library makes.
pub(crate) const ROUNDS: usize = 4;

/// A key of the C library for one `T` in each thread.
#[derive(Debug)]
pub(crate) struct ThreadKey<T> {
    key: libc::pthread_key_t,
    value: PhantomData<fn(T)>,
}

/// A value that acts when its thread ends.
pub(crate) trait AtEnd: Sized + 'static {
    /// Runs as a destructor of the thread. It may store another value.
    fn at_end(self);
}

impl<T: AtEnd> ThreadKey<T> {
    #[track_caller]
    pub(crate) fn new() -> Self {
        unsafe extern "C" fn destructor<T: AtEnd>(value: *mut c_void) {
            // SAFETY: `put` made the pointer from a box, and the C library has cleared its copy.
            unsafe { Box::from_raw(value.cast::<T>()) }.at_end();
        }

        let mut key = 0;
        // SAFETY: the key is written to a local, and the destructor fits the pointers that `put` stores.
        let error = unsafe { libc::pthread_key_create(&raw mut key, Some(destructor::<T>)) };
        assert_eq!(error, 0, "the key was refused");
        Self { key, value: PhantomData }
    }

    /// Stores a value for the calling thread, which must not have one.
    #[track_caller]
    pub(crate) fn put(&self, value: T) {
        let value: *const T = Box::into_raw(Box::new(value));
        // SAFETY: the key exists.
        let error = unsafe { libc::pthread_setspecific(self.key, value.cast()) };
        assert_eq!(error, 0, "the value was refused");
    }
}
