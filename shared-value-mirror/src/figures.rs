//! `Figures`: the errors of a publisher or a follower.

use std::fmt::Display;
use std::sync::{Mutex, PoisonError};

/// Counts errors, and keeps the last one.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    errors: Mutex<(u64, Option<String>)>,
}

impl Figures {
    pub(crate) fn note(&self, error: &impl Display) {
        let mut errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        *errors = (errors.0 + 1, Some(error.to_string()));
    }

    /// Returns the number of errors, and the last one.
    pub(crate) fn errors(&self) -> (u64, Option<String>) {
        self.errors.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
