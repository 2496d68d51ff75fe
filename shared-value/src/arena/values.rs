//! `ArenaValues`: what can be done with the values in an arena.

use std::fmt;
use std::mem::offset_of;
use std::sync::Arc;

use crate::heap::directory::Directory;
use crate::arena::editor::{Editor, usize_of};
use crate::heap::blocks::{Heap, State, Trailer, block_length};
use crate::heap::id::ValueId;
use crate::heap::type_entry::TypeEntry;
use crate::heap::table::hash;
use crate::arena::{MAX_KEY, table};
use crate::array::{Elements, SharedArray};
use crate::cell::parts::Parts;
use crate::cell::{Cell, Recognized, open_or_else};
use crate::error::{Error, valid};
use crate::format::Described;
use crate::format::contents::{Contents, Typed};
use crate::handle::access::{Access, ReadWrite};
use crate::handle::shared::Shared;
use crate::handle::synchronized::Synchronized;
use crate::layout::SharedValue;
use crate::segment::Segment;

/// The values in an [`Arena`](crate::Arena).
///
/// Looking up takes no lock and the same time however many there are. What adds or removes takes the lock of the arena, not
/// those of its values.
pub struct ArenaValues<A = ReadWrite> {
    pub(super) directory: Synchronized<Directory, A>,
}

impl<A> Clone for ArenaValues<A> {
    fn clone(&self) -> Self {
        Self { directory: self.directory.clone() }
    }
}

impl<A: Access> fmt::Debug for ArenaValues<A> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Arena")
            .field("name", &self.segment_name())
            .field("used", &self.used())
            .field("capacity", &self.capacity())
            .finish_non_exhaustive()
    }
}

impl ArenaValues {
    /// A new value under a key.
    ///
    /// It is there as a whole or not at all, whenever the process dies.
    ///
    /// # Errors
    /// - `AlreadyExists` if the arena has such a key.
    /// - `InvalidName` if the key is empty or longer than 255 bytes, or contains a NUL.
    /// - `ArenaFull`; `Io` if the system has no memory left.
    pub fn create<T: SharedValue>(&self, key: &str, value: T) -> Result<Synchronized<T>, Error> {
        self.make(Some(key), size_of::<T>(), |parts| parts.initialize(&value)).map(Synchronized::of)
    }

    /// As [`create`](Self::create), of a copy of a value that stays where it is: for types that are too large for the stack.
    ///
    /// ```
    /// use shared_value::Arena;
    ///
    /// let arena = Arena::anonymous(1 << 26)?;
    /// let frame: Box<[u64; 1 << 20]> = vec![7; 1 << 20].try_into().expect("it is as long");
    /// let shared = arena.create_from("frame", &*frame)?;
    /// assert_eq!(shared.at(1_000_000), 7);
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn create_from<T: SharedValue>(&self, key: &str, value: &T) -> Result<Synchronized<T>, Error> {
        self.make(Some(key), size_of::<T>(), |parts| parts.initialize(value)).map(Synchronized::of)
    }

    /// The value under a key, created if there is none. Of many who call this at once, one creates.
    ///
    /// # Errors
    /// As [`open`](Self::open) and [`create`](Self::create).
    pub fn open_or_create<T: SharedValue>(&self, key: &str, value: T) -> Result<Synchronized<T>, Error> {
        open_or_else(|| self.open(key), || self.create(key, value))
    }

