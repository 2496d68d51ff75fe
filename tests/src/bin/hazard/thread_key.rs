//! `ThreadKey`: a place of the C library for one value in each thread, with a destructor.
//!
//! These destructors run behind those of the standard library's thread-locals, and behind the one of the library under
//! test, in rounds: as long as one of them puts a value in again, but four times at most.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::marker::PhantomData;

/// How many rounds the C library makes.
pub(crate) const ROUNDS: usize = 4;

/// A place for one `T` in each thread.
#[derive(Debug)]
pub(crate) struct ThreadKey<T> {
    key: libc::pthread_key_t,
    value: PhantomData<fn(T)>,
}

/// What becomes of a value when its thread ends. It may put another one in.
pub(crate) trait AtEnd: Sized + 'static {
    fn at_end(self);
}

impl<T: AtEnd> ThreadKey<T> {
    #[track_caller]
    pub(crate) fn new() -> Self {
        unsafe extern "C" fn destructor<T: AtEnd>(value: *mut c_void) {
            // SAFETY: `put` made the pointer from a box, and the C library has taken it out.
            unsafe { Box::from_raw(value.cast::<T>()) }.at_end();
        }

        let mut key = 0;
        // SAFETY: the place for the key is a local, and the destructor takes what `put` puts in.
        let error = unsafe { libc::pthread_key_create(&raw mut key, Some(destructor::<T>)) };
        assert_eq!(error, 0, "no key");
        Self { key, value: PhantomData }
    }

    /// Puts a value in for the calling thread, which has none.
    #[track_caller]
    pub(crate) fn put(&self, value: T) {
        let value: *const T = Box::into_raw(Box::new(value));
        // SAFETY: the key exists.
        let error = unsafe { libc::pthread_setspecific(self.key, value.cast()) };
        assert_eq!(error, 0, "no room");
    }
}
