//! Opens the value that a source refers to.

use crate::cell::{Cell, Recognized};
use crate::error::Error;
use crate::share::opening::Opening;
use crate::share::source::{Origin, Source};
use crate::share::{descriptor, inherit, socket, token};

/// Opens the value that a source refers to.
pub(crate) fn open<C: Recognized + ?Sized>(source: &Source<'_>, opening: &Opening) -> Result<Cell<C>, Error> {
    match &source.0 {
        Origin::Location(location) => opening.open(location),
        Origin::Inherited(name) => inherit::open(name, opening),
        Origin::Token(text) => token::open(text, opening),
        Origin::Socket(stream) => socket::open(stream, opening),
        Origin::Descriptor(number) => descriptor::open(*number, opening),
    }
}
