//! Handing a value to another process: by a descriptor that a child inherits, by a token, or over a socket.
//!
//! Each way is a variant of the origin in `source.rs`, which `attach.rs` opens. The methods of handles are in
//! `handle/handover.rs`.

mod attach;
mod descriptor;
mod inherit;
mod opening;
mod socket;
mod source;
mod token;

pub(crate) use attach::open;
pub(crate) use descriptor::descriptor_of;
pub(crate) use inherit::{entry, pass_to};
pub(crate) use opening::Opening;
pub(crate) use socket::send_to;
pub use source::Source;
pub use token::Token;
pub(crate) use token::token_of;
