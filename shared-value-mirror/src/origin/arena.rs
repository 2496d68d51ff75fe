//! `ArenaSource`: the newest state of the values of an arena, all of one moment.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use shared_value::{Arena, ArenaChange, ArenaChanges, Dyn, Error, ReadOnly, ReadWrite, Synchronized, Versioned};

use crate::contents;
use crate::error::MirrorError;
use crate::message::{Entry, News, Position, REMOVED, Shape, VALUES};
use crate::name::leads_to;
use crate::origin::pattern::Pattern;
use crate::origin::tracked::Tracked;
use crate::origin::waiter::Waiter;

/// An arena that is published.
#[derive(Debug)]
pub(super) enum ArenaSource {
    Writable(Moments<ReadWrite>),
    Readable(Moments<ReadOnly>),
}

impl ArenaSource {
    pub(super) fn open(name: &str, keys: &str, identity: u128, limit: usize) -> Result<Self, MirrorError> {
        // Each source numbers its moments itself, so followers must not compare them with those of another one.
        let moments = Position { identity, session: fastrand::u64(1..), sequence: 0 };
        match Arena::open(name) {
            Ok(arena) => Moments::new(arena, name, keys, moments, limit).map(Self::Writable),
            Err(Error::Io { .. }) => {
                Moments::new(Arena::open_read_only(name)?, name, keys, moments, limit).map(Self::Readable)
            }
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn is_current(&self) -> bool {
        let (name, identity) = match self {
            Self::Writable(moments) => (&moments.name, moments.position.identity),
            Self::Readable(moments) => (&moments.name, moments.position.identity),
        };
        leads_to(name, identity)
    }

    /// Returns the first moment since which it is known what has changed.
    pub(super) fn complete_since(&self) -> u64 {
        match self {
            Self::Writable(moments) => moments.complete_since,
            Self::Readable(moments) => moments.complete_since,
        }
    }

    pub(super) fn refresh(&mut self) -> Result<Position, MirrorError> {
        match self {
            Self::Writable(moments) => moments.refresh(),
            Self::Readable(moments) => moments.refresh(),
        }
    }

    pub(super) fn news(&self, position: Position, base: Option<u64>) -> News<'_> {
        match self {
            Self::Writable(moments) => moments.news(position, base),
            Self::Readable(moments) => moments.news(position, base),
        }
    }

    pub(super) fn waiter(&self) -> Result<Waiter, MirrorError> {
        Ok(match self {
            Self::Writable(moments) => Waiter::Arena(moments.arena.changes(&moments.pattern.text)?),
            Self::Readable(moments) => Waiter::ReadOnlyArena(moments.arena.changes(&moments.pattern.text)?),
        })
    }
}

/// Reads the values of an arena again and again, each time all of one moment.
#[derive(Debug)]
pub(super) struct Moments<A: Versioned> {
    arena: Arena<A>,
    name: String,
    pattern: Pattern,
    limit: usize,
    /// Tells which keys were added and removed.
    changes: ArenaChanges<A>,
    values: HashMap<String, Held<A>>,
    /// The keys that were added, and whose values were not opened yet.
    arriving: HashSet<String>,
    /// The keys that were removed since the last moment.
    leaving: HashSet<String>,
    /// The keys that were removed before, and at which moment.
    removed: VecDeque<(u64, String)>,
    /// The first moment since which `removed` is complete.
    complete_since: u64,
    /// The last moment that was read.
    position: Position,
}

/// A value of the arena.
#[derive(Debug)]
struct Held<A: Versioned> {
    value: Synchronized<Dyn, A>,
    schema: String,
    capacity: Option<u64>,
    /// The version at the last moment; `None` if it was not there then.
    version: Option<u64>,
    /// The bytes at the last moment; `None` also if it was a vector that is too long to be copied.
    tracked: Option<Tracked>,
}

/// A copy of a value that has changed since the last moment.
pub(super) struct Copied {
    key: String,
    version: u64,
    /// `None` if it is a vector that is too long to be copied.
    bytes: Option<Vec<u8>>,
}

/// How often to look for a moment between commits, before the locks of the values are taken.
const TRIES: u32 = 20;

/// How long to look for a moment at all. A follower that was told nothing asks again.
const LOOK: Duration = Duration::from_secs(1);

/// How long the locks are waited for then.
const PATIENCE: Duration = Duration::from_millis(100);

/// How many values are locked at once. The kernel frees the locks of a dead thread up to a number that is a little larger.
const LOCKS: usize = 1000;

impl<A: Freeze> Moments<A> {
    fn new(arena: Arena<A>, name: &str, keys: &str, position: Position, limit: usize) -> Result<Self, MirrorError> {
        let changes = arena.changes(keys)?;
        let mut moments = Self {
            arena,
            name: name.to_owned(),
            pattern: Pattern { text: keys.to_owned() },
            limit,
            changes,
            values: HashMap::new(),
            arriving: HashSet::new(),
            leaving: HashSet::new(),
            removed: VecDeque::new(),
            complete_since: 1,
            position,
        };
        moments.take_in(None)?;
        moments.follow_keys(Instant::now() + LOOK)?;
        // A value that came and went before the keys were looked at is not reported.
        let Self { values, arena, .. } = &mut moments;
        values.retain(|_, held| arena.id_of(&held.value).is_some());
        Ok(moments)
    }

