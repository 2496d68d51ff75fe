//! A program that returns from `main`, and changes values after that.
#![allow(unsafe_code)]

use std::cell::RefCell;
use std::mem;
use std::sync::OnceLock;

use anyhow::{Result, ensure};
use shared_value::{Guard, Synchronized};

/// Returns with one lock leaked, and the other one held in a thread-local, which adds to the value after that. So do
/// another thread-local and a hook of the C library.
#[derive(Debug, clap::Args)]
pub(crate) struct ExitHooks {
    name: String,
    leaked: String,
}

static VALUE: OnceLock<Synchronized<u64>> = OnceLock::new();

fn add(number: u64) {
    let value = VALUE.get().expect("it was opened");
    value.update(|value| *value += number).expect("it can be locked");
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
        ensure!(result == 0, "no hook");
        let value = VALUE.get_or_init(|| Synchronized::open(&self.name).expect("the test made it"));
        let leaked: &'static Synchronized<u64> = Box::leak(Box::new(Synchronized::open(&self.leaked)?));
        let mut guard = leaked.lock()?;
        guard.set(1_000);
        mem::forget(guard);
        ADDS.with(|_| {});
        let mut guard = value.lock()?;
        guard.set(1);
        GUARD.set(Some(guard));
        Ok(())
    }
}
