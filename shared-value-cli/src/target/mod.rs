//! Targets: what the user names on the command line, as in `account.balance`, `bank[alice].balance` or `./file`.

mod open;
mod parts;
mod pattern;
mod place;
mod readable;
mod select;

pub(crate) use open::{
    HOLDERS, Locking, Object, Waiting, Writable, find_lock_object, in_arena, open_lock_object, open_writable,
    refuse_inside,
};
pub(crate) use parts::{Whole, parts, unwrapped};
pub(crate) use pattern::{Brackets, Step, glob, parse_path, shown};
pub(crate) use place::{Place, Target, resolve, split};
pub(crate) use readable::Readable;
pub(crate) use select::{Selected, Selection, get, is_arena, select};
