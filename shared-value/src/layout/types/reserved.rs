//! `Reserved`: bytes for fields of later versions of a struct.
#![allow(unsafe_code)]

use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::mem::MaybeUninit;

use crate::layout::{Kind, Layout, SharedValue};

/// `N` bytes for fields of later versions of a struct that is `#[shared(evolves)]`.
///
/// Old and new programs can share one value during a rolling deploy. A later version replaces the field, or a part of it, by
/// new fields; a field in the padding works too. The size of the struct and the offsets of its fields must stay. In a value
/// that an old program has created, the new fields are zero. Programs of both versions may read and write at once: no
/// program changes the fields of another version, not even by `set`.
///
/// ```
/// use shared_value::{Error, Reserved, SharedValue, Synchronized};
///
/// mod yesterday {
///     #[derive(shared_value::SharedValue, Clone, Copy)]
///     #[repr(C)]
///     #[shared(evolves)]
///     pub struct Account { pub balance: i64, pub spare: shared_value::Reserved<16> }
/// }
///
/// #[derive(SharedValue, Clone, Copy)]
/// #[repr(C)]
/// #[shared(evolves, released = yesterday::Account)]
/// struct Account { balance: i64, limit: u32, spare: Reserved<8> }
///
/// # let name = format!("shared-value-doc-reserved-{}", std::process::id());
/// let old = Synchronized::create(&name, yesterday::Account { balance: 5, spare: Reserved::new() })?;
/// let new = SynchronizedAccount::open(&name)?;
/// assert_eq!((new.balance(), new.limit()), (5, 0));
/// new.set_limit(100)?;
/// old.set(yesterday::Account { balance: 7, spare: Reserved::new() })?;
/// assert_eq!((new.balance(), new.limit()), (7, 100));
/// # shared_value::unlink(&name)?;
/// # Ok::<(), Error>(())
/// ```
///
/// All values of the type are equal, and its bytes cannot be read. `docs/layout.md` has the rules for structs that evolve.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Reserved<const N: usize> {
    /// Never read. In a copy of a shared value, they may be the bytes of another version's fields.
    _bytes: [MaybeUninit<u8>; N],
}

impl<const N: usize> Reserved<N> {
    /// Returns reserved bytes, for a new value.
    ///
    /// ```
    /// assert_eq!(shared_value::Reserved::<8>::new(), shared_value::Reserved::default());
    /// ```
    pub const fn new() -> Self {
        Self { _bytes: [MaybeUninit::zeroed(); N] }
    }
}

// SAFETY: all bytes count as padding, which may be uninitialized, and any bytes are a value.
unsafe impl<const N: usize> SharedValue for Reserved<N> {
    const LAYOUT: &'static Layout = &Layout::new::<Self>("Reserved", Kind::Reserved);
}

impl<const N: usize> Default for Reserved<N> {
    fn default() -> Self {
        Self::new()
    }
}

/// All are equal.
impl<const N: usize> PartialEq for Reserved<N> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<const N: usize> Eq for Reserved<N> {}

impl<const N: usize> PartialOrd for Reserved<N> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// All are equal.
impl<const N: usize> Ord for Reserved<N> {
    fn cmp(&self, _: &Self) -> Ordering {
        Ordering::Equal
    }
}

/// Adds nothing.
impl<const N: usize> Hash for Reserved<N> {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

/// Prints `Reserved`, without the bytes.
impl<const N: usize> fmt::Debug for Reserved<N> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Reserved")
    }
}
