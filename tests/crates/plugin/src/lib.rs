//! A plugin with a copy of the library of its own. The program `host` loads it.
//!
//! Results are numbers: `DONE`, `OTHER_COPY` for that error, `TIMED_OUT`, or `FAILED`.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_int};
use std::time::Duration;

use shared_value::{Error, Guard, LockError, LockKind, Synchronized};

/// The call has done its work.
pub const DONE: c_int = 0;
/// The lock was refused, because the thread holds a lock of another copy of the library.
pub const OTHER_COPY: c_int = 1;
/// The lock was held by another thread until the timeout.
pub const TIMED_OUT: c_int = 2;
/// Another error, which was printed.
pub const FAILED: c_int = 3;

fn code<T>(result: &Result<T, Error>) -> c_int {
    match result {
        Ok(_) => DONE,
        Err(error @ Error::Lock(LockError::OtherCopy { .. })) => {
            println!("the plugin: {error}");
            OTHER_COPY
        }
        Err(Error::Lock(LockError::TimedOut)) => TIMED_OUT,
        Err(error) => {
            println!("the plugin: {error}");
            FAILED
        }
    }
}

/// Opens a value, and returns its handle.
///
/// # Panics
/// If there is no value of the name, with this kind of lock.
///
/// # Safety
/// `name` is a text that ends with a zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plugin_open(name: *const c_char, is_pthread: bool) -> *const Synchronized<u64> {
    // SAFETY: promised by the caller.
    let name = unsafe { CStr::from_ptr(name) }.to_str().expect("a name");
    let kind = if is_pthread { LockKind::Pthread } else { LockKind::Native };
    let opened = Synchronized::<u64>::options().lock_kind(kind).open(name);
    Box::into_raw(Box::new(opened.expect("the host has created the value")))
}

/// Drops a handle.
///
/// # Safety
/// The handle is from `plugin_open`, and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plugin_close(value: *mut Synchronized<u64>) {
    // SAFETY: promised by the caller.
    drop(unsafe { Box::from_raw(value) });
}

/// Adds 1 in an `update`.
///
/// # Safety
/// The handle is from `plugin_open`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plugin_update(value: *const Synchronized<u64>) -> c_int {
    // SAFETY: promised by the caller.
    code(&unsafe { &*value }.update(|number| *number += 1))
}

/// Sets the value.
///
/// # Safety
/// The handle is from `plugin_open`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plugin_set(value: *const Synchronized<u64>, number: u64) -> c_int {
    // SAFETY: promised by the caller.
    code(&unsafe { &*value }.set(number))
}

/// Reads the value.
///
/// # Safety
/// The handle is from `plugin_open`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plugin_get(value: *const Synchronized<u64>) -> u64 {
    // SAFETY: promised by the caller.
    unsafe { &*value }.get()
}

/// Takes the lock, and stores the guard.
///
/// # Safety
/// The handle is from `plugin_open`, and lives longer than the guard. `guard` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plugin_lock(
    value: *const Synchronized<u64>,
    milliseconds: u64,
    guard: *mut *mut Guard<'static, u64>,
) -> c_int {
    // SAFETY: promised by the caller.
    let value = unsafe { &*value };
    let locked = value.lock_timeout(Duration::from_millis(milliseconds));
    let result = code(&locked);
    if let Ok(locked) = locked {
        // SAFETY: promised by the caller.
        unsafe { guard.write(Box::into_raw(Box::new(locked))) };
    }
    result
}

/// Drops a guard.
///
/// # Safety
/// The guard is from `plugin_lock` in this thread, and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plugin_unlock(guard: *mut Guard<'static, u64>) {
    // SAFETY: promised by the caller.
    drop(unsafe { Box::from_raw(guard) });
}
