//! `ValueSource`: the newest state of a value.

use std::time::Duration;

use shared_value::{Dyn, DynValue, Error, ReadOnly, Report, ReportedLock, Synchronized};

use crate::contents;
use crate::error::MirrorError;
use crate::message::{Bytes, Entry, News, Position, Shape};
use crate::origin::tracked::Tracked;
use crate::origin::waiter::Waiter;

/// A value that is published, and its newest state that was read.
#[derive(Debug)]
pub(super) struct ValueSource {
    handle: Handle,
    name: String,
    limit: usize,
    identity: u128,
    version: u64,
    tracked: Tracked,
    /// Memory for the next state.
    spare: Vec<u8>,
}

/// A handle that can announce itself to writers, or else one that only reads.
#[derive(Clone, Debug)]
pub(super) enum Handle {
    Writable(DynValue),
    Readable(Synchronized<Dyn, ReadOnly>),
}

/// How often to try to copy a value between two commits, before its lock is taken for the copy.
const TRIES: usize = 100;

/// How long the lock is waited for then.
const PATIENCE: Duration = Duration::from_millis(100);

impl ValueSource {
    /// Opens the value that was reported.
    pub(super) fn open(name: &str, report: &Report, limit: usize) -> Result<Self, MirrorError> {
        let refused = |reason| Err(MirrorError::Unsupported { name: name.to_owned(), reason });
        match report.lock() {
            _ if report.is_live() => return refused("a live value has no versions"),
            Some(ReportedLock::None) => return refused("a value without a lock has no versions"),
            Some(ReportedLock::Itself { .. }) => return refused("a lock object holds no value"),
            _ => {}
        }
        let handle = match DynValue::open(name) {
            Ok(value) => Handle::Writable(value),
            Err(Error::Io { .. } | Error::InvalidSegment { .. }) => Handle::Readable(DynValue::open_read_only(name)?),
            Err(error) => return Err(error.into()),
        };
        let identity = report.identity().unwrap_or_default();
        let mut bytes = Vec::new();
        let version = handle.read_within(name, limit, &mut bytes)?;
        // The schema of the segment, because an array may be of a type without a length.
        let tracked = Tracked::new(report.schema().to_owned(), handle.capacity(), bytes, version);
        Ok(Self { handle, name: name.to_owned(), limit, identity, version, tracked, spare: Vec::new() })
    }

    pub(super) fn is_current(&self) -> bool {
        match &self.handle {
            Handle::Writable(value) => value.is_current(),
            Handle::Readable(value) => value.is_current(),
        }
    }

    /// Reads the newest state, if it is another one.
    pub(super) fn refresh(&mut self) -> Result<Position, MirrorError> {
        if self.handle.version() != self.version {
            self.version = self.handle.read_within(&self.name, self.limit, &mut self.spare)?;
            self.spare = self.tracked.update(std::mem::take(&mut self.spare), self.version);
        }
        Ok(Position { identity: self.identity, session: 0, sequence: self.version })
    }

    /// Returns what a follower of this state lacks.
    pub(super) fn news(&self, position: Position, base: Option<u64>) -> News<'_> {
        let bytes = self.tracked.since(base);
        let base = base.filter(|_| matches!(bytes, Bytes::Blocks(_)));
        News { position, base, shape: Shape::Value, entries: vec![Entry { key: "", bytes }], removed: Vec::new() }
    }

    pub(super) fn waiter(&self) -> Waiter {
        match &self.handle {
            Handle::Writable(value) => Waiter::Value(value.changes()),
            Handle::Readable(value) => Waiter::ReadOnlyValue(value.changes()),
        }
    }
}

impl Handle {
    fn capacity(&self) -> Option<u64> {
        match self {
            Self::Writable(value) => contents::capacity(value),
            Self::Readable(value) => contents::capacity(value),
        }
    }

    /// Returns the number of bytes that a copy has; `None` if it is a vector that is too long to be copied.
    fn size(&self) -> Result<Option<usize>, Error> {
        match self {
            Self::Writable(value) => contents::size(value),
            Self::Readable(value) => contents::size(value),
        }
    }

    fn version(&self) -> u64 {
        match self {
            Self::Writable(value) => value.version(),
            Self::Readable(value) => value.version(),
        }
    }

    /// Copies the value as `read` does, if it is not larger than the limit.
    fn read_within(&self, name: &str, limit: usize, to: &mut Vec<u8>) -> Result<u64, MirrorError> {
        let too_large = |needed| MirrorError::TooLarge { name: name.to_owned(), needed, limit };
        if let Some(needed) = self.size()?.filter(|size| *size > limit) {
            return Err(too_large(needed));
        }
        let version = self.read(to)?;
        // A vector may have grown meanwhile.
        if to.len() > limit { Err(too_large(to.len())) } else { Ok(version) }
    }

    /// Copies the value, and returns the version of the copy.
    ///
    /// If the version is the same before and after the copy, the copy is of that version. If commits overtake many copies, one is
    /// made under the lock.
    fn read(&self, to: &mut Vec<u8>) -> Result<u64, Error> {
        for _ in 0..TRIES {
            let version = self.version();
            self.copy(to)?;
            if self.version() == version {
                return Ok(version);
            }
        }
        match self {
            Self::Writable(value) => {
                let _guard = value.lock_timeout(PATIENCE)?;
                self.copy(to)?;
                Ok(value.version())
            }
            Self::Readable(_) => Err(Error::TimedOut { awaited: "a moment without commits".to_owned() }),
        }
    }

    fn copy(&self, to: &mut Vec<u8>) -> Result<(), Error> {
        match self {
            Self::Writable(value) => contents::copy(value, to),
            Self::Readable(value) => contents::copy(value, to),
        }
    }
}
