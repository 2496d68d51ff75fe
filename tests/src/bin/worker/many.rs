//! Holds the largest number of locks that a thread may hold.

use anyhow::{Context, Result, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use shared_value::{Error, LockError, Synchronized};
use shared_value_tests::{fork, processor_time, say, skip};

const LIMIT: usize = 2_000;

/// Releases a thousand locks in random order.
#[derive(Debug, clap::Args)]
pub(crate) struct ReleaseAtRandom {
    seed: u64,
}

pub(crate) fn too_many() -> Result<()> {
    let Some(values) = values(LIMIT + 1)? else { return Ok(()) };
    let (last, others) = values.split_last().context("there are many")?;
    for again in ["the first time", "once more"] {
        let mut guards = others.iter().map(Synchronized::lock).collect::<Result<Vec<_>, _>>()?;
        let refused = last.lock();
        ensure!(
            matches!(&refused, Err(Error::Lock(LockError::TooManyHeld { limit: LIMIT }))),
            "the last lock, {again}: {refused:?}"
        );
        // Taking a held lock again needs no room.
        others[0].update(|number| *number += 1)?;
        others[LIMIT - 1].update(|number| *number += 1)?;
        // In reverse order, as nested guards are released.
        while let Some(guard) = guards.pop() {
            drop(guard);
        }
        last.update(|number| *number += 1)?;
    }
    ensure!(last.get() == 2, "a change of the last value is lost: {last:?}");

    // The kernel must release all locks of a dead thread.
    fork(|| {
        let guards: Vec<_> = others.iter().map(|value| value.lock().expect("the lock is free")).collect();
        std::mem::forget(guards);
    })
    .finish();
    for (number, value) in others.iter().enumerate() {
        let guard = value.try_lock().with_context(|| format!("lock {number}"))?;
        ensure!(guard.recovered(), "lock {number} was not held");
    }
    say("done");
    Ok(())
}

/// Takes `count` locks, releases them in the same order, and tells the milliseconds of the releases.
#[derive(Debug, clap::Args)]
pub(crate) struct ReleaseInOrder {
    count: usize,
}

impl ReleaseAtRandom {
    pub(crate) fn run(self) -> Result<()> {
        let Some(values) = values(LIMIT / 2)? else { return Ok(()) };
        let mut random = fastrand::Rng::with_seed(self.seed);
        let mut guards = Vec::new();
        for value in &values {
            let guard = value.lock()?;
            guard.set(1)?;
            guards.push(guard);
        }
        random.shuffle(&mut guards);
        while let Some(guard) = guards.pop() {
            drop(guard);
        }
        for (number, value) in values.iter().enumerate() {
            ensure!(value.get() == 1, "value {number} was not committed");
            ensure!(!value.try_lock()?.recovered(), "lock {number} was lost");
        }
        // The robust list still works: a lock that is taken now is released when its thread dies.
        fork(|| std::mem::forget(values[0].lock().expect("the lock is free"))).finish();
        ensure!(values[0].try_lock()?.recovered(), "the robust list of this thread is broken");
        say("done");
        Ok(())
    }
}

impl ReleaseInOrder {
    pub(crate) fn run(self) -> Result<()> {
        let Some(values) = values(self.count)? else { return Ok(()) };
        let guards = values.iter().map(Synchronized::lock).collect::<Result<Vec<_>, _>>()?;
        let start = processor_time();
        // A vector drops its elements in order.
        drop(guards);
        say(processor_time().saturating_sub(start).as_millis());
        Ok(())
    }
}

/// Makes `count` values. Returns `None` if this process may not have enough open files.
fn values(count: usize) -> Result<Option<Vec<Synchronized<u64>>>> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?;
    if limit.maximum.is_some_and(|maximum| maximum < count as u64 + 32) {
        skip(format_args!("this process may have only {:?} open files", limit.maximum));
        return Ok(None);
    }
    Ok(Some((0..count).map(|_| Synchronized::new(0)).collect::<Result<_, _>>()?))
}
