//! Changes of several values of an arena, all in one commit.

use std::collections::BTreeMap;

use shared_value::{Arena, DynValue, Error, LockState, Transaction};

use crate::commands::change::assignment::{Assignment, Part, assignments_of, expect_fit, hold_true, make};
use crate::commands::change::opened::entry_of;
use crate::failure::{Failure, Result};
use crate::process;
use crate::target::{Locking, Waiting, in_arena, refuse_inside, shown};

/// Changes several values of an arena, all in one commit.
pub(super) fn set_in_arena(
    arena: &Arena,
    name: &str,
    locking: &Locking,
    conditions: &[Part],
    changes: &[Part],
) -> Result<()> {
    let mut values: BTreeMap<String, (DynValue, Vec<Part>, Vec<Part>)> = BTreeMap::new();
    let all = conditions.iter().map(|one| (true, one)).chain(changes.iter().map(|one| (false, one)));
    for (is_condition, (steps, text)) in all {
        let (step, rest) = steps
            .split_first()
            .ok_or_else(|| Failure::usage(format!("`{name}` is an arena: name a value, as in `[key].field=VALUE`")))?;
        let entry = entry_of(step)?;
        let key = shown(&entry);
        if !values.contains_key(&key) {
            values.insert(key.clone(), (in_arena(arena, &entry)?, Vec::new(), Vec::new()));
        }
        if let Some((_, conditions, changes)) = values.get_mut(&key) {
            let part = (rest.to_vec(), text.clone());
            if is_condition { conditions.push(part) } else { changes.push(part) }
        }
    }
    for (value, ..) in values.values() {
        refuse_inside(name, value.lock_state())?;
    }
    let read = |value: &DynValue, parts: &[Part]| assignments_of(value, &[], parts);
    let mut all = Vec::new();
    for (key, (value, conditions, changes)) in &values {
        let (conditions, changes) = (read(value, conditions)?, read(value, changes)?);
        all.push(Change { key, value, conditions, changes });
    }
    commit(arena, name, locking, &all)
}

/// A value, the conditions on it, and its changes.
struct Change<'v> {
    key: &'v str,
    value: &'v DynValue,
    conditions: Vec<Assignment>,
    changes: Vec<Assignment>,
}

/// Commits. While the locks are held, says by which process.
fn commit(arena: &Arena, name: &str, locking: &Locking, all: &[Change<'_>]) -> Result<()> {
    let mut waiting = Waiting::new(*locking, format!("a value of `{name}`"));
    loop {
        match arena.try_transaction_timeout(waiting.slice(), |tx| change_all(tx, arena, all)) {
            Err(Stop::Error(Error::TimedOut { .. })) => {}
            result => return Ok(result?),
        }
        let held = all.iter().find_map(|change| match change.value.lock_state() {
            LockState::Held { thread_id } => Some(thread_id),
            _ => None,
        });
        let holder = held.map_or_else(|| "another thread".to_owned(), process::holder);
        waiting.go_on(&holder)?;
    }
}

fn change_all(tx: &Transaction<'_>, arena: &Arena, all: &[Change<'_>]) -> Result<(), Stop> {
    let mut guards = Vec::new();
    for change in all {
        guards.push(tx.lock(change.value)?);
        // It may have been replaced or removed since it was found, for example while this process waited for its lock.
        let is_there = match arena.id_of(change.value) {
            Some(id) => tx.get(id)?.is_some(),
            None => false,
        };
        if !is_there {
            let place = format!("{}[{}]", arena.segment_name(), change.key);
            return Err(Failure::not_found(format!(
                "`{place}` was replaced or removed meanwhile, so nothing was changed"
            ))
            .into());
        }
    }
    for (guard, change) in guards.iter().zip(all) {
        for Assignment { path, data } in &change.conditions {
            hold_true(&guard.get(path).map_err(Stop::Error)?, guard.layout(), path, data)?;
        }
    }
    for (guard, change) in guards.iter().zip(all) {
        expect_fit(guard.layout(), &change.changes)?;
    }
    for (guard, change) in guards.iter().zip(all) {
        make(guard, &change.changes)?;
    }
    Ok(())
}

/// Why a transaction ends. The library must see its own errors, because one of them makes it begin again.
enum Stop {
    Error(Error),
    Failure(Failure),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<Stop> for Failure {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Error(error) => error.into(),
            Stop::Failure(failure) => failure,
        }
    }
}
