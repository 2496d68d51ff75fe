//! The commands, one file each.

pub(crate) mod change;
pub(crate) mod create;
pub(crate) mod doctor;
pub(crate) mod generate;
pub(crate) mod layout;
pub(crate) mod list;
pub(crate) mod lock;
pub(crate) mod show;
pub(crate) mod wait;
pub(crate) mod watch;