    /// A new value without a key, which is found by its [id](Self::id_of), or through this handle and its clones alone.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn value<T: SharedValue>(&self, value: T) -> Result<Synchronized<T>, Error> {
        self.make(None, size_of::<T>(), |parts| parts.initialize(&value)).map(Synchronized::of)
    }

    /// A new array under a key, of a slice or of so many equal elements.
    ///
    /// ```
    /// use shared_value::Arena;
    ///
    /// let arena = Arena::anonymous(1 << 20)?;
    /// let prices = arena.create_array::<f64>("prices", 100)?;
    /// prices.write(10, &[1.5, 2.5])?;
    /// assert_eq!(arena.open_array::<f64>("prices")?.get(11), 2.5);
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`create`](Self::create); `InvalidBits` if it is to hold zeros, which are not a `T`.
    pub fn create_array<'a, T: SharedValue>(
        &self,
        key: &str,
        elements: impl Into<Elements<'a, T>>,
    ) -> Result<SharedArray<T>, Error> {
        self.make_array(Some(key), elements.into())
    }

    /// The array under a key, created if there is none.
    ///
    /// # Errors
    /// As [`open_array`](Self::open_array) and [`create_array`](Self::create_array).
    pub fn open_or_create_array<'a, T: SharedValue>(
        &self,
        key: &str,
        elements: impl Into<Elements<'a, T>>,
    ) -> Result<SharedArray<T>, Error> {
        let elements = elements.into();
        open_or_else(|| self.open_array(key), || self.make_array(Some(key), elements))
    }

    /// A new array without a key.
    ///
    /// # Errors
    /// As [`create_array`](Self::create_array).
    pub fn array<'a, T: SharedValue>(&self, elements: impl Into<Elements<'a, T>>) -> Result<SharedArray<T>, Error> {
        self.make_array(None, elements.into())
    }

    fn make_array<T: SharedValue>(
        &self,
        key: Option<&str>,
        elements: Elements<'_, T>,
    ) -> Result<SharedArray<T>, Error> {
        let shape = elements.shape()?;
        let cell = self.make::<[T]>(key, shape.size, |parts| elements.write(parts))?;
        Ok(SharedArray::from(Synchronized::of(cell)))
    }

    /// Takes the key away, and with it the value, as [`unlink`](crate::unlink) does: whoever has it open goes on with it.
    ///
    /// Its space is used again when the arena is opened by a process while no other has it open. Nobody can tell before
    /// whether all who had the value are gone: they may have been killed.
    ///
    /// # Errors
    /// `NotFound`.
    ///
    /// ```
    /// use shared_value::Arena;
    ///
    /// let arena = Arena::anonymous(1 << 20)?;
    /// let value = arena.create("key", 1)?;
    /// arena.remove("key")?;
    /// assert!(!arena.contains("key"));
    /// assert_eq!((value.get(), arena.create("key", 2)?.get()), (1, 2));
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn remove(&self, key: &str) -> Result<(), Error> {
        let editor = self.edit()?;
        let found = self.find(key).ok_or_else(|| self.not_found(key))?;
        editor.heap.set_state(&found, State::Removed);
        Ok(())
    }

    /// Removes the value of an id, with its key if it has one, as [`remove`](Self::remove).
    ///
    /// # Errors
    /// `NotFound`.
    pub fn remove_at(&self, id: ValueId) -> Result<(), Error> {
        let editor = self.edit()?;
        let found = self.find_at(id).ok_or_else(|| self.not_found(id))?;
        editor.heap.set_state(&found, State::Removed);
        Ok(())
    }

    /// Takes the lock of all that adds or removes.
    pub(super) fn edit(&self) -> Result<Editor<'_>, Error> {
        Editor::new(self.segment(), self.directory.lock()?)
    }

    /// Makes a cell for contents of so many bytes, which the closure writes, and only then lets others find it.
    pub(super) fn make<C: Typed + ?Sized>(
        &self,
        key: Option<&str>,
        size: usize,
        initialize: impl FnOnce(&Parts<'_, C>),
    ) -> Result<Cell<C>, Error> {
        let key_length = key.map_or(Ok(0), check_key)?;
        let mut editor = self.edit()?;
        if let Some(key) = key {
            if self.find(key).is_some() {
                return Err(Error::AlreadyExists { name: self.name_of(key) });
            }
            editor.make_place()?;
        }
        let facts = C::facts(size).ok_or_else(|| self.lost(0))?;
        let shape = C::shape(&facts);
        let kind = editor.kind::<C>(shape.atomics)?;
        let length = shape.checked_length().and_then(|length| block_length(length, key_length));
        let taken = editor.take(length.unwrap_or(usize::MAX))?;
        let block = Trailer { kind, size, key: key.map_or(0, hash) << 32 | key_length as u64, ..taken };
        editor.heap.write_trailer(&block);
        let cell = self.cell_in(&block, facts)?;
        cell.initialize(initialize);
        if let Some(key) = key {
            editor.heap.write_key(&block, key);
            editor.insert(key, &block)?;
        }
        editor.heap.set_state(&block, State::Live);
        Ok(cell)
    }
}