    /// Opens the values of these keys, or of all that fit.
    fn take_in(&mut self, keys: Option<&HashSet<String>>) -> Result<(), MirrorError> {
        for entry in self.arena.iter().filter(|entry| !entry.is_live()) {
            let Some(key) = entry.key() else { continue };
            if !keys.map_or_else(|| self.pattern.fits(key), |keys| keys.contains(key)) {
                continue;
            }
            let Some(value) = self.arena.get(entry.id::<Dyn>())? else { continue };
            let capacity = contents::capacity(&value);
            let held = Held { value, schema: entry.schema().to_owned(), capacity, version: None, tracked: None };
            self.values.insert(key.to_owned(), held);
        }
        Ok(())
    }

    /// Notes which keys were added and removed. Returns whether there were any.
    ///
    /// Each look of the changes at the arena tells of keys first, and then of each value that has changed, once. So when a value
    /// comes for the second time, there was a look since the call, and its keys have come. Values that change all the time are
    /// not waited for.
    fn follow_keys(&mut self, until: Instant) -> Result<bool, MirrorError> {
        let (mut changed, mut has_changed) = (HashSet::new(), false);
        loop {
            match self.changes.next_timeout(Duration::ZERO) {
                Ok(ArenaChange::Added { key }) => drop(self.arriving.insert(key)),
                Ok(ArenaChange::Removed { key }) => {
                    has_changed = true;
                    self.arriving.remove(&key);
                    self.values.remove(&key);
                    self.leaving.insert(key);
                }
                Ok(change) if changed.insert(change.key().to_owned()) => {}
                Ok(_) | Err(Error::TimedOut { .. }) => break,
                Err(error) => return Err(error.into()),
            }
            if Instant::now() > until {
                return Err(late().into());
            }
        }
        if !self.arriving.is_empty() {
            has_changed = true;
            // If this fails, they arrive the next time.
            let arriving = self.arriving.clone();
            self.take_in(Some(&arriving))?;
            self.arriving.clear();
        }
        Ok(has_changed)
    }

    /// Reads the newest moment, if it is another one.
    fn refresh(&mut self) -> Result<Position, MirrorError> {
        let start = Instant::now();
        for attempt in 0.. {
            self.follow_keys(start + LOOK)?;
            let is_between = attempt < TRIES && start.elapsed() < LOOK / 2;
            let copied = if is_between { self.copy_between()? } else { A::freeze(self)? };
            // Keys that have come or gone meanwhile would belong to another moment.
            if let Some(copied) = copied
                && !self.follow_keys(start + LOOK)?
            {
                self.accept(copied);
                break;
            }
            if start.elapsed() > LOOK {
                return Err(late().into());
            }
        }
        Ok(self.position)
    }

    /// Copies the values that have changed since the last moment; `None` if another commit came in between.
    ///
    /// All versions are looked at before and after the copies. If none has moved, all values were as they are now from the last
    /// look before to the first look after the copies, and this is the moment.
    ///
    /// # Errors
    /// `TooLarge` if all values together are larger than the limit. Then none was copied.
    fn copy_between(&self) -> Result<Option<Vec<Copied>>, MirrorError> {
        let before: Vec<_> = self.values.iter().map(|(key, held)| (key, held, held.value.version())).collect();
        if before.len() > VALUES {
            let reason = "an arena is mirrored with a million values at most: publish those of some keys";
            return Err(MirrorError::Unsupported { name: self.name.clone(), reason });
        }
        let mut needed = 0_usize;
        for (_, held, version) in &before {
            needed = needed.saturating_add(held.size(*version)?);
        }
        if needed > self.limit {
            return Err(MirrorError::TooLarge { name: self.name.clone(), needed, limit: self.limit });
        }
        let copied = copy_changed(&before)?;
        let is_moment = before.iter().all(|(_, held, version)| held.value.version() == *version);
        Ok(is_moment.then_some(copied))
    }

