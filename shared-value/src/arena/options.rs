//! Arenas with options.

use std::path::Path;

use crate::arena::Arena;
use crate::cell::{Guarding, Terms};
use crate::error::Error;
use crate::handle::options::Options;
use crate::lock::LockKind;
use crate::segment::Place;

impl Options {
    /// As [`Arena::anonymous`].
    ///
    /// # Errors
    /// The same; `Unsupported` if another lock was asked for than the native one, which each value of an arena has.
    pub fn share_arena(&self, capacity: usize) -> Result<Arena, Error> {
        Arena::create_at(&Place::Anonymous, self.arena_terms()?, capacity)
    }

    /// As [`Arena::create`].
    ///
    /// # Errors
    /// The same; `Unsupported` as [`share_arena`](Self::share_arena).
    pub fn create_arena(&self, name: &str, capacity: usize) -> Result<Arena, Error> {
        Arena::create_at(&Place::named(name)?, self.arena_terms()?, capacity)
    }

    /// As [`Arena::open_or_create`].
    ///
    /// # Errors
    /// The same; `Unsupported` as [`share_arena`](Self::share_arena).
    pub fn open_or_create_arena(&self, name: &str, capacity: usize) -> Result<Arena, Error> {
        Arena::open_or_create_at(&Place::named(name)?, self.arena_terms()?, capacity)
    }

    /// As [`Arena::create_file`].
    ///
    /// # Errors
    /// The same; `Unsupported` as [`share_arena`](Self::share_arena).
    pub fn create_arena_file(&self, path: impl AsRef<Path>, capacity: usize) -> Result<Arena, Error> {
        Arena::create_at(&Place::File(path.as_ref().to_owned()), self.arena_terms()?, capacity)
    }

    fn arena_terms(&self) -> Result<&Terms, Error> {
        if matches!(self.terms.guarding, Guarding::Own(LockKind::Native)) {
            return Ok(&self.terms);
        }
        Err(Error::Unsupported { what: "each value of an arena has a native lock of its own: do not ask for another" })
    }
}
