//! Processes, as `/proc` shows them: the owners of locks, and the users of segments.

mod mapped;
mod status;
mod users;

pub(crate) use mapped::Mapped;
pub(crate) use status::{Process, holder};
pub(crate) use users::{File, User, Users};
