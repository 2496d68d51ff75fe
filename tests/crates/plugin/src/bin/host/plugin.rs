//! `Plugin`: the functions of a loaded plugin.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::mem::transmute_copy;
use std::path::Path;
use std::ptr;
use std::time::Duration;

use shared_value::{Guard, LockKind, Synchronized};
use shared_value_plugin::DONE;
use shared_value_tests::DEADLINE;

type Opened = *const Synchronized<u64>;
type Held = *mut Guard<'static, u64>;

/// The functions of a loaded plugin.
#[derive(Clone, Copy)]
pub(crate) struct Plugin {
    library: *mut c_void,
    open: unsafe extern "C" fn(*const c_char, bool) -> Opened,
    close: unsafe extern "C" fn(Opened),
    update: unsafe extern "C" fn(Opened) -> c_int,
    set: unsafe extern "C" fn(Opened, u64) -> c_int,
    get: unsafe extern "C" fn(Opened) -> u64,
    lock: unsafe extern "C" fn(Opened, u64, *mut Held) -> c_int,
    unlock: unsafe extern "C" fn(Held),
}

/// A value that the plugin has opened.
#[derive(Clone, Copy)]
pub(crate) struct Value {
    plugin: Plugin,
    opened: Opened,
}

/// A lock that the plugin holds.
pub(crate) struct PluginGuard {
    plugin: Plugin,
    held: Held,
}

impl Plugin {
    pub(crate) fn load(path: &Path) -> Self {
        let path = CString::new(path.to_str().expect("a path")).expect("a path");
        // SAFETY: the path ends with a zero; the plugin runs only its set-up.
        let library = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
        assert!(!library.is_null(), "{path:?} cannot be loaded");
        Self {
            library,
            open: find(library, c"plugin_open"),
            close: find(library, c"plugin_close"),
            update: find(library, c"plugin_update"),
            set: find(library, c"plugin_set"),
            get: find(library, c"plugin_get"),
            lock: find(library, c"plugin_lock"),
            unlock: find(library, c"plugin_unlock"),
        }
    }

    pub(crate) fn unload(self) {
        // SAFETY: the library was loaded, and this program uses it no more. It must stay loaded nevertheless.
        assert_eq!(unsafe { libc::dlclose(self.library) }, 0);
    }

    pub(crate) fn open(self, name: &str, kind: LockKind) -> Value {
        let name = CString::new(name).expect("a name");
        // SAFETY: the name ends with a zero.
        Value { plugin: self, opened: unsafe { (self.open)(name.as_ptr(), kind == LockKind::Pthread) } }
    }
}

/// Returns a function of the plugin. The caller knows its type.
fn find<F>(library: *mut c_void, name: &CStr) -> F {
    assert_eq!(size_of::<F>(), size_of::<*mut c_void>());
    // SAFETY: the name ends with a zero, and the library is loaded.
    let symbol = unsafe { libc::dlsym(library, name.as_ptr()) };
    assert!(!symbol.is_null(), "{name:?} is missing");
    // SAFETY: the plugin defines the function with this type.
    unsafe { transmute_copy(&symbol) }
}

impl Value {
    pub(crate) fn update(self) -> c_int {
        // SAFETY: the plugin has opened the value.
        unsafe { (self.plugin.update)(self.opened) }
    }

    pub(crate) fn set(self, number: u64) -> c_int {
        // SAFETY: the plugin has opened the value.
        unsafe { (self.plugin.set)(self.opened, number) }
    }

    pub(crate) fn get(self) -> u64 {
        // SAFETY: the plugin has opened the value.
        unsafe { (self.plugin.get)(self.opened) }
    }

    pub(crate) fn try_lock(self, timeout: Duration) -> Result<PluginGuard, c_int> {
        let mut held = ptr::null_mut();
        let milliseconds = u64::try_from(timeout.as_millis()).expect("a short time");
        // SAFETY: the plugin has opened the value, which lives longer than the guard, and `held` is a local.
        match unsafe { (self.plugin.lock)(self.opened, milliseconds, &raw mut held) } {
            DONE => Ok(PluginGuard { plugin: self.plugin, held }),
            code => Err(code),
        }
    }

    pub(crate) fn lock(self) -> PluginGuard {
        self.try_lock(DEADLINE).unwrap_or_else(|code| panic!("the plugin cannot lock: {code}"))
    }

    pub(crate) fn close(self) {
        // SAFETY: the plugin has opened the value, and it is not used again.
        unsafe { (self.plugin.close)(self.opened) };
    }
}

impl Drop for PluginGuard {
    fn drop(&mut self) {
        // SAFETY: the plugin has made the guard in this thread.
        unsafe { (self.plugin.unlock)(self.held) };
    }
}

/// A value of the plugin in another thread.
#[derive(Clone, Copy)]
pub(crate) struct Sent(pub(crate) Value);

// SAFETY: the functions of the plugin may be called from any thread, and handles are `Send` and `Sync`.
unsafe impl Send for Sent {}
// SAFETY: as above.
unsafe impl Sync for Sent {}
