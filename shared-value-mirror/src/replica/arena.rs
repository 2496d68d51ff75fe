//! `ArenaReplica`: the replica of an arena.

use std::collections::{HashMap, HashSet};
use std::fs;

use shared_value::{Arena, Capacity, Dyn, DynLayout, DynValue, Entry as Listed, Error, Location, inspect};

use crate::contents;
use crate::error::MirrorError;
use crate::message::{Bytes, News, fingerprint};
use crate::replica::kept;
use crate::replica::value::{Change, later, write, write_atomics, wrong};

/// A replica, with a handle that can write it.
pub(super) struct ArenaReplica {
    arena: Arena,
    name: String,
}

/// An arena under a name of its own, which has all values of a state.
pub(super) struct New {
    /// The file, under the name that it has until it is complete.
    path: std::path::PathBuf,
}

/// How many values are locked in one transaction. The kernel frees the locks of a dead thread up to a number that is a little
/// larger. More values are replaced.
const LOCKS: usize = 1000;

/// What a value becomes.
enum Step<'m> {
    Write(DynValue, Change),
    Make(&'m str, DynLayout, &'m [u8], Option<usize>),
}

impl ArenaReplica {
    /// Opens the replica of an earlier follower.
    pub(super) fn open(name: &str) -> Result<Self, MirrorError> {
        let arena = kept::with_write_permission(name, || Arena::open(name))?;
        Ok(Self { arena, name: name.to_owned() })
    }

    /// Makes an arena with the values of a state, under a name of its own.
    pub(super) fn make(name: &str, capacity: u64, news: &News<'_>, limit: usize) -> Result<New, MirrorError> {
        let path = kept::path(&format!(".{name}.mirror-next"));
        // A follower that was killed may have left it.
        if let Err(error) = fs::remove_file(&path)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            return Err(io("remove", &path, error));
        }
        // Of the capacity, memory is taken only as values are made. The message has at most as many bytes as the limit.
        let most = limit.saturating_mul(8).max(1 << 20);
        let capacity = usize::try_from(capacity).map_or(most, |capacity| capacity.min(most));
        let made = Arena::options().mode(kept::READ_ONLY).create(Location::from(&*path), Capacity(capacity));
        let replica = Self { arena: made?, name: name.to_owned() };
        if let Err(error) = replica.apply(news, limit) {
            // It has no use.
            let _ = fs::remove_file(&path);
            return Err(error);
        }
        Ok(New { path })
    }

    /// Gives the arena its name.
    pub(super) fn publish(name: &str, new: New) -> Result<Self, MirrorError> {
        let New { path } = new;
        // A link, and not a renaming: it fails if the name is taken.
        let linked = fs::hard_link(&path, kept::path(name)).map_err(|error| io("name", &path, error));
        fs::remove_file(&path).map_err(|error| io("remove", &path, error))?;
        linked?;
        Self::open(name)
    }

    /// Returns whether the name leads to this segment.
    pub(super) fn is_current(&self, identity: u128) -> bool {
        inspect(&*self.name).is_ok_and(|report| report.identity() == Some(identity))
    }

    /// Lets the replica show a later state, in one transaction.
    ///
    /// # Errors
    /// If the state is invalid. Then nothing has changed.
    pub(super) fn apply(&self, news: &News<'_>, limit: usize) -> Result<(), MirrorError> {
        let listed = self.arena.iter().filter_map(|listed| Some((listed.key()?.to_owned(), listed)));
        let present: HashMap<String, Listed> = listed.collect();
        let mut steps = Vec::new();
        let mut locks = 0;
        for entry in &news.entries {
            let listed = present.get(entry.key);
            let value = listed.map(|listed| self.arena.get(listed.id::<Dyn>())).transpose()?.flatten();
            let schema = listed.map_or("", |listed| listed.schema());
            let step = match (&entry.bytes, value) {
                (Bytes::Whole { schema: new, bytes, .. }, Some(value))
                    if *new == schema && locks < LOCKS && fits(&value, bytes) =>
                {
                    if holds(&value, bytes)? {
                        continue;
                    }
                    Step::Write(value.clone(), later(&value, &entry.bytes, limit)?)
                }
                (Bytes::Whole { schema, bytes, capacity }, _) => {
                    let layout = DynLayout::parse(schema)?;
                    let capacity = contents::fitting_capacity(&layout, bytes.len(), *capacity, limit)?;
                    Step::Make(entry.key, layout, bytes, capacity)
                }
                (Bytes::Blocks(blocks), Some(value)) if blocks.fingerprint == fingerprint(schema) => {
                    Step::Write(value.clone(), later(&value, &entry.bytes, limit)?)
                }
                (Bytes::Blocks(_), _) => return Err(wrong("changes of a value of the replica", "others")),
            };
            locks += usize::from(matches!(step, Step::Write(..)));
            steps.push(step);
        }
        let staying: HashSet<&str> = news.entries.iter().map(|entry| entry.key).collect();
        let leaving: Vec<&str> = match news.base {
            Some(_) => news.removed.clone(),
            None => present.keys().map(|key| &**key).filter(|key| !staying.contains(key)).collect(),
        };
        self.arena.transaction(|transaction| {
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
}

/// Returns whether the value holds these bytes.
fn holds(value: &DynValue, bytes: &[u8]) -> Result<bool, Error> {
    let mut present = Vec::new();
    contents::copy(value, &mut present)?;
    Ok(present == bytes)
}

/// Returns whether the value can hold these bytes.
fn fits(value: &DynValue, bytes: &[u8]) -> bool {
    contents::vector(value.layout()).is_some() || value.layout().size() == bytes.len()
}

fn io(what: &str, path: &std::path::Path, source: std::io::Error) -> MirrorError {
    Error::Io { operation: format!("{what} `{}`", path.display()), source }.into()
}
