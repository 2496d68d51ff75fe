//! Targets: what the user names on the command line, as in `account.balance`, `bank[alice].balance` or `./file`.

mod open;
mod pattern;
mod place;
mod readable;
mod select;

pub(crate) use open::{
    HOLDERS, Locking, Object, Writable, find_lock_object, in_arena, open_lock_object, open_writable, refuse_inside,
};
pub(crate) use pattern::{Brackets, Step, glob, parse_path};
pub(crate) use place::{Place, Target, resolve, split};
pub(crate) use readable::Readable;
pub(crate) use select::{Selected, Selection, get, is_arena, parts, select, shown, unwrapped};