    /// Makes the copies the last moment.
    fn accept(&mut self, copied: Vec<Copied>) {
        if copied.is_empty() && self.leaving.is_empty() && self.position.sequence > 0 {
            return;
        }
        let sequence = self.position.sequence + 1;
        for Copied { key, version, bytes } in copied {
            let Some(held) = self.values.get_mut(&key) else { continue };
            held.version = Some(version);
            match (&mut held.tracked, bytes) {
                (Some(tracked), Some(bytes)) => drop(tracked.update(bytes, sequence)),
                (None, Some(bytes)) => {
                    held.tracked = Some(Tracked::new(held.schema.clone(), held.capacity, bytes, sequence));
                }
                (tracked, None) => {
                    if tracked.take().is_some() {
                        self.leaving.insert(key);
                    }
                }
            }
        }
        for key in std::mem::take(&mut self.leaving) {
            if !self.has(&key) {
                self.removed.push_back((sequence, key));
            }
        }
        while self.removed.len() > REMOVED {
            self.complete_since = self.removed.pop_front().map_or(sequence, |(moment, _)| moment);
        }
        self.position.sequence = sequence;
    }

    /// Returns whether the last moment has the key.
    fn has(&self, key: &str) -> bool {
        self.values.get(key).is_some_and(|held| held.tracked.is_some())
    }

    fn news(&self, position: Position, base: Option<u64>) -> News<'_> {
        let mut entries = Vec::new();
        for (key, held) in &self.values {
            let Some(tracked) = &held.tracked else { continue };
            if base.is_none_or(|base| tracked.has_changed(base)) {
                entries.push(Entry { key, bytes: tracked.since(base) });
            }
        }
        let removed = self.removed.iter().filter(|(moment, _)| base.is_some_and(|base| *moment > base));
        // A key that was added again is an entry.
        let removed = removed.map(|(_, key)| &**key).filter(|key| !self.has(key)).collect();
        let shape = Shape::Arena { capacity: self.arena.capacity() as u64 };
        News { position, base, shape, entries, removed }
    }
}

impl<A: Versioned> Held<A> {
    /// Returns the number of bytes of this version, as far as they are copied.
    fn size(&self, version: u64) -> Result<usize, Error> {
        if self.version == Some(version) {
            return Ok(self.tracked.as_ref().map_or(0, |tracked| tracked.bytes.len()));
        }
        Ok(contents::size(&self.value)?.unwrap_or(0))
    }
}

fn copy_changed<A: Versioned>(values: &[(&String, &Held<A>, u64)]) -> Result<Vec<Copied>, Error> {
    let changed = values.iter().filter(|(_, held, version)| held.version != Some(*version));
    let copy = |(key, held, version): &(&String, &Held<A>, u64)| {
        let mut bytes = Vec::new();
        let bytes = match contents::copy(&held.value, &mut bytes) {
            Ok(()) => Some(bytes),
            // One value that cannot be carried must not stop the others.
            Err(Error::Unsupported { .. }) => None,
            Err(error) => return Err(error),
        };
        Ok(Copied { key: (*key).clone(), version: *version, bytes })
    };
    changed.map(copy).collect()
}

/// Access whose handles may be able to stop all commits for the time of a copy.
pub(super) trait Freeze: Versioned {
    /// Copies the values that have changed under the locks of all values.
    fn freeze(moments: &Moments<Self>) -> Result<Option<Vec<Copied>>, MirrorError>
    where
        Self: Sized;
}

impl Freeze for ReadWrite {
    fn freeze(moments: &Moments<Self>) -> Result<Option<Vec<Copied>>, MirrorError> {
        if moments.values.len() > LOCKS {
            return Err(late().into());
        }
        moments.arena.try_transaction_timeout(PATIENCE, |transaction| {
            for held in moments.values.values() {
                drop(transaction.lock(&held.value)?);
            }
            moments.copy_between()
        })
    }
}

impl Freeze for ReadOnly {
    fn freeze(_: &Moments<Self>) -> Result<Option<Vec<Copied>>, MirrorError> {
        Err(late().into())
    }
}

fn late() -> Error {
    Error::TimedOut { awaited: "a moment without commits".to_owned() }
}
