//! Processes that are killed at random moments and started again, for 2 seconds or `SHARED_VALUE_STORM_SECONDS`.
//! `SHARED_VALUE_SEED` makes another storm.

use std::env;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use shared_value::LockState;
use shared_value_tests::ledger::{Journal, Ledger, MOVERS, SynchronizedLedger};
use shared_value_tests::{DEADLINE, SegmentName, Worker};
use tempfile::TempDir;

/// Without rollbacks, atomic commits and robust locks, money would be lost or made, or all processes would hang.
#[test]
fn six_processes_on_one_value() {
    Storm::new(1).blow(duration());
}

/// Of several locks that one process holds, each must be freed by its death: one that is not would stop the others.
#[test]
fn six_processes_on_three_values() {
    Storm::new(3).blow(duration());
}

/// On the busiest machine some process moves money within this time, unless all hang.
const HANGING: Duration = Duration::from_secs(10);

/// Ledgers, and how many moves of each mover the journal has.
struct Storm {
    names: Vec<SegmentName>,
    ledgers: Vec<SynchronizedLedger>,
    progress: Vec<Progress>,
    directory: TempDir,
}

/// The version of a ledger, and since when it has it.
struct Progress {
    version: u64,
    since: Instant,
}

impl Storm {
    fn new(ledgers: usize) -> Self {
        let names: Vec<_> = (0..ledgers).map(|_| SegmentName::new("storm")).collect();
        Self {
            ledgers: names.iter().map(|name| SynchronizedLedger::create(name, Ledger::default()).unwrap()).collect(),
            progress: names.iter().map(|_| Progress { version: 0, since: Instant::now() }).collect(),
            names,
            directory: tempfile::tempdir().unwrap(),
        }
    }

    fn start(&self, mover: usize, seed: u64) -> Worker {
        let journal = self.journal().display().to_string();
        let names = self.names.iter().map(|name| String::from(&**name));
        let arguments = [journal, mover.to_string(), seed.to_string()].into_iter().chain(names);
        Worker::start(env!("CARGO_BIN_EXE_victim"), "transfer", arguments)
    }

    fn journal(&self) -> PathBuf {
        self.directory.path().join("journal")
    }

    fn blow(mut self, duration: Duration) {
        let mut random = fastrand::Rng::with_seed(number_of("SHARED_VALUE_SEED", 1));
        let mut movers: Vec<_> = (0..MOVERS).map(|mover| Some(self.start(mover, random.u64(..)))).collect();
        let mut kills = 0;
        let start = Instant::now();
        // On a busy machine, few processes take a lock before they are killed.
        while start.elapsed() < duration || self.ledgers.iter().any(|ledger| ledger.recoveries() == 0) {
            assert!(start.elapsed() < duration + DEADLINE, "no process is killed with the lock");
            let mover = random.usize(..MOVERS);
            movers[mover].take().expect("all movers live").kill();
            kills += 1;
            self.look();
            let mut successor = self.start(mover, random.u64(..));
            // One in four is killed while it opens the ledgers.
            if random.u32(..4) > 0 {
                successor.expect("ready");
            }
            movers[mover] = Some(successor);
            let next = Instant::now() + Duration::from_micros(random.u64(..5_000));
            while Instant::now() < next {
                self.look();
                thread::yield_now();
            }
        }
        for mut mover in movers.into_iter().flatten() {
            mover.tell("stop");
            mover.finish();
        }
        self.settle(kills);
    }

    /// Checks what must hold at every moment.
    fn look(&mut self) {
        for (ledger, progress) in self.ledgers.iter().zip(&mut self.progress) {
            ledger.load().unwrap().check().unwrap();
            let version = ledger.version();
            if progress.version != version {
                *progress = Progress { version, since: Instant::now() };
            }
            assert!(progress.since.elapsed() < HANGING, "no process moves money: {ledger:?}");
        }
    }

    /// Checks what must hold when all movers have ended.
    fn settle(&self, kills: u64) {
        let journal = Journal::open(&self.journal()).unwrap();
        for (number, ledger) in self.ledgers.iter().enumerate() {
            let last = ledger.load().unwrap();
            last.check().unwrap();
            for (mover, moves) in last.moves.iter().enumerate() {
                assert_eq!(journal.noted(mover, number).unwrap(), *moves, "moves of {mover} in ledger {number}");
            }
            assert_eq!(ledger.version(), last.total, "every move is one commit");
            assert_eq!(ledger.lock_state(), LockState::Free);
            let recoveries = ledger.recoveries();
            println!("ledger {number}: {kills} kills, {} moves, {recoveries} recoveries", last.total);
            assert!(recoveries <= kills, "{recoveries} recoveries of {kills} kills");
        }
    }
}

fn duration() -> Duration {
    Duration::from_secs(number_of("SHARED_VALUE_STORM_SECONDS", 2))
}

fn number_of(variable: &str, otherwise: u64) -> u64 {
    env::var(variable).map_or(otherwise, |number| number.parse().unwrap_or_else(|_| panic!("{variable} is a number")))
}