impl<A> ArenaValues<A> {
    pub(crate) fn of(directory: Synchronized<Directory, A>) -> Self {
        Self { directory }
    }
}

impl<A: Access> ArenaValues<A> {
    /// The value under a key: a `T`, or of an array whose length is known when the program runs, a `[T]`, of which
    /// [`open_array`](Self::open_array) makes a [`SharedArray`].
    ///
    /// # Errors
    /// `NotFound`; `LayoutMismatch`, which names the field that differs, if it is of another type.
    #[inline]
    pub fn open<T: Shared + ?Sized>(&self, key: &str) -> Result<Synchronized<T, A>, Error> {
        let found = self.find(key).ok_or_else(|| self.not_found(key))?;
        self.cell(&found, || self.name_of(key)).map(Synchronized::of)
    }

    /// The value of an id.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    #[inline]
    pub fn at<T: Shared + ?Sized>(&self, id: ValueId) -> Result<Synchronized<T, A>, Error> {
        self.cell_at(id).map(Synchronized::of)
    }

    #[inline]
    pub(crate) fn cell_at<C: Typed + ?Sized>(&self, id: ValueId) -> Result<Cell<C>, Error> {
        let found = self.find_at(id).ok_or_else(|| self.not_found(id))?;
        self.cell(&found, || self.name_of(id))
    }

    /// The array under a key, of whatever length.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_array<T: SharedValue>(&self, key: &str) -> Result<SharedArray<T, A>, Error> {
        self.open::<[T]>(key).map(SharedArray::from)
    }

    /// The array of an id.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn array_at<T: SharedValue>(&self, id: ValueId) -> Result<SharedArray<T, A>, Error> {
        self.at::<[T]>(id).map(SharedArray::from)
    }

    /// Whether there is a value under this key.
    pub fn contains(&self, key: &str) -> bool {
        self.find(key).is_some()
    }

    /// The id by which the value is found in its arena; `None` if it does not lie in this one, or was removed.
    pub fn id_of<T: Shared + ?Sized, B: Access>(&self, value: &Synchronized<T, B>) -> Option<ValueId> {
        let is_here = value.cell.segment().identity() == self.segment().identity() && value.cell.number() != 0;
        let id = ValueId::from_bits(value.cell.number());
        (is_here && self.find_at(id).is_some()).then_some(id)
    }

    /// All values, those with keys and those without, the newest first, as they are when each is reached.
    ///
    /// ```
    /// use shared_value::Arena;
    ///
    /// let arena = Arena::anonymous(1 << 20)?;
    /// arena.create("one", 1_u8)?;
    /// arena.value([1.0, 2.0])?;
    /// let types: Vec<_> = arena.values().map(|value| value.type_name().to_owned()).collect();
    /// assert_eq!(types, ["[f64; 2]", "u8"]);
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn values(&self) -> impl Iterator<Item = Stored> {
        let heap = self.heap();
        let directory = self.directory.load().unwrap_or(Directory::EMPTY);
        heap.blocks(usize_of(directory.cursor), usize_of(directory.newest))
            .filter(|block| block.state == State::Live && block.kind != 0)
            .filter_map(move |block| {
                Some(Stored {
                    key: heap.key(&block),
                    id: ValueId::of(&block),
                    schema: TypeEntry::at(heap, block.kind)?.schema()?,
                    size: block.size,
                })
            })
    }

    /// The keys, with what is under them, the newest first.
    pub fn keys(&self) -> impl Iterator<Item = Stored> {
        self.values().filter(|value| value.key().is_some())
    }

    /// How many bytes it can hold, with everything that belongs to its values.
    pub fn capacity(&self) -> usize {
        self.heap().capacity()
    }

    /// How many of them are taken.
    pub fn used(&self) -> usize {
        let cursor = valid(self.directory_word(offset_of!(Directory, cursor)));
        usize_of(cursor).saturating_sub(self.heap().start())
    }

    /// The name or path of the segment, `(anonymous)` if it has none.
    pub fn segment_name(&self) -> &str {
        self.directory.segment_name()
    }

    /// The memory of the arena.
    pub(super) fn segment(&self) -> &Arc<Segment> {
        self.directory.cell.shared_segment()
    }

    /// Where the newest record of transactions lies.
    pub(super) fn newest_record(&self) -> Result<u64, Error> {
        self.directory_word(offset_of!(Directory, records))
    }

    pub(super) fn heap(&self) -> Heap<'_> {
        Heap::of(self.segment())
    }

    #[inline]
    fn directory_word(&self, offset: usize) -> Result<u64, Error> {
        A::field(&self.directory.cell, offset).check_in::<Directory>(offset)
    }

    #[inline]
    pub(super) fn find(&self, key: &str) -> Option<Trailer> {
        let heap = self.heap();
        let table = table(heap, self.directory_word(offset_of!(Directory, table)).ok()?)?;
        table
            .candidates(hash(key))
            .filter_map(|place| heap.trailer(place.trailer()))
            .find(|trailer| trailer.state == State::Live && heap.has_key(trailer, key))
    }

    #[inline]
    pub(super) fn find_at(&self, id: ValueId) -> Option<Trailer> {
        self.heap().trailer(id.trailer()).filter(|trailer| {
            trailer.state == State::Live && trailer.kind != 0 && trailer.generation == id.generation()
        })
    }

    /// The cell in a block, if it holds what the type says.
    #[inline]
    pub(super) fn cell<C: Typed + ?Sized>(&self, block: &Trailer, name: impl Fn() -> String) -> Result<Cell<C>, Error> {
        let kind = TypeEntry::at(self.heap(), block.kind).ok_or_else(|| self.lost(block.at))?;
        let described =
            Described { name: &name, fingerprint: kind.fingerprint, schema: &|| kind.schema(), size: block.size };
        self.cell_in(block, C::in_arena(&described)?)
    }

    /// The cell with these facts in a block.
    #[inline]
    pub(super) fn cell_in<C: Contents + ?Sized>(&self, block: &Trailer, facts: C::Facts) -> Result<Cell<C>, Error> {
        cell_in(self.segment(), block, facts).ok_or_else(|| self.lost(block.at))
    }

    #[cold]
    fn not_found(&self, key: impl fmt::Display) -> Error {
        Error::NotFound { name: self.name_of(key) }
    }

    pub(super) fn name_of(&self, key: impl fmt::Display) -> String {
        format!("{key} in {}", self.segment_name())
    }

    /// A block is not as it was made: somebody has written over it.
    #[cold]
    pub(super) fn lost(&self, at: usize) -> Error {
        Error::InvalidSegment {
            name: self.segment_name().to_owned(),
            field: "block",
            expected: format!("a cell of its kind before the trailer at {at}"),
            found: "something else".to_owned(),
        }
    }
}

