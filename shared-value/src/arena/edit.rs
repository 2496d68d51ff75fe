//! Adding, replacing and removing the values of an arena, one at a time.

use std::mem::offset_of;

use crate::arena::editor::Editor;
use crate::arena::id::Id;
use crate::arena::key::{AnyKey, Sought, check_key};
use crate::arena::map::Arena;
use crate::cell::{Cell, Recognized};
use crate::error::Error;
use crate::handle::initial::Initial;
use crate::handle::initialize::Initialize;
use crate::handle::shared::Shared;
use crate::handle::synchronized::Synchronized;
use crate::heap::{BlockId, Change, Directory, Trailer, claim, hash};
use crate::hold::scoped::ScopedHold;
use crate::lock::{Refusal, Wait};
use crate::sys::memory::expect_available;

/// Adding, replacing and removing.
impl Arena {
    /// Adds a value under a new key.
    ///
    /// The value may be a `T`, an array, or of a type that only its layout describes; see [`Initial`]. A process that is
    /// killed during the call has added all of the value or nothing.
    ///
    /// # Errors
    /// - `AlreadyExists` if there is a value with this key.
    /// - `InvalidName` if the key is empty, is longer than 255 bytes, or contains a NUL.
    /// - `ArenaFull`; `Io` if the system has no memory left; the errors of [`Synchronized::new`].
    ///
    /// ```
    /// use shared_value::{Arena, Filled};
    ///
    /// let arena = Arena::new(1 << 20)?;
    /// let count = arena.insert("count", 0_u64)?;
    /// let prices = arena.insert("prices", Filled(0.5, 100))?;
    /// count.set(100)?;
    /// assert_eq!(prices.at(99), 0.5);
    /// assert!(arena.insert("count", 0_u64).is_err());
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn insert<'a, C: Shared + ?Sized>(
        &self,
        key: &str,
        initial: impl Into<Initial<'a, C>>,
    ) -> Result<Synchronized<C>, Error> {
        self.insert_new(key, &initial.into())
    }

    /// Adds a value without a key, and returns its id.
    ///
    /// # Errors
    /// `ArenaFull`; `Io` if the system has no memory left; the errors of [`Synchronized::new`].
    ///
    /// ```
    /// use shared_value::Arena;
    ///
    /// let arena = Arena::new(1 << 20)?;
    /// let first = arena.alloc([0.5, 1.5])?;
    /// let known = arena.insert("first", first)?;
    /// assert_eq!(arena.get(known.get())?.map(|value| value.at(1)), Some(1.5));
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn alloc<'a, C: Shared + ?Sized>(&self, initial: impl Into<Initial<'a, C>>) -> Result<Id<C>, Error> {
        let cell = self.add::<C>(None, &initial.into().0, true)?;
        Ok(Id::of(BlockId::from_bits(cell.number())))
    }

    /// Returns the value of a key, and adds it if it is missing. If many threads and processes call this at once, one of
    /// them adds the value. The closure may be called even if another thread adds the value first.
    ///
    /// If other threads remove the key and add it again each time in between, it tries again, without a limit.
    ///
    /// # Errors
    /// The errors of [`get`](Self::get) and [`insert`](Self::insert).
    ///
    /// ```
    /// use shared_value::Arena;
    ///
    /// let arena = Arena::new(1 << 20)?;
    /// for _ in 0..3 {
    ///     arena.get_or_insert_with("count", || 0_u64)?.update(|count| *count += 1)?;
    /// }
    /// assert_eq!(arena.get::<u64>("count")?.map(|count| count.get()), Some(3));
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn get_or_insert_with<'a, C: Shared + ?Sized, I: Into<Initial<'a, C>>>(
        &self,
        key: &str,
        initial: impl FnOnce() -> I,
    ) -> Result<Synchronized<C>, Error> {
        if let Some(found) = self.get(key)? {
            return Ok(found);
        }
        let initial = initial().into();
        loop {
            match self.insert_new(key, &initial) {
                Err(Error::AlreadyExists { .. }) => {}
                inserted => return inserted,
            }
            if let Some(found) = self.get(key)? {
                return Ok(found);
            }
        }
    }

    /// Puts a new value under a key, and removes the value that was there, if there was one.
    ///
    /// It is one step: at every moment the key refers to the old value or to the new one, even if this process is killed.
    /// Open handles of the old value keep the old value.
    ///
    /// # Errors
    /// `InvalidName`, `ArenaFull`, `Io`, as for [`insert`](Self::insert). Nothing was changed.
    ///
    /// ```
    /// use shared_value::Arena;
    ///
    /// let arena = Arena::new(1 << 20)?;
    /// let old = arena.insert("prices", vec![1.5, 2.5])?;
    /// let new = arena.replace("prices", vec![1.5, 2.5, 3.5])?;
    /// assert_eq!((old.len(), new.len()), (2, 3));
    /// assert_eq!(arena.get::<[f64]>("prices")?.map(|prices| prices.len()), Some(3));
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn replace<'a, C: Shared + ?Sized>(
        &self,
        key: &str,
        initial: impl Into<Initial<'a, C>>,
    ) -> Result<Synchronized<C>, Error> {
        let initial = initial.into();
        check_key(key)?;
        self.edit(|editor| {
            let (block, cell) = make::<C>(editor, Some(key), &initial.0, true)?;
            let old = editor.find(key).map(|old| Change::Remove(old.at));
            let changes: Vec<_> = [Change::Add(block.at)].into_iter().chain(old).collect();
            editor.change(&changes, &[(hash(key), block.at)], None, || {})?;
            Ok(Synchronized::of(cell))
        })
    }

    /// Removes the value of a key or an id. Returns whether there was one.
    ///
    /// As with [`unlink`](crate::unlink), open handles keep the value, in this process and in others. Its space is used again as
    /// soon as no handle of it is open; a process that was killed has none.
    ///
    /// # Errors
    /// The errors of [`Synchronized::lock`].
    ///
    /// ```
    /// use shared_value::Arena;
    ///
    /// let arena = Arena::new(1 << 20)?;
    /// let value = arena.insert("key", 1)?;
    /// assert!(arena.remove("key")? && !arena.remove("key")?);
    /// let next = arena.insert("key", 2)?;
    /// assert_eq!((value.get(), next.get()), (1, 2));
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn remove<'k>(&self, key: impl Into<AnyKey<'k>>) -> Result<bool, Error> {
        let sought = key.into().0;
        self.edit(|editor| {
            let Some(found) = self.find(sought) else { return Ok(false) };
            editor.change(&[Change::Remove(found.at)], &[], None, || {})?;
            Ok(true)
        })
    }

    fn insert_new<C: Shared + ?Sized>(&self, key: &str, initial: &Initial<'_, C>) -> Result<Synchronized<C>, Error> {
        self.add(Some(key), &initial.0, true).map(Synchronized::of)
    }

    /// Adds a value, under a new key if there is one; see [`make`].
    pub(crate) fn add<C: Initialize + Recognized + ?Sized>(
        &self,
        key: Option<&str>,
        source: &C::Source<'_>,
        is_recursive: bool,
    ) -> Result<Cell<C>, Error> {
        key.map(check_key).transpose()?;
        self.edit(|editor| {
            if let Some(key) = key.filter(|key| editor.find(key).is_some()) {
                return Err(self.taken(key));
            }
            let (block, cell) = make(editor, key, source, is_recursive)?;
            let hashes = key.map(|key| (hash(key), block.at));
            editor.change(&[Change::Add(block.at)], hashes.as_slice(), None, || {})?;
            Ok(cell)
        })
    }

    /// Returns the error for a key that exists already.
    #[cold]
    pub(super) fn taken(&self, key: &str) -> Error {
        Error::AlreadyExists { name: self.name_of(Sought::Key(key)) }
    }

    /// Looks which processes are gone, if there may soon be no free claim slot. Does nothing while another thread adds or
    /// removes: that looks too, from time to time.
    pub(super) fn clear_slots(&self) {
        let is_used = self.directory_word(offset_of!(Directory, allocated)) != 0;
        if is_used
            && claim::begin(self.segment()).is_ok()
            && self.segment().is_short_of_slots()
            && let Ok(_hold) = ScopedHold::acquire(&self.directory, Wait::Never)
        {
            self.segment().clear_slots();
        }
    }

    /// Adds or removes blocks under the lock of the directory.
    ///
    /// This is always the last lock that a thread takes: nothing that runs under it waits for another lock. So a thread may
    /// add and remove while it holds any other locks.
    pub(super) fn edit<R>(&self, work: impl FnOnce(&mut Editor<'_>) -> Result<R, Error>) -> Result<R, Error> {
        self.edit_within(Wait::Forever, work)
    }

    /// Adds or removes blocks as `edit` does, or gives up when the wait for the lock is over.
    ///
    /// # Errors
    /// `AlreadyHeld` if this thread is adding or removing already, and its allocator calls this: the changes of one would
    /// overwrite those of the other.
    pub(super) fn edit_within<R>(
        &self,
        wait: Wait,
        work: impl FnOnce(&mut Editor<'_>) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let hold = ScopedHold::acquire(&self.directory, wait).map_err(|refusal| match refusal {
            Refusal::WouldBlock | Refusal::TimedOut => late(&format!("the lock of `{}`", self.segment_name())),
            other => other.into(),
        })?;
        if !hold.is_only() {
            return Err(Refusal::AlreadyHeld.into());
        }
        let mut editor = Editor::new(&self.directory)?;
        let result = work(&mut editor)?;
        editor.sweep();
        Ok(result)
    }
}

/// Returns the error for a wait that is over.
#[cold]
pub(super) fn late(awaited: &str) -> Error {
    Error::TimedOut { awaited: awaited.to_owned() }
}

/// Makes a block that holds a value from this source; see [`Editor::make`].
pub(super) fn make<C: Initialize + Recognized + ?Sized>(
    editor: &mut Editor<'_>,
    key: Option<&str>,
    source: &C::Source<'_>,
    is_recursive: bool,
) -> Result<(Trailer, Cell<C>), Error> {
    let facts = C::facts_of(source)?;
    let is_zeroed = C::is_zeroed(source);
    if !is_zeroed {
        let size = C::shape(&facts).size;
        expect_available(size as u64).map_err(|error| Error::io(format!("write a value of {size} bytes"), error))?;
    }
    editor.make(key, &facts, is_recursive, |cell| {
        // The memory of a block is zeros.
        if !is_zeroed {
            cell.initialize(|parts| C::write(source, parts));
        }
    })
}
