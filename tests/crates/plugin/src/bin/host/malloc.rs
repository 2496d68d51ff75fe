//! The C library's allocator, with a lock that the hooks of a `fork` hold meanwhile. The whole process uses it, also the
//! dynamic linker.

use std::cell::UnsafeCell;
use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use anyhow::{Result, ensure};

struct Lock(UnsafeCell<libc::pthread_mutex_t>);

// SAFETY: a mutex may be used by several threads at once.
unsafe impl Sync for Lock {}

static LOCK: Lock = Lock(UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER));
static IS_LOCKING: AtomicBool = AtomicBool::new(false);

unsafe extern "C" fn lock() {
    // SAFETY: the mutex is a static, in its initial state or used by these functions only.
    unsafe { libc::pthread_mutex_lock(LOCK.0.get()) };
}

unsafe extern "C" fn unlock() {
    // SAFETY: the mutex is a static, and `lock` has locked it in this thread.
    unsafe { libc::pthread_mutex_unlock(LOCK.0.get()) };
}

/// Locks from now on. The hooks are installed now, so they run before all others when a process forks.
pub(crate) fn lock_from_now_on() -> Result<()> {
    // SAFETY: the hooks are functions of this program.
    let result = unsafe { libc::pthread_atfork(Some(lock), Some(unlock), Some(unlock)) };
    ensure!(result == 0, "the hooks were refused: error {result}");
    IS_LOCKING.store(true, Relaxed);
    Ok(())
}

fn locked<R>(work: impl FnOnce() -> R) -> R {
    if !IS_LOCKING.load(Relaxed) {
        return work();
    }
    // SAFETY: nothing in `work` locks.
    unsafe { lock() };
    let result = work();
    // SAFETY: locked above.
    unsafe { unlock() };
    result
}

macro_rules! allocator {
    ($($name:ident = $inner:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?;)*) => {
        unsafe extern "C" {
            $(fn $inner($($argument: $type),*) $(-> $result)?;)*
        }

        $(
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $name($($argument: $type),*) $(-> $result)? {
                // SAFETY: the caller promises what the function of the C library needs.
                locked(|| unsafe { $inner($($argument),*) })
            }
        )*
    };
}

allocator! {
    malloc = __libc_malloc(size: usize) -> *mut c_void;
    calloc = __libc_calloc(count: usize, size: usize) -> *mut c_void;
    realloc = __libc_realloc(memory: *mut c_void, size: usize) -> *mut c_void;
    free = __libc_free(memory: *mut c_void);
}

unsafe extern "C" {
    fn __libc_memalign(align: usize, size: usize) -> *mut c_void;
}

#[unsafe(no_mangle)]
unsafe extern "C" fn memalign(align: usize, size: usize) -> *mut c_void {
    // SAFETY: the caller promises what the function of the C library needs.
    locked(|| unsafe { __libc_memalign(align, size) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn aligned_alloc(align: usize, size: usize) -> *mut c_void {
    // SAFETY: the caller promises what the function of the C library needs.
    unsafe { memalign(align, size) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn posix_memalign(memory: *mut *mut c_void, align: usize, size: usize) -> c_int {
    // SAFETY: the caller promises what the function of the C library needs.
    let allocated = unsafe { memalign(align, size) };
    if allocated.is_null() {
        return libc::ENOMEM;
    }
    // SAFETY: the caller promises a place for the pointer.
    unsafe { memory.write(allocated) };
    0
}
