//! Live values in arenas.

use crate::arena::{Arena, Id, Key};
use crate::cell::Guarding;
use crate::error::Error;
use crate::format::OneSlot;
use crate::handle::access::Access;
use crate::handle::initial::Initial;
use crate::handle::options::Options;
use crate::live::{Live, Plain};
use crate::lock::LockKind;

/// In an arena: one file, one mapping and one descriptor for any number of values.
impl<C: Plain + ?Sized> Live<C> {
    /// Adds a value without a key to an arena.
    ///
    /// The value stays in the arena when its last handle is dropped: [remove](Arena::remove) it by its [`id`](Self::id). If no
    /// process has a handle then, its space is free at once.
    ///
    /// # Errors
    /// The errors of [`Arena::alloc`].
    ///
    /// ```
    /// use shared_value::{Arena, Live};
    ///
    /// let arena = Arena::new(1 << 20)?;
    /// let count = Live::alloc(&arena, 7_i64)?;
    /// count.update(|count| *count += 1)?;
    ///
    /// // In another process.
    /// let same = Live::<i64>::open(count.token()?)?;
    /// assert_eq!(same.get(), 8);
    /// # drop(same);
    ///
    /// if let Some(id) = count.id() {
    ///     drop(count);
    ///     arena.remove(id)?;
    /// }
    /// assert_eq!((arena.len(), arena.stats().removed), (0, 0));
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn alloc<'a>(arena: &Arena, initial: impl Into<Initial<'a, C>>) -> Result<Self, Error> {
        Self::options().alloc(arena, initial)
    }
}

impl<C: Plain + ?Sized> Options<Live<C>> {
    /// Adds a value without a key to an arena, as [`Live::alloc`] does. Of the options, [`non_recursive`](Self::non_recursive)
    /// counts.
    ///
    /// # Errors
    /// The errors of [`Arena::alloc`]; `Unsupported` with a lock kind other than the native one.
    pub fn alloc<'a>(&self, arena: &Arena, initial: impl Into<Initial<'a, C>>) -> Result<Live<C>, Error> {
        self.add(arena, None, &initial.into())
    }

    /// Adds a value under a new key to an arena. Of the options, [`non_recursive`](Self::non_recursive) counts.
    ///
    /// # Errors
    /// The errors of [`Arena::insert`]; `Unsupported` with a lock kind other than the native one.
    ///
    /// ```
    /// use shared_value::{Arena, Live};
    ///
    /// let arena = Arena::new(1 << 20)?;
    /// let primes = Live::<[u32]>::options().insert(&arena, "primes", &[2, 3, 5])?;
    /// let found = Live::<[u32], _>::find(&arena, "primes")?.expect("it is there");
    /// assert_eq!(found.parts().to_vec()?, [2, 3, 5]);
    /// assert_eq!(found.as_ptr(), primes.as_ptr());
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn insert<'a>(&self, arena: &Arena, key: &str, initial: impl Into<Initial<'a, C>>) -> Result<Live<C>, Error> {
        self.add(arena, Some(key), &initial.into())
    }

    fn add(&self, arena: &Arena, key: Option<&str>, initial: &Initial<'_, C>) -> Result<Live<C>, Error> {
        let is_recursive = match self.guarding() {
            Guarding::Own(LockKind::Native) => true,
            Guarding::OwnOnce(LockKind::Native) => false,
            _ => return Err(Error::Unsupported { what: "the locks of an arena's values are native" }),
        };
        arena.add::<OneSlot<C>>(key, &initial.0, is_recursive).map(Live::of)
    }
}

impl<C: Plain + ?Sized, A: Access> Live<C, A> {
    /// Returns the live value with a key or an id in an arena, if there is such a value.
    ///
    /// # Errors
    /// `InvalidSegment` if the value is not a live value; the errors of [`Arena::get`].
    ///
    /// ```
    /// use shared_value::{Arena, Live, Source};
    ///
    /// let arena = Arena::new(1 << 20)?;
    /// let id = Live::alloc(&arena, 7_i64)?.id().expect("it lies in an arena");
    ///
    /// // In a process that got the descriptor of the arena, and the number of the id.
    /// let same = Arena::open(Source::descriptor(&arena.as_fd()?))?;
    /// let value = Live::find(&same, id)?.expect("it was not removed");
    /// assert_eq!(value.get(), 7);
    /// assert!(arena.get(id).is_err(), "it is not a `Synchronized`");
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn find<'k>(arena: &Arena<A>, key: impl Into<Key<'k, C>>) -> Result<Option<Self>, Error> {
        Ok(arena.open_cell(key.into().sought())?.map(Self::of))
    }
}

impl<C: Plain + ?Sized, A> Live<C, A> {
    /// Returns the id of the value in its arena; `None` if it is a segment of its own. The value may have been removed meanwhile.
    pub fn id(&self) -> Option<Id<C>> {
        Id::of_number(self.cell.number())
    }
}
