//! Processes that are killed at any moment and started again, for as long as one likes: 2 seconds, or
//! `SHARED_VALUE_STORM_SECONDS`. `SHARED_VALUE_SEED` makes another storm.

use std::env;
use std::thread;
use std::time::{Duration, Instant};

use shared_value_tests::ledger::{Journal, Ledger, MOVERS, SynchronizedLedger};
use shared_value_tests::{DEADLINE, SegmentName, Worker};

/// Without rollback, atomic commits and locks that outlive their owners, money is lost or made, or all hang.
#[test]
fn six_processes_on_one_value() {
    Storm::new(1).blow();
}

/// The same of locks that are held together: one that is not released with its owner stops the others.
#[test]
fn six_processes_on_three_values() {
    Storm::new(3).blow();
}

struct Storm {
    names: Vec<SegmentName>,
    ledgers: Vec<SynchronizedLedger>,
    directory: tempfile::TempDir,
    random: fastrand::Rng,
    kills: u64,
}

impl Storm {
    fn new(ledgers: usize) -> Self {
        let names: Vec<_> = (0..ledgers).map(|_| SegmentName::new("storm")).collect();
        let seed = env::var("SHARED_VALUE_SEED").map_or(1, |seed| seed.parse().expect("SHARED_VALUE_SEED is a number"));
        Self {
            ledgers: names.iter().map(|name| SynchronizedLedger::create(name, Ledger::default()).unwrap()).collect(),
            names,
            directory: tempfile::tempdir().unwrap(),
            random: fastrand::Rng::with_seed(seed),
            kills: 0,
        }
    }

    fn blow(mut self) {
        let seconds = env::var("SHARED_VALUE_STORM_SECONDS");
        let seconds = seconds.map_or(2, |seconds| seconds.parse().expect("SHARED_VALUE_STORM_SECONDS is a number"));
        let mut movers: Vec<_> = (0..MOVERS).map(|mover| self.start(mover)).collect();
        let start = Instant::now();
        let mut progress = Progress::new(&self.ledgers);
        while start.elapsed() < Duration::from_secs(seconds) {
            let mover = self.random.usize(..MOVERS);
            let successor = self.start(mover);
            let victim = std::mem::replace(&mut movers[mover], successor);
            victim.kill();
            todo!();
        }
    }
}
