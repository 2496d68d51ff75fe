//! `DynValue`: the handle of a value whose type the program does not know.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use crate::cell::Cell;
use crate::copy::{Alone, AmongOthers, load_into, store_from};
use crate::dynamic::decode::decode;
use crate::dynamic::encode::encode;
use crate::dynamic::guard::DynGuard;
use crate::dynamic::path::Place;
use crate::dynamic::scalar::{bits, put};
use crate::dynamic::{DynData, DynLayout, DynParts, limit};
use crate::error::Error;
use crate::format::RequiredLock;
use crate::format::contents::Untyped;
use crate::hold::Hold;
use crate::hold::read;
use crate::lock::{LockState, Wait};
use crate::protocol::atomics::{AtomicU64, Ordering};

/// A value in shared memory of which the program knows nothing: what it is says the schema in its segment.
///
/// It reads and writes under the same lock and by the same commits as the [`Synchronized`](crate::Synchronized) of programs
/// that know the type: readers see committed values only, a change of several fields is one commit, and a process that is
/// killed leaves what was committed before. Parts are named by paths such as `limits[2]` or `corners[1].x`; the empty path is
/// the whole value. What a part can hold, and what it can be written from, says [`DynData`].
///
/// Any value can be read. What can be written depends on what guards it, which the segment says:
///
/// | guarded by | [`open`](Self::open) | [`open_read_only`](Self::open_read_only) |
/// |---|---|---|
/// | a lock of its own | reads and writes | reads |
/// | nothing ([`Unlocked`](crate::Unlocked)) | reads and writes words at once, as they are; has no lock to take | reads words as they are |
/// | a pthread mutex | `InvalidSegment`, unless [`Options::lock_kind`](crate::Options::lock_kind) says so: see [`Options::open_dyn`](crate::Options::open_dyn) | reads |
/// | a lock object | `InvalidSegment`, unless [`Options::lock`](crate::Options::lock) gives it | reads |
///
/// The schema is not trusted: one that does not describe exactly the memory that is there is `InvalidSegment`. What is read
/// is checked, as it is in programs that know the type. No more than 64 MiB, and no more than 4 million numbers, texts and the
/// like, are read or written at once; parts of larger values can be.
///
/// ```
/// use shared_value::{DynData, DynValue, SharedValue};
///
/// #[derive(SharedValue, Clone, Copy)]
/// #[repr(u8)]
/// enum State { Open, Frozen }
///
/// #[derive(SharedValue, Clone, Copy)]
/// #[repr(C)]
/// struct Account { balance: i64, limits: [u32; 3], state: State }
///
/// # let name = format!("shared-value-doc-dyn-{}", std::process::id());
/// let account =
///     SynchronizedAccount::create(&name, Account { balance: 100, limits: [1, 2, 3], state: State::Open })?;
///
/// // A program that has never heard of accounts.
/// let value = DynValue::open(&name)?;
/// assert_eq!(value.to_string(), "Account { balance: 100, limits: [1, 2, 3], state: Open }");
/// for field in value.fields() {
///     println!("{}: {} = {}", field.path(), field.layout().type_text(), value.get(field.path())?);
/// }
/// value.set("state", "Frozen")?;
/// value.set("limits[2]", 30_u64)?;
/// value.update("balance", |balance| *balance = DynData::from(balance.as_i64().unwrap_or(0) + 1))?;
/// assert_eq!((account.balance(), account.limits()), (101, [1, 2, 30]));
/// assert!(value.set("limits[2]", -1_i64).is_err());
/// # shared_value::unlink(&name)?;
/// # Ok::<(), shared_value::Error>(())
/// ```
#[derive(Clone)]
pub struct DynValue {
    pub(super) cell: Cell<Untyped>,
    pub(super) layout: Arc<DynLayout>,
    access: Access,
}

/// What a handle may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    ReadWrite,
    ReadOnly,
    /// There are no versions, and no lock.
    Unlocked,
    UnlockedReadOnly,
}

impl DynValue {
    /// A cell whose shape was made of this layout.
    pub(crate) fn for_writing(cell: Cell<Untyped>, layout: DynLayout) -> Self {
        let access = if is_locked(&cell) { Access::ReadWrite } else { Access::Unlocked };
        Self { cell, layout: Arc::new(layout), access }
    }

    /// The same, in memory that is mapped for reading.
    pub(crate) fn for_reading(cell: Cell<Untyped>, layout: DynLayout) -> Self {
        let access = if is_locked(&cell) { Access::ReadOnly } else { Access::UnlockedReadOnly };
        Self { cell, layout: Arc::new(layout), access }
    }

    /// What the value is. An array whose length only the segment knows is a [`DynKind::Array`](crate::DynKind::Array) here.
    pub fn layout(&self) -> &DynLayout {
        &self.layout
    }

