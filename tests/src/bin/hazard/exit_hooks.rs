//! Changes values after the return from `main`.
#![allow(unsafe_code)]

use std::cell::RefCell;
use std::mem;
use std::sync::OnceLock;

use anyhow::{Result, ensure};
use shared_value::{Guard, Synchronized};

/// Returns from `main` with a leaked guard of one lock, and with a guard of the other in a thread-local. After that, another
/// thread-local and an exit hook of the C library add to the value.
#[derive(Debug, clap::Args)]
pub(crate) struct ExitHooks {
    name: String,
    leaked: String,
}

static VALUE: OnceLock<Synchronized<u64>> = OnceLock::new();

fn add(number: u64) {
    let value = VALUE.get().expect("the value was opened");
    value.update(|value| *value += number).expect("the value can be locked");
}

extern "C" fn hook() {
    add(100);
}

struct Adds;

impl Drop for Adds {
    fn drop(&mut self) {
        add(10);
    }
}

thread_local! {
    static GUARD: RefCell<Option<Guard<'static, u64>>> = const { RefCell::new(None) };
    static ADDS: Adds = const { Adds };
}

impl ExitHooks {
    pub(crate) fn run(self) -> Result<()> {
        // SAFETY: the function takes and returns nothing, and is never unloaded.
        let result = unsafe { libc::atexit(hook) };
        ensure!(result == 0, "the hook was refused");
        let value = VALUE.get_or_init(|| Synchronized::open(&self.name).expect("the test has created it"));
        let leaked: &'static Synchronized<u64> = Box::leak(Box::new(Synchronized::open(&self.leaked)?));
        let guard = leaked.lock()?;
        guard.set(1_000)?;
        mem::forget(guard);
        ADDS.with(|_| {});
        let guard = value.lock()?;
        guard.set(1)?;
        GUARD.set(Some(guard));
        Ok(())
    }
}
