//! `Source`: what a name leads to, and its newest state.

use shared_value::{Error, inspect};

use crate::error::MirrorError;
use crate::message::{News, Position};
use crate::origin::arena::ArenaSource;
use crate::origin::value::ValueSource;
use crate::origin::waiter::Waiter;

/// The value or the arena that is published under a name.
#[derive(Debug)]
pub(super) enum Source {
    Value(Box<ValueSource>),
    Arena(Box<ArenaSource>),
}

/// How often to look at a name that leads to another segment each time.
const TRIES: usize = 10;

impl Source {
    /// Opens what the name leads to; `None` if that is nothing.
    pub(super) fn open(name: &str, keys: &str, limit: usize) -> Result<Option<Self>, MirrorError> {
        for _ in 0..TRIES {
            let report = match inspect(name) {
                Ok(report) => report,
                Err(Error::NotFound { .. }) => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            let opened = if report.is_arena() {
                let identity = report.identity().unwrap_or_default();
                ArenaSource::open(name, keys, identity, limit).map(Box::new).map(Self::Arena)
            } else {
                ValueSource::open(name, &report, limit).map(Box::new).map(Self::Value)
            };
            match opened {
                // If it is of the segment that the report is about, the name leads there before and after.
                Ok(source) if source.is_current() && identity(name) == report.identity() => return Ok(Some(source)),
                Ok(_) | Err(MirrorError::Value(Error::NotFound { .. })) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Returns whether the name still leads here.
    pub(super) fn is_current(&self) -> bool {
        match self {
            Self::Value(value) => value.is_current(),
            Self::Arena(arena) => arena.is_current(),
        }
    }

    /// Reads the newest state, if it is another one than before, and returns its position.
    pub(super) fn refresh(&mut self) -> Result<Position, MirrorError> {
        match self {
            Self::Value(value) => value.refresh(),
            Self::Arena(arena) => arena.refresh(),
        }
    }

    /// Returns the sequence of a follower's state, if it is known what has changed since.
    pub(super) fn known(&self, position: Position, base: Option<Position>) -> Option<u64> {
        let oldest = match self {
            Self::Value(_) => 0,
            Self::Arena(arena) => arena.complete_since(),
        };
        let is_known =
            |base: &Position| base.is_comparable(position) && (oldest..=position.sequence).contains(&base.sequence);
        base.filter(is_known).map(|base| base.sequence)
    }

    /// Returns what a follower of `base` lacks of the state that was read last.
    pub(super) fn news(&self, position: Position, base: Option<u64>) -> News<'_> {
        match self {
            Self::Value(value) => value.news(position, base),
            Self::Arena(arena) => arena.news(position, base),
        }
    }

    /// Returns what waits for changes from now on.
    pub(super) fn waiter(&self) -> Result<Waiter, MirrorError> {
        match self {
            Self::Value(value) => Ok(value.waiter()),
            Self::Arena(arena) => arena.waiter(),
        }
    }
}

fn identity(name: &str) -> Option<u128> {
    inspect(name).ok().and_then(|report| report.identity())
}