    /// Every part that has a path; see [`DynLayout::fields`].
    pub fn fields(&self) -> DynParts<'_> {
        self.layout.fields()
    }

    /// One part: what this thread has written if it holds the lock, or else what is committed. Takes no lock.
    ///
    /// # Errors
    /// - `NoSuchPart` if the path leads nowhere; `Unsupported` if the part is too large.
    /// - `InvalidBits` if a process wrote something that is not a value of the part's type.
    pub fn get(&self, path: &str) -> Result<DynData, Error> {
        let place = self.place(path)?;
        decode(place, path, &self.copy(place, |copy| self.read(copy)))
    }

    /// The whole value. The fields belong to one version, but for the atomic fields, each of which is as it was at some
    /// moment during the call.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn load(&self) -> Result<DynData, Error> {
        self.get("")
    }

    /// Changes one part, or with the empty path the whole value but for its atomic fields, which may be left out. If this
    /// thread holds no guard, the change is committed at once. An atomic field is changed without the lock.
    ///
    /// # Errors
    /// - `WrongData` if the part cannot hold that, and as [`get`](Self::get). Nothing was changed.
    /// - `Unsupported` if the value was opened for reading.
    /// - As [`Synchronized::update`](crate::Synchronized::update).
    pub fn set(&self, path: &str, data: impl Into<DynData>) -> Result<(), Error> {
        self.check_writable()?;
        let place = self.place(path)?;
        let bytes = encode(place, path, &data.into())?;
        if let Some(number) = place.atomic {
            self.cell.atomic(number).store(bits(&bytes), Ordering::Release);
        } else if self.access == Access::Unlocked {
            store_from::<AmongOthers>(self.cell.slots().first(), place.offset, &bytes);
        } else {
            self.cell.locked(|hold| {
                hold.change_through(&range(place), |slot| store_from::<Alone>(slot, place.offset, &bytes));
                Ok::<_, Error>(())
            })?;
        }
        Ok(())
    }

    /// Lets the closure change one part, or with the empty path the whole value but for its atomic fields, under the lock. If
    /// this thread holds no guard, the change is committed at once; if the closure panics, nothing was changed.
    ///
    /// An atomic field is changed without the lock: if another process is faster, the closure runs once more.
    ///
    /// # Errors
    /// As [`set`](Self::set). What the closure leaves may be `WrongData` too.
    ///
    /// # Panics
    /// If the closure does.
    ///
    /// ```
    /// use shared_value::{DynData, DynValue, Synchronized};
    ///
    /// # let name = format!("shared-value-doc-dyn-update-{}", std::process::id());
    /// let shared = Synchronized::create(&name, [1_u8, 2, 3])?;
    /// let value = DynValue::open(&name)?;
    /// value.update("", |all| {
    ///     if let DynData::Array(elements) = all {
    ///         elements.reverse();
    ///     }
    /// })?;
    /// assert_eq!(shared.get(), [3, 2, 1]);
    /// assert!(value.update("[0]", |element| *element = DynData::from(256_u16)).is_err());
    /// # shared_value::unlink(&name)?;
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn update<R>(&self, path: &str, mut change: impl FnMut(&mut DynData) -> R) -> Result<R, Error> {
        self.check_writable()?;
        let place = self.place(path)?;
        if let Some(number) = place.atomic {
            return self.update_atomic(place, path, number, change);
        }
        if self.access == Access::Unlocked {
            let mut data = decode(place, path, &self.copy(place, |copy| self.read(copy)))?;
            let result = change(&mut data);
            store_from::<AmongOthers>(self.cell.slots().first(), place.offset, &encode(place, path, &data)?);
            return Ok(result);
        }
        self.cell.locked(|hold| {
            let data = self.data_held(hold, place, path)?;
            let draft = Draft { place, path, data, bytes: Vec::new() };
            let changed = |draft: &mut Draft<'_>| draft.change(&mut change);
            hold.update_through(&range(place), draft, changed, |slot, draft| draft.store(slot))
        })
    }

    fn update_atomic<R>(
        &self,
        place: Place<'_>,
        path: &str,
        number: usize,
        mut change: impl FnMut(&mut DynData) -> R,
    ) -> Result<R, Error> {
        let atomic = self.cell.atomic(number);
        let mut seen = atomic.load(Ordering::Acquire);
        loop {
            let mut data = decode(place, path, &seen.to_ne_bytes())?;
            let result = change(&mut data);
            let bytes = encode(place, path, &data)?;
            match atomic.compare_exchange(seen, bits(&bytes), Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Ok(result),
                Err(other) => seen = other,
            }
        }
    }

    /// Takes the lock, or takes it once more, and waits for it as long as that needs.
    ///
    /// # Errors
    /// `Unsupported` if the value was opened for reading, or has no lock; as
    /// [`Synchronized::lock`](crate::Synchronized::lock).
    pub fn lock(&self) -> Result<DynGuard<'_>, Error> {
        self.acquire(Wait::Forever)
    }

    /// Takes the lock if that can be done at once.
    ///
    /// # Errors
    /// `WouldBlock` if another thread or process holds it, and as [`lock`](Self::lock).
    pub fn try_lock(&self) -> Result<DynGuard<'_>, Error> {
        self.acquire(Wait::Never)
    }

    /// Takes the lock, or gives up after `timeout` by the monotonic clock.
    ///
    /// # Errors
    /// `TimedOut` if another thread or process held it all the time, and as [`lock`](Self::lock).
    pub fn lock_timeout(&self, timeout: Duration) -> Result<DynGuard<'_>, Error> {
        self.acquire(Wait::at_most(timeout))
    }

    fn acquire(&self, wait: Wait) -> Result<DynGuard<'_>, Error> {
        self.check_writable()?;
        if self.access == Access::Unlocked {
            return Err(Error::Unsupported { what: "this value has no lock: its words are written as they are" });
        }
        DynGuard::acquire(self, wait)
    }

    /// The number of commits so far.
    pub fn version(&self) -> u64 {
        self.cell.version()
    }

    /// How often the lock was taken over from a thread that had died with it.
    pub fn recoveries(&self) -> u64 {
        self.cell.recoveries()
    }

    /// Who holds the lock now.
    pub fn lock_state(&self) -> LockState {
        self.cell.lock_state()
    }

    /// The name or path of the segment.
    pub fn segment_name(&self) -> &str {
        self.cell.name()
    }

    /// The part at a path, if it is small enough.
    pub(super) fn place(&self, path: &str) -> Result<Place<'_>, Error> {
        let place = Place::at(&self.layout, path)?;
        limit::check(place.layout)?;
        Ok(place)
    }

    fn check_writable(&self) -> Result<(), Error> {
        match self.access {
            Access::ReadWrite | Access::Unlocked => Ok(()),
            Access::ReadOnly | Access::UnlockedReadOnly => {
                Err(Error::Unsupported { what: "this handle only reads: open the value for writing" })
            }
        }
    }

    pub(super) fn read<R>(&self, copy: impl FnMut(&[AtomicU64]) -> R) -> R {
        match self.access {
            Access::ReadWrite => read::whole_version(&self.cell, copy),
            Access::ReadOnly => read::without_lock(&self.cell, copy),
            Access::Unlocked | Access::UnlockedReadOnly => read::as_it_is(&self.cell, copy),
        }
    }

    /// The bytes of a part, by means of `read`, which lets its argument copy. Atomic fields are as they are now.
    pub(super) fn copy(&self, place: Place<'_>, read: impl FnOnce(&mut dyn FnMut(&[AtomicU64]))) -> Vec<u8> {
        let mut bytes = vec![0; place.layout.size()];
        let word = |number| self.cell.atomic(number).load(Ordering::Acquire);
        if let Some(number) = place.atomic {
            put(&mut bytes, word(number));
            return bytes;
        }
        read(&mut |slot| load_into(slot, place.offset, &mut bytes));
        if place.is_value {
            for (number, field) in place.layout.atomic_fields().enumerate() {
                put(&mut bytes[field.offset..][..field.layout.size], word(number));
            }
        }
        bytes
    }

    /// A part with this thread's own writes.
    pub(super) fn data_held(&self, hold: &Hold<'_, Untyped>, place: Place<'_>, path: &str) -> Result<DynData, Error> {
        decode(place, path, &self.copy(place, |copy| copy(hold.current())))
    }
}

