//! A process that opens a value as one version, and steps until it is killed.

use std::io::{self, Write as _};

use anyhow::{Context as _, bail};
use shared_value::{Arena, Capacity, DynValue, Filled, SharedArray, Synchronized, Zeroed};

use crate::evolving::versions::{Version, large, small};

/// The number of elements of an array.
pub const ELEMENTS: usize = 3;
/// The key of a value in an arena.
pub const KEY: &str = "account";

/// Does an operation, `create` or `write`, on a segment of this kind, as a version of the struct.
///
/// # Errors
/// The errors of the library, and errors for unknown words.
pub fn run(version: &str, operation: &str, kind: &str, name: &str) -> anyhow::Result<()> {
    macro_rules! versions {
        ($($module:ident)*) => {
            match version.split_once('-').context("expected the size and the name of a version")? {
                $(
                    ("small", stringify!($module)) => run_as::<small::$module::Account>(operation, kind, name),
                    ("large", stringify!($module)) => run_as::<large::$module::Account>(operation, kind, name),
                )*
                other => bail!("there is no version {other:?}"),
            }
        };
    }
    versions!(first limited levelled rated nested flagged logged full)
}

fn run_as<V: Version>(operation: &str, kind: &str, name: &str) -> anyhow::Result<()> {
    match (operation, kind) {
        ("create", "value") => drop(Synchronized::<V>::create(name, Zeroed)?),
        ("create", "array") => drop(SharedArray::create(name, Filled(zero::<V>()?, ELEMENTS))?),
        ("create", "arena") => {
            let arena = Arena::create(name, Capacity(1 << 16))?;
            arena.insert(KEY, zero::<V>()?)?;
        }
        ("write", "value") => write_value(&Synchronized::<V>::open(name)?, Some(&DynValue::open(name)?))?,
        ("write", "array") => write_array(&SharedArray::<V>::open(name)?, &DynValue::open(name)?)?,
        ("write", "arena") => {
            let arena = Arena::open(name)?;
            let value = arena.get::<V>(KEY)?.context("the value is there")?;
            write_in_arena(&arena, &value)?;
        }
        other => bail!("there is no operation {other:?}"),
    }
    Ok(())
}

/// Returns a value whose counters are zero.
fn zero<V: Version>() -> anyhow::Result<V> {
    Ok(Synchronized::<V>::new(Zeroed)?.load()?)
}

fn say_ready() -> anyhow::Result<()> {
    println!("ready");
    Ok(io::stdout().flush()?)
}

fn write_value<V: Version>(value: &Synchronized<V>, dynamic: Option<&DynValue>) -> anyhow::Result<()> {
    let zero = zero()?;
    say_ready()?;
    for turn in 0_u64.. {
        match turn % 6 {
            0 => value.update(V::step)?,
            1 => {
                let guard = value.lock()?;
                let mut copy = guard.load()?;
                copy.step();
                guard.set(copy)?;
            }
            2 => {
                let guard = value.lock()?;
                guard.update(V::step)?;
                guard.commit();
                guard.set(zero)?;
                guard.rollback();
            }
            3 => {
                let guard = value.lock()?;
                let mut copy = guard.load_boxed()?;
                copy.step();
                value.copy_from(&copy)?;
                guard.copy_from(&copy)?;
            }
            4 => {
                // A whole write by a program that knows only the schema in the segment.
                if let Some(dynamic) = dynamic {
                    dynamic.update("", |_| ())?;
                }
            }
            _ => drop(value.lock()?),
        }
    }
    Ok(())
}

fn write_array<V: Version>(array: &SharedArray<V>, dynamic: &DynValue) -> anyhow::Result<()> {
    let zero = zero()?;
    say_ready()?;
    for turn in 0_u64.. {
        match turn % 5 {
            0 => array.update_all(|all| all.iter_mut().for_each(V::step))?,
            1 => {
                let guard = array.lock()?;
                let mut all = guard.to_vec()?;
                all.iter_mut().for_each(V::step);
                guard.write_slice(0, &all)?;
            }
            2 => {
                let guard = array.lock()?;
                for index in 0..ELEMENTS {
                    let mut element = guard.at(index);
                    element.step();
                    guard.set_at(index, element)?;
                }
            }
            3 => {
                let guard = array.lock()?;
                for index in 0..ELEMENTS {
                    guard.update_at(index, V::step)?;
                }
                guard.commit();
                guard.fill(zero)?;
                guard.rollback();
            }
            _ => dynamic.update("", |_| ())?,
        }
    }
    Ok(())
}

fn write_in_arena<V: Version>(arena: &Arena, value: &Synchronized<V>) -> anyhow::Result<()> {
    let other = arena.alloc(0_u64)?;
    let other = arena.get(other)?.context("it is there")?;
    let zero = zero()?;
    say_ready()?;
    for turn in 0_u64.. {
        match turn % 3 {
            0 => value.update(V::step)?,
            1 => arena.transaction(|transaction| {
                transaction.lock(&other)?.set(turn)?;
                transaction.lock(value)?.update(V::step)
            })?,
            _ => {
                let failed = arena.try_transaction(|transaction| {
                    transaction.lock(value)?.set(zero)?;
                    anyhow::Result::<()>::Err(anyhow::anyhow!("rolled back"))
                });
                anyhow::ensure!(failed.is_err(), "it was committed");
            }
        }
    }
    Ok(())
}
