//! `ArenaReplica`: the replica of an arena.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use shared_value::{Arena, Capacity, Dyn, DynLayout, DynValue, Entry as Listed, Error, Location};

use crate::contents;
use crate::error::MirrorError;
use crate::message::{Bytes, Entry, News, fingerprint};
use crate::name::leads_to;
use crate::replica::kept;
use crate::replica::value::{Change, PATIENCE, later, write, write_atomics, wrong};

/// A replica, with a handle that can write it.
pub(super) struct ArenaReplica {
    arena: Arena,
    name: String,
}

/// How many values are locked in one transaction. The kernel frees the locks of a dead thread up to a number that is a little
/// larger. More values are replaced.
const LOCKS: usize = 1000;

/// What a value becomes.
enum Step<'m> {
    Write(DynValue, Change),
    Make(&'m str, DynLayout, Cow<'m, [u8]>, Option<usize>),
}

impl ArenaReplica {
    /// Opens the replica of an earlier follower.
    pub(super) fn open(name: &str) -> Result<Self, MirrorError> {
        let arena = kept::with_write_permission(name, || Arena::open(name))?;
        Ok(Self { arena, name: name.to_owned() })
    }

    /// Makes the next segment of a replica: an arena with the values of a state.
    pub(super) fn make(name: &str, capacity: u64, news: &News<'_>, limit: usize) -> Result<(), MirrorError> {
        // Values that are replaced take room beside the new ones. Of the capacity, memory is taken only as values are made, and
        // the message has at most as many bytes as the limit.
        let most = limit.saturating_mul(8).max(1 << 20);
        let capacity = usize::try_from(capacity).map_or(most, |capacity| capacity.saturating_mul(2).min(most));
        let path = kept::next(name);
        let arena = Arena::options().mode(kept::READ_ONLY).create(Location::from(&*path), Capacity(capacity))?;
        // It does not have the replica's name yet, so it takes no transaction.
        for entry in &news.entries {
            let Bytes::Whole { schema, bytes, capacity } = &entry.bytes else {
                return Err(wrong("whole values", "changes of one"));
            };
            let layout = DynLayout::parse(schema)?;
            let capacity = contents::fitting_capacity(&layout, bytes.len(), *capacity, limit)?;
            arena.insert::<Dyn>(entry.key, contents::initial(layout, bytes, capacity)?)?;
        }
        Ok(())
    }

    /// Returns whether the name leads to this segment.
    pub(super) fn is_current(&self, identity: u128) -> bool {
        leads_to(&self.name, identity)
    }

    /// Lets the replica show a later state, in one transaction.
    ///
    /// # Errors
    /// If the state is invalid, or has no room. Then nothing has changed.
    pub(super) fn apply(&self, news: &News<'_>, limit: usize) -> Result<(), MirrorError> {
        let listed = self.arena.iter().filter_map(|listed| Some((listed.key()?.to_owned(), listed)));
        let present: HashMap<String, Listed> = listed.collect();
        let mut steps = Vec::new();
        let mut locks = 0;
        for entry in &news.entries {
            let listed = present.get(entry.key);
            let Some(step) = self.step(entry, listed, limit)? else { continue };
            steps.push(match (step, listed) {
                (Step::Write(value, change), Some(listed)) if locks == LOCKS => {
                    let layout = DynLayout::parse(listed.schema())?;
                    Step::Make(entry.key, layout, change.bytes.into(), value.capacity().ok())
                }
                (step, _) => {
                    locks += usize::from(matches!(step, Step::Write(..)));
                    step
                }
            });
        }
        let staying: HashSet<&str> = news.entries.iter().map(|entry| entry.key).collect();
        let mut leaving: Vec<&str> = match news.base {
            Some(_) => news.removed.clone(),
            None => present.keys().map(|key| &**key).collect(),
        };
        leaving.retain(|key| !staying.contains(key));
        self.arena.transaction_timeout(PATIENCE, |transaction| {
            for key in &leaving {
                transaction.remove(*key)?;
            }
            for step in &steps {
                match step {
                    Step::Write(value, change) => {
                        let _guard = transaction.lock(value)?;
                        write(value, change)?;
                    }
                    Step::Make(key, layout, bytes, capacity) => {
                        let initial = contents::initial(layout.clone(), bytes, *capacity)?;
                        transaction.replace::<Dyn>(key, initial)?;
                    }
                }
            }
            Ok::<_, Error>(())
        })?;
        for step in &steps {
            if let Step::Write(value, change) = step {
                write_atomics(value, &change.bytes)?;
            }
        }
        Ok(())
    }

    /// Returns what a value becomes, of which `listed` is there; `None` if it stays as it is.
    fn step<'m>(
        &self,
        entry: &Entry<'m>,
        listed: Option<&Listed>,
        limit: usize,
    ) -> Result<Option<Step<'m>>, MirrorError> {
        let value = listed.map(|listed| self.arena.get(listed.id::<Dyn>())).transpose()?.flatten();
        let present = listed.map_or("", |listed| listed.schema());
        let change = |value: DynValue| {
            let change = later(&value, &entry.bytes, limit)?;
            Ok(Some(Step::Write(value, change)))
        };
        match (&entry.bytes, value) {
            (Bytes::Whole { schema, bytes, capacity }, value) => {
                let layout = DynLayout::parse(schema)?;
                let capacity = contents::fitting_capacity(&layout, bytes.len(), *capacity, limit)?;
                match value.filter(|value| *schema == present && fits(value, bytes, capacity)) {
                    Some(value) if holds(&value, bytes)? => Ok(None),
                    Some(value) => change(value),
                    None => Ok(Some(Step::Make(entry.key, layout, Cow::Borrowed(bytes), capacity))),
                }
            }
            (Bytes::Blocks(blocks), Some(value)) if blocks.fingerprint == fingerprint(present) => change(value),
            (Bytes::Blocks(_), _) => Err(wrong("changes of a value of the replica", "others")),
        }
    }
}

/// Returns whether the value holds these bytes.
fn holds(value: &DynValue, bytes: &[u8]) -> Result<bool, Error> {
    let mut present = Vec::new();
    contents::copy(value, &mut present)?;
    Ok(present == bytes)
}

/// Returns whether the value can hold these bytes, and has this capacity if it is a vector.
fn fits(value: &DynValue, bytes: &[u8], capacity: Option<usize>) -> bool {
    value.capacity().ok() == capacity && (capacity.is_some() || value.layout().size() == bytes.len())
}
