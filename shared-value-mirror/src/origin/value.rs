//! `ValueSource`: the newest state of a value.

use std::time::Duration;

use shared_value::{Dyn, DynLayout, DynValue, Error, ReadOnly, Report, ReportedLock, Synchronized};

use crate::contents;
use crate::error::MirrorError;
use crate::message::{Bytes, Entry, News, Position, Shape};
use crate::origin::tracked::Tracked;
use crate::origin::waiter::Waiter;

/// A value that is published, and its newest state that was read.
#[derive(Debug)]
pub(super) struct ValueSource {
    handle: Handle,
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
        let layout = handle.layout();
        if layout.size() > limit && contents::vector(layout).is_none() {
            return Err(MirrorError::TooLarge { name: name.to_owned(), needed: layout.size(), limit });
        }
        let identity = report.identity().unwrap_or_default();
        let capacity = contents::capacity(layout, report.size().unwrap_or_default());
        let mut bytes = Vec::new();
        let version = handle.read(&mut bytes)?;
        // The schema of the segment, because an array may be of a type without a length.
        let tracked = Tracked::new(report.schema().to_owned(), capacity, bytes, version);
        Ok(Self { handle, identity, version, tracked, spare: Vec::new() })
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
            self.version = self.handle.read(&mut self.spare)?;
            self.spare = self.tracked.update(std::mem::take(&mut self.spare), self.version);
        }
        Ok(Position { identity: self.identity, session: 0, sequence: self.version })
    }

    /// Returns what a follower of this state lacks.
    pub(super) fn news(&self, position: Position, base: Option<Position>) -> News<'_> {
        let base = base.filter(|base| base.is_comparable(position) && base.sequence <= position.sequence);
        let bytes = self.tracked.since(base.map(|base| base.sequence));
        let base = if matches!(bytes, Bytes::Whole { .. }) { None } else { base.map(|base| base.sequence) };
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
    pub(super) fn layout(&self) -> &DynLayout {
        match self {
            Self::Writable(value) => value.layout(),
            Self::Readable(value) => value.layout(),
        }
    }

    pub(super) fn version(&self) -> u64 {
        match self {
            Self::Writable(value) => value.version(),
            Self::Readable(value) => value.version(),
        }
    }

    /// Copies the value, and returns the version of the copy.
    ///
    /// If the version is the same before and after the copy, the copy is of that version. If commits overtake many copies, one is
    /// made under the lock.
    pub(super) fn read(&self, to: &mut Vec<u8>) -> Result<u64, Error> {
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
