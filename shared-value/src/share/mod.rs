//! Handing a value to another process: by a descriptor that a child inherits, by a token, or over a socket.

mod arena;
mod array;
mod attach;
mod dynamic;
mod inherit;
#[cfg(feature = "serde")]
mod serialize;
mod socket;
mod token;

pub(crate) use attach::{Attach, Handed};
use inherit::by_environment;
use token::by_token;
