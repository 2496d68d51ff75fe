//! Locks under test and robust mutexes of the C library in one thread.
//!
//! A forked child takes and releases them in some order and kills itself. After that, each lock that it held must be
//! recovered, and the others must be free.

use anyhow::{Context, Result, ensure};
use rustix::process::{Signal, getpid, kill_process};
use shared_value::{Guard, Synchronized};
use shared_value_tests::{Protocol, RobustMutexes, Taken, fork, say};

/// Takes and releases locks and mutexes at random.
#[derive(Debug, clap::Args)]
pub(crate) struct Random {
    seed: u64,
    count: u64,
}

/// Locks and mutexes, numbered in this order.
struct Mixture {
    values: Vec<Synchronized<u64>>,
    mutexes: RobustMutexes,
    count: usize,
}

pub(crate) fn orders() -> Result<()> {
    let mixture = Mixture::new(2, &[Protocol::Plain, Protocol::InheritPriority])?;
    let orders = permutations(4);
    for (number, taken) in orders.iter().enumerate() {
        for (other, released) in orders.iter().enumerate() {
            let mut changes = taken.clone();
            changes.extend(&released[..(number + other) % 5]);
            mixture.survives(&changes)?;
        }
    }
    say("done");
    Ok(())
}

impl Random {
    pub(crate) fn run(self) -> Result<()> {
        let mixture = Mixture::new(4, &[Protocol::Plain, Protocol::InheritPriority, Protocol::Plain])?;
        for seed in self.seed..self.seed + self.count {
            let mut random = fastrand::Rng::with_seed(seed);
            let changes: Vec<_> = (0..random.u32(1..60)).map(|_| random.usize(..mixture.count)).collect();
            mixture.survives(&changes).with_context(|| format!("seed {seed}"))?;
        }
        say("done");
        Ok(())
    }
}

impl Mixture {
    fn new(locks: usize, protocols: &[Protocol]) -> Result<Self> {
        Ok(Self {
            values: (0..locks).map(|_| Synchronized::new(0)).collect::<Result<_, _>>()?,
            mutexes: RobustMutexes::new(protocols),
            count: locks + protocols.len(),
        })
    }

    /// Lets a child make these changes and die, and checks all locks and mutexes.
    ///
    /// A change takes the lock or mutex of a number, or releases it if the child holds it.
    fn survives(&self, changes: &[usize]) -> Result<()> {
        fork(|| {
            let mut guards: Vec<Option<Guard<'_, u64>>> = self.values.iter().map(|_| None).collect();
            let mut is_held = vec![false; self.count];
            for number in changes {
                self.change(*number, &mut guards, &mut is_held);
            }
            kill_process(getpid(), Signal::KILL).expect("it is this process");
        })
        .finish_killed();

        for number in 0..self.count {
            let was_held = changes.iter().filter(|change| **change == number).count() % 2 == 1;
            let is_recovered = if let Some(value) = self.values.get(number) {
                value.try_lock().with_context(|| format!("lock {number} after {changes:?}"))?.recovered()
            } else {
                let taken = self.mutexes.take(number - self.values.len());
                self.mutexes.release(number - self.values.len());
                taken == Taken::OwnerDied
            };
            ensure!(is_recovered == was_held, "number {number} was held: {was_held}, after {changes:?}");
        }
        Ok(())
    }

    fn change<'m>(&'m self, number: usize, guards: &mut [Option<Guard<'m, u64>>], is_held: &mut [bool]) {
        match self.values.get(number) {
            Some(_) if is_held[number] => guards[number] = None,
            Some(value) => guards[number] = Some(value.try_lock().expect("the lock is free")),
            None if is_held[number] => self.mutexes.release(number - self.values.len()),
            None => {
                let taken = self.mutexes.take(number - self.values.len());
                assert_eq!(taken, Taken::Free, "an earlier child has left the mutex locked");
            }
        }
        is_held[number] = !is_held[number];
    }
}

fn permutations(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for shorter in permutations(count - 1) {
        for place in 0..count {
            let mut order = shorter.clone();
            order.insert(place, count - 1);
            all.push(order);
        }
    }
    all
}
