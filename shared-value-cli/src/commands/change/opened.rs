//! `Opened`: the target of a change.

use shared_value::Arena;

use crate::failure::{Failure, Result};
use crate::target::{Brackets, Locking, Place, Step, Target, Writable, open_writable, parse_path, parts, split};

/// The target of a change.
pub(super) enum Opened {
    /// A value, and the steps to a part of it.
    Value(Writable, Vec<Step>),
    Arena(Arena),
}

pub(super) fn open(target: &Target, locking: &Locking) -> Result<Opened> {
    let Target { place, steps } = target;
    let is_arena = match place {
        Place::Token(_) => false,
        _ => place.inspect()?.is_arena(),
    };
    if !is_arena {
        return Ok(Opened::Value(open_writable(place, None, locking)?, steps.clone()));
    }
    match steps.split_first() {
        None => Ok(Opened::Arena(Arena::open(place.source())?)),
        Some((step, steps)) => {
            let entry = entry_of(step)?;
            Ok(Opened::Value(open_writable(place, Some(&entry), locking)?, steps.to_vec()))
        }
    }
}

/// Opens a value for writing, and returns the path of one part of it.
pub(super) fn one_part(name: &str, path: &str, locking: &Locking) -> Result<(Writable, String)> {
    let mut target = split(name)?;
    target.steps.extend(parse_path(path)?);
    let Opened::Value(value, steps) = open(&target, locking)? else {
        return Err(Failure::usage(format!("`{name}` is an arena: name one of its values, as in `[key].field`")));
    };
    let mut paths = parts(&value, &steps)?;
    match (paths.pop(), paths.is_empty()) {
        (Some(path), true) => Ok((value, path)),
        _ => Err(Failure::usage(format!("`{name}` and the path `{path}` name several parts"))),
    }
}

/// Returns the key of a value in an arena.
pub(crate) fn entry_of(step: &Step) -> Result<Brackets> {
    match step {
        Step::Brackets(brackets) if !step.is_pattern() => Ok(brackets.clone()),
        _ => Err(Failure::usage("name one value of the arena by its key, as in `bank[alice]`")),
    }
}
