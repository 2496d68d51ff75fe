//! `Key`: how a value of an arena is found.

use std::fmt;
use std::marker::PhantomData;

use crate::arena::id::Id;
use crate::error::Error;
use crate::heap::{BlockId, MAX_KEY};

/// How a value of type `C` is found in an [`Arena`](crate::Arena): by a string or by an [`Id<C>`](crate::Id).
///
/// ```
/// use shared_value::Arena;
///
/// let arena = Arena::new(1 << 20)?;
/// arena.insert("seven", 7_u32)?;
/// let id = arena.alloc(8_u32)?;
/// assert_eq!(arena.get::<u32>("seven")?.map(|value| value.get()), Some(7));
/// assert_eq!(arena.get(id)?.map(|value| value.get()), Some(8));
/// # Ok::<(), shared_value::Error>(())
/// ```
#[derive(Debug)]
pub struct Key<'a, C: ?Sized>(Sought<'a>, PhantomData<fn() -> C>);

/// How a value of any type is found in an [`Arena`](crate::Arena): by a string or by an [`Id`](crate::Id).
///
/// ```
/// use shared_value::Arena;
///
/// let arena = Arena::new(1 << 20)?;
/// arena.insert("seven", 7_u32)?;
/// let id = arena.alloc(8_u32)?;
/// assert!(arena.remove("seven")? && arena.remove(id)?);
/// assert!(!arena.contains("seven") && !arena.contains(id));
/// # Ok::<(), shared_value::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct AnyKey<'a>(pub(super) Sought<'a>);

/// A key or an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sought<'a> {
    Key(&'a str),
    Id(BlockId),
}

impl fmt::Display for Sought<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => formatter.write_str(key),
            Self::Id(id) => id.fmt(formatter),
        }
    }
}

/// Returns the length of a key.
///
/// # Errors
/// `InvalidName` if no value can have the key.
pub(super) fn check_key(key: &str) -> Result<usize, Error> {
    let reason = match key.len() {
        0 => "a key in an arena is not empty",
        // A trailer contains zero bytes. So a key without NUL cannot pass for a trailer if a wrong id points into it.
        _ if key.contains('\0') => "a key in an arena contains no NUL",
        1..=MAX_KEY => return Ok(key.len()),
        _ => "a key in an arena has at most 255 bytes",
    };
    Err(Error::InvalidName { name: key.escape_debug().to_string(), reason })
}

impl<'a, C: ?Sized> Key<'a, C> {
    #[inline]
    fn of(sought: Sought<'a>) -> Self {
        Self(sought, PhantomData)
    }

    #[inline]
    pub(crate) fn sought(self) -> Sought<'a> {
        self.0
    }
}

impl<C: ?Sized> Clone for Key<'_, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C: ?Sized> Copy for Key<'_, C> {}

impl<'a, C: ?Sized> From<&'a str> for Key<'a, C> {
    #[inline]
    fn from(key: &'a str) -> Self {
        Self::of(Sought::Key(key))
    }
}

impl<'a, C: ?Sized> From<&'a String> for Key<'a, C> {
    #[inline]
    fn from(key: &'a String) -> Self {
        Self::of(Sought::Key(key))
    }
}

impl<C: ?Sized> From<Id<C>> for Key<'_, C> {
    #[inline]
    fn from(id: Id<C>) -> Self {
        Self::of(Sought::Id(id.block()))
    }
}

impl<'a> From<&'a str> for AnyKey<'a> {
    fn from(key: &'a str) -> Self {
        Self(Sought::Key(key))
    }
}

impl<'a> From<&'a String> for AnyKey<'a> {
    fn from(key: &'a String) -> Self {
        Self(Sought::Key(key))
    }
}

impl<C: ?Sized> From<Id<C>> for AnyKey<'_> {
    fn from(id: Id<C>) -> Self {
        Self(Sought::Id(id.block()))
    }
}
