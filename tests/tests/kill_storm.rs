//! Processes that are killed at random moments and started again, for 2 seconds or `SHARED_VALUE_STORM_SECONDS`.
//! `SHARED_VALUE_SEED` makes another storm.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use shared_value::LockState;
use shared_value_tests::death::{Death, ensure_dumps, ensure_reaping};
use shared_value_tests::ledger::{Journal, Ledger, MOVERS, SynchronizedLedger};
use shared_value_tests::{DEADLINE, MemoryGroup, SegmentName, Worker, skip};
use tempfile::TempDir;

/// Without rollbacks, atomic commits and robust locks, money would be lost or made, or all processes would hang.
#[test]
fn six_processes_on_one_value() {
    Storm::new(1).blow(duration(), &mut Deaths::killed());
}

/// Of several locks that one process holds, each must be freed by its death: one that is not would stop the others.
#[test]
fn six_processes_on_three_values() {
    Storm::new(3).blow(duration(), &mut Deaths::killed());
}

/// The kernel need not find the locks of a process that it ends in another way, or finds them late.
#[test]
fn six_processes_that_end_in_every_way() {
    let mut deaths = Deaths::all();
    Storm::new(3).blow(duration(), &mut deaths);
    println!("{:?}", deaths.counts);
}

/// The ways in which the processes of a storm end, with the number of deaths of each.
struct Deaths {
    counts: Vec<(Death, u64)>,
    group: Option<MemoryGroup>,
}

impl Deaths {
    fn killed() -> Self {
        Self { counts: vec![(Death::Killed, 0)], group: None }
    }

    /// Returns the deaths that can be had on this machine.
    fn all() -> Self {
        /// Enough for a process that takes no memory.
        const MOST: usize = 24 << 20;
        let group = MemoryGroup::new("storm", MOST);
        let ways = [
            (Death::Killed, Ok(())),
            (Death::Reaped, ensure_reaping()),
            (Death::Dumped, ensure_dumps()),
            (Death::OutOfMemory, group.as_ref().map(drop).map_err(|error| io::Error::other(error.to_string()))),
        ];
        let can_be_had = |(death, result): (Death, io::Result<()>)| match result {
            Ok(()) => Some((death, 0)),
            Err(error) => {
                skip(format_args!("{death:?}: {error}"));
                None
            }
        };
        Self { counts: ways.into_iter().filter_map(can_be_had).collect(), group: group.ok() }
    }

    /// Returns whether some death has not been died yet.
    fn is_any_missing(&self) -> bool {
        self.counts.iter().any(|(_, count)| *count == 0)
    }

    fn total(&self) -> u64 {
        self.counts.iter().map(|(_, count)| count).sum()
    }

    /// Ends a mover in a random way, and returns that way.
    fn die(&mut self, mover: Worker, random: &mut fastrand::Rng, dumps: &Path) -> Death {
        let way = random.usize(..self.counts.len());
        let is_so = match self.counts[way].0 {
            Death::Killed => {
                mover.kill();
                true
            }
            // The process may have been faster.
            Death::Reaped => mover.reap(),
            Death::Dumped => {
                // The process may have been killed before it allowed dumps.
                let is_dumped = mover.dump();
                for dump in fs::read_dir(dumps).unwrap() {
                    fs::remove_file(dump.unwrap().path()).unwrap();
                }
                is_dumped
            }
            Death::OutOfMemory => {
                mover.run_out_of_memory(self.group.as_ref().expect("this death can be had"));
                true
            }
        };
        // The first way is the ordinary one.
        let (death, count) = &mut self.counts[if is_so { way } else { 0 }];
        *count += 1;
        *death
    }
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
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("dumps")).unwrap();
        Self {
            ledgers: names.iter().map(|name| SynchronizedLedger::create(name, Ledger::default()).unwrap()).collect(),
            progress: names.iter().map(|_| Progress { version: 0, since: Instant::now() }).collect(),
            names,
            directory,
        }
    }

    fn start(&self, mover: usize, seed: u64) -> Worker {
        let journal = self.journal().display().to_string();
        let names = self.names.iter().map(|name| String::from(&**name));
        let dumps = self.dumps().display().to_string();
        let options = ["--dump-into".to_owned(), dumps].into_iter();
        let arguments = options.chain([journal, mover.to_string(), seed.to_string()]).chain(names);
        Worker::start(env!("CARGO_BIN_EXE_victim"), "transfer", arguments)
    }

    fn dumps(&self) -> PathBuf {
        self.directory.path().join("dumps")
    }

    fn journal(&self) -> PathBuf {
        self.directory.path().join("journal")
    }

    fn blow(mut self, duration: Duration, deaths: &mut Deaths) {
        let mut random = fastrand::Rng::with_seed(number_of("SHARED_VALUE_SEED", 1));
        let mut movers: Vec<_> = (0..MOVERS).map(|mover| Some(self.start(mover, random.u64(..)))).collect();
        let start = Instant::now();
        // On a busy machine, few processes take a lock before they are killed.
        while start.elapsed() < duration
            || deaths.is_any_missing()
            || self.ledgers.iter().any(|ledger| ledger.recoveries() == 0)
        {
            assert!(start.elapsed() < duration + DEADLINE, "no process dies with the lock: {:?}", deaths.counts);
            let mover = random.usize(..MOVERS);
            if deaths.die(movers[mover].take().expect("all movers live"), &mut random, &self.dumps()) != Death::Killed {
                // Perhaps the kernel did not find the locks. Then a waiter asks for the owner after a second, but most movers do
                // not live as long.
                self.ledgers.iter().for_each(|ledger| drop(ledger.lock_timeout(HANGING).expect("the owner is gone")));
            }
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
        self.settle(deaths.total());
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
