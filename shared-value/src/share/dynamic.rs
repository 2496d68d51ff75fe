//! Values that were handed to a program which does not know their type.

use crate::arena::layout_at;
use crate::cell::Cell;
use crate::cell::Guarding;
use crate::dynamic::{DynLayout, DynValue, layout_in};
use crate::error::Error;
use crate::format::contents::Untyped;
use crate::handle::access::{ReadOnly, ReadWrite};
use crate::lock::LockKind;
use crate::share::{by_environment, by_token};

/// Of whatever type the handle is that made a token or passed the value, which may have no name.
impl DynValue {
    /// The value that a [token](crate::Synchronized::token) was made for.
    ///
    /// # Errors
    /// As [`open`](Self::open), and `StaleToken` if the value or its process is gone, or this process may not see it.
    ///
    /// ```
    /// use shared_value::{DynValue, Synchronized};
    ///
    /// let shared = Synchronized::new([1_u8, 2])?;
    /// let value = DynValue::from_token(&shared.token()?)?;
    /// value.set("[0]", 7_u8)?;
    /// assert_eq!(shared.get(), [7, 2]);
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn from_token(token: &str) -> Result<Self, Error> {
        let cell = by_token::<_, ReadWrite>(token, &Guarding::OwnOrNone(LockKind::Native))?;
        let layout = layout_of(&cell)?;
        Ok(Self::for_writing(cell, layout))
    }

    /// As [`from_token`](Self::from_token), for reading.
    ///
    /// # Errors
    /// The same.
    pub fn from_token_read_only(token: &str) -> Result<Self, Error> {
        let cell = by_token::<_, ReadOnly>(token, &Guarding::None)?;
        let layout = layout_of(&cell)?;
        Ok(Self::for_reading(cell, layout))
    }

    /// The value that the program that started this one has [passed](crate::Synchronized::pass_to) under the name.
    ///
    /// # Errors
    /// As [`open`](Self::open), and `NotPassed` if there is none.
    pub fn inherited(name: &str) -> Result<Self, Error> {
        let cell = by_environment::<_, ReadWrite>(name, &Guarding::OwnOrNone(LockKind::Native))?;
        let layout = layout_of(&cell)?;
        Ok(Self::for_writing(cell, layout))
    }

    /// As [`inherited`](Self::inherited), for reading.
    ///
    /// # Errors
    /// The same.
    pub fn inherited_read_only(name: &str) -> Result<Self, Error> {
        let cell = by_environment::<_, ReadOnly>(name, &Guarding::None)?;
        let layout = layout_of(&cell)?;
        Ok(Self::for_reading(cell, layout))
    }
}

/// The layout of the value of a segment, or of one of an arena.
fn layout_of(cell: &Cell<Untyped>) -> Result<DynLayout, Error> {
    if cell.number() == 0 { layout_in(cell.segment()) } else { layout_at(cell) }
}