fn is_locked(cell: &Cell<Untyped>) -> bool {
    cell.segment().required_lock() != RequiredLock::None
}

/// The bytes of a part.
pub(super) fn range(place: Place<'_>) -> Range<usize> {
    place.offset..place.offset + place.layout.size()
}

/// A part that is being changed.
pub(super) struct Draft<'a> {
    pub(super) place: Place<'a>,
    pub(super) path: &'a str,
    pub(super) data: DynData,
    pub(super) bytes: Vec<u8>,
}

impl Draft<'_> {
    pub(super) fn change<R>(&mut self, change: impl FnOnce(&mut DynData) -> R) -> Result<R, Error> {
        let result = change(&mut self.data);
        self.bytes = encode(self.place, self.path, &self.data)?;
        Ok(result)
    }

    pub(super) fn store(&self, slot: &[AtomicU64]) {
        store_from::<Alone>(slot, self.place.offset, &self.bytes);
    }
}

/// Prints the value as [`DynData`] does, or why it cannot be read.
impl fmt::Display for DynValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.load() {
            Ok(data) => data.fmt(formatter),
            Err(error) => write!(formatter, "<{error}>"),
        }
    }
}

/// Prints the value, the version and the state of the lock, without waiting for it.
impl fmt::Debug for DynValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("DynValue")
            .field("name", &self.segment_name())
            .field("value", &format_args!("{self}"))
            .field("version", &self.version())
            .field("lock", &self.lock_state())
            .finish()
    }
}
