//! Changes of several values.

use std::rc::Rc;
use std::sync::Mutex;

use anyhow::{Context, Result, ensure};
use shared_value::{Arena, Synchronized};

use crate::measure::Local;

/// Creates values in an arena.
fn values<const COUNT: usize>(arena: &Arena) -> Result<Rc<Vec<Synchronized<u64>>>> {
    let create = |_| arena.get(arena.alloc(0_u64)?)?.context("the value that was added");
    Ok(Rc::new((0..COUNT).map(create).collect::<Result<_>>()?))
}

fn check(values: &[Synchronized<u64>], calls: u64) -> Result<()> {
    ensure!(values.iter().all(|value| value.get() == calls), "{calls} additions do not make {:?}", values[0]);
    Ok(())
}

/// Adds to each value, in one commit.
pub(super) fn together<const COUNT: usize>() -> Result<Local> {
    let arena = Arena::new(1 << 20)?;
    let values = values::<COUNT>(&arena)?;
    let checked = Rc::clone(&values);
    let work = move || {
        let changed = arena.transaction(|tx| {
            for value in values.iter() {
                tx.lock(value)?.update(|number| *number += 1)?;
            }
            Ok(())
        });
        changed.expect("intact locks");
    };
    Ok(Local::new("shared-value", work, move |calls| check(&checked, calls)))
}

/// Adds to each value, in a commit of its own.
pub(super) fn severally<const COUNT: usize>() -> Result<Local> {
    let arena = Arena::new(1 << 20)?;
    let values = values::<COUNT>(&arena)?;
    let checked = Rc::clone(&values);
    let work = move || {
        let _ = &arena;
        for value in values.iter() {
            value.update(|number| *number += 1).expect("an intact lock");
        }
    };
    Ok(Local::new("shared-value, a commit each", work, move |calls| check(&checked, calls)))
}

/// Adds to each number, with all mutexes locked.
pub(super) fn mutexes<const COUNT: usize>() -> Result<Local> {
    ensure!(COUNT > 0, "there is nothing to add to");
    let numbers: Rc<[Mutex<u64>; COUNT]> = Rc::new([const { Mutex::new(0) }; COUNT]);
    let checked = Rc::clone(&numbers);
    let work = move || {
        let mut guards = numbers.each_ref().map(|number| number.lock().expect("no holder panics"));
        for number in &mut guards {
            **number += 1;
        }
    };
    Ok(Local::new("std::sync::Mutex", work, move |calls| {
        ensure!(checked.iter().all(|number| *number.lock().expect("no holder panics") == calls), "additions are lost");
        Ok(())
    }))
}
