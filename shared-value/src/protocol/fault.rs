//! Faults that are built in on purpose, for `tests/faults.sh`, which proves that the tests find each of them.
//!
//! A library that is built without `--cfg shared_value_faulty` has none of them. One that is built with it has the fault that
//! the environment variable `SHARED_VALUE_FAULT` names, if any.

/// Whether this process has the fault.
#[cfg(not(shared_value_faulty))]
#[inline(always)]
pub(crate) const fn is_chosen(_fault: &str) -> bool {
    false
}

/// Whether this process has the fault.
#[cfg(shared_value_faulty)]
pub(crate) fn is_chosen(fault: &str) -> bool {
    use std::sync::LazyLock;
    static CHOSEN: LazyLock<Option<String>> = LazyLock::new(|| std::env::var("SHARED_VALUE_FAULT").ok());
    CHOSEN.as_deref() == Some(fault)
}
