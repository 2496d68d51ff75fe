//! `ValueReplica`: the replica of a value.

use std::ops::Range;
use std::time::Duration;

use shared_value::{DynKind, DynLayout, DynValue, Error, Location};

use crate::contents;
use crate::error::MirrorError;
use crate::message::{Blocks, Bytes, News, fingerprint};
use crate::replica::kept;

/// A replica, with a handle that can write it.
pub(super) struct ValueReplica {
    value: DynValue,
    schema: String,
}

/// The bytes of a later state, and where they may differ from the present ones.
pub(super) struct Change {
    pub(super) bytes: Vec<u8>,
    changed: Vec<Range<usize>>,
}

/// How long to wait for locks of the replica. Only a process that writes a replica in spite of its mode holds them.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

impl ValueReplica {
    /// Opens the replica of an earlier follower.
    pub(super) fn open(name: &str) -> Result<Self, MirrorError> {
        let value = kept::with_write_permission(name, || DynValue::open(name))?;
        let schema = shared_value::inspect(name)?.schema().to_owned();
        Ok(Self { value, schema })
    }

    /// Makes the next segment of a replica.
    pub(super) fn make(name: &str, news: &News<'_>, limit: usize) -> Result<(), MirrorError> {
        let Bytes::Whole { schema, bytes, capacity } = only(news)? else {
            return Err(wrong("a whole value", "changes of one"));
        };
        if bytes.len() > limit {
            return Err(MirrorError::TooLarge { name: name.to_owned(), needed: bytes.len(), limit });
        }
        let layout = DynLayout::parse(schema)?;
        let capacity = contents::fitting_capacity(&layout, bytes.len(), *capacity, limit)?;
        let (path, initial) = (kept::next(name), contents::initial(layout, bytes, capacity)?);
        DynValue::options().mode(kept::READ_ONLY).create(Location::from(&*path), initial)?;
        Ok(())
    }

    /// Returns the version of the replica's own segment.
    pub(super) fn version(&self) -> u64 {
        self.value.version()
    }

    /// Returns whether the name leads to this segment.
    pub(super) fn is_current(&self) -> bool {
        self.value.is_current()
    }

    /// Returns whether the news are of a value of the replica's type.
    pub(super) fn takes(&self, news: &News<'_>) -> bool {
        match only(news) {
            Ok(Bytes::Whole { schema, bytes, .. }) => {
                *schema == self.schema && (self.is_vector() || bytes.len() == self.value.layout().size())
            }
            Ok(Bytes::Blocks(blocks)) => blocks.fingerprint == fingerprint(&self.schema),
            Err(_) => false,
        }
    }

    fn is_vector(&self) -> bool {
        contents::vector(self.value.layout()).is_some()
    }

    /// Returns the bytes of the state that the news are of.
    pub(super) fn prepare(&self, news: &News<'_>, limit: usize) -> Result<Change, MirrorError> {
        later(&self.value, only(news)?, limit)
    }

    /// Lets the replica show these bytes, in one commit.
    pub(super) fn write(&self, change: &Change) -> Result<(), MirrorError> {
        let guard = self.value.lock_timeout(PATIENCE)?;
        let written = write(&self.value, change);
        if written.is_err() {
            guard.rollback();
        }
        drop(guard);
        written?;
        Ok(write_atomics(&self.value, &change.bytes)?)
    }
}

/// Returns what the only entry of a value holds.
fn only<'n, 'm>(news: &'n News<'m>) -> Result<&'n Bytes<'m>, MirrorError> {
    match &*news.entries {
        [entry] if entry.key.is_empty() => Ok(&entry.bytes),
        _ => Err(wrong("one entry without a key", &format!("{} entries", news.entries.len()))),
    }
}

/// Returns the bytes of a later state of a value.
pub(super) fn later(value: &DynValue, bytes: &Bytes<'_>, limit: usize) -> Result<Change, MirrorError> {
    match bytes {
        Bytes::Whole { bytes, .. } => {
            if bytes.len() > limit {
                let name = value.segment_name().to_owned();
                return Err(MirrorError::TooLarge { name, needed: bytes.len(), limit });
            }
            if contents::vector(value.layout()).is_none() && bytes.len() != value.layout().size() {
                return Err(wrong(&format!("{} bytes", value.layout().size()), &format!("{} bytes", bytes.len())));
            }
            let whole = 0..bytes.len();
            Ok(Change { bytes: bytes.to_vec(), changed: vec![whole] })
        }
        Bytes::Blocks(blocks) => patched(value, blocks),
    }
}

/// Returns the present bytes with other blocks.
fn patched(value: &DynValue, blocks: &Blocks<'_>) -> Result<Change, MirrorError> {
    let length = value.layout().size();
    if contents::vector(value.layout()).is_some() || blocks.length != length as u64 {
        return Err(wrong(&format!("changes of {length} bytes"), &format!("changes of {} bytes", blocks.length)));
    }
    let mut bytes = Vec::new();
    contents::copy(value, &mut bytes)?;
    let mut changed = Vec::with_capacity(blocks.parts.len());
    for (start, block) in &blocks.parts {
        let range = usize::try_from(*start).ok().and_then(|start| Some(start..start.checked_add(block.len())?));
        let Some((range, place)) = range.and_then(|range| Some((range.clone(), bytes.get_mut(range)?))) else {
            return Err(wrong(&format!("blocks within {length} bytes"), &format!("one at {start}")));
        };
        place.copy_from_slice(block);
        changed.push(range);
    }
    Ok(Change { bytes, changed })
}

/// Writes the bytes of a later state under the lock, which the caller holds and releases.
pub(super) fn write(value: &DynValue, change: &Change) -> Result<(), Error> {
    let layout = value.layout();
    if contents::vector(layout).is_some() {
        return value.set("", contents::data_of_elements(layout, &change.bytes)?);
    }
    let size = contents::element_size(layout);
    if let DynKind::Struct { fields } = layout.kind() {
        // A write of the whole value leaves them as they are.
        for field in fields.iter().filter(|field| field.is_counter()) {
            value.write_bytes(field.name(), &change.bytes[field.offset()..][..field.layout().size()])?;
        }
    }
    for range in &change.changed {
        match contents::elements(layout, range) {
            Some(elements) => {
                value.write_elements("", elements.start, &change.bytes[elements.start * size..elements.end * size])?;
            }
            None => return value.write_bytes("", &change.bytes),
        }
    }
    Ok(())
}

/// Stores the atomic fields, which no commit carries.
pub(super) fn write_atomics(value: &DynValue, bytes: &[u8]) -> Result<(), Error> {
    let DynKind::Struct { fields } = value.layout().kind() else { return Ok(()) };
    for field in fields.iter().filter(|field| field.is_atomic()) {
        value.write_bytes(field.name(), &bytes[field.offset()..][..field.layout().size()])?;
    }
    Ok(())
}

pub(super) fn wrong(expected: &str, found: &str) -> MirrorError {
    MirrorError::Message { expected: expected.to_owned(), found: found.to_owned() }
}
