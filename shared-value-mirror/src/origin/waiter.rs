//! `Waiter`: waits for changes of what is published.

use std::time::Duration;

use shared_value::{ArenaChanges, Changes, Dyn, Error, ReadOnly};

/// Waits for changes of a value or of an arena.
#[derive(Debug)]
pub(super) enum Waiter {
    Value(Changes<Dyn>),
    ReadOnlyValue(Changes<Dyn, ReadOnly>),
    Arena(ArenaChanges),
    ReadOnlyArena(ArenaChanges<ReadOnly>),
}

impl Waiter {
    /// Waits for a change.
    pub(super) fn wait(&mut self, timeout: Duration) -> Result<(), Error> {
        match self {
            Self::Value(changes) => changes.next_version_timeout(timeout).map(drop),
            Self::ReadOnlyValue(changes) => changes.next_version_timeout(timeout).map(drop),
            Self::Arena(changes) => changes.next_timeout(timeout).map(drop),
            Self::ReadOnlyArena(changes) => changes.next_timeout(timeout).map(drop),
        }
    }
}