/// The cell with these facts in a block, if there is room for it before the key.
#[inline]
pub(super) fn cell_in<C: Contents + ?Sized>(
    segment: &Arc<Segment>,
    block: &Trailer,
    facts: C::Facts,
) -> Option<Cell<C>> {
    Cell::within(segment, block.start, facts, block.payload_end(), ValueId::of(block).to_bits())
}

/// The length of a key, if it can be one.
fn check_key(key: &str) -> Result<usize, Error> {
    let reason = match key.len() {
        0 => "a key in an arena is not empty",
        // A trailer has zeros among its bytes, so no text without them can pass for one: a key lies where `id_of` looks.
        _ if key.contains('\0') => "a key in an arena contains no NUL",
        1..=MAX_KEY => return Ok(key.len()),
        _ => "a key in an arena has at most 255 bytes",
    };
    Err(Error::InvalidName { name: key.escape_debug().to_string(), reason })
}

/// A value of an arena, as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    key: Option<String>,
    id: ValueId,
    schema: String,
    size: usize,
}

impl Stored {
    /// Its key, if it has one.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Its id, by which it is opened most quickly.
    pub fn id(&self) -> ValueId {
        self.id
    }

    /// What it is, as text: the name of the type, then a line for each field.
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// The name of its type.
    pub fn type_name(&self) -> &str {
        self.schema.lines().next().unwrap_or_default()
    }

    /// Its bytes.
    pub fn size(&self) -> usize {
        self.size
    }
}
