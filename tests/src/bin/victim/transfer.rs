//! Moves money in all ways, to be killed at a random moment.

use std::env;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};
use shared_value::{Error, LockError};
use shared_value_tests::death::allow_dumps;
use shared_value_tests::ledger::{ACCOUNTS, Journal, LedgerGuard, SynchronizedLedger};
use shared_value_tests::{await_line, say};

/// Moves money in some ledgers until the line `stop` comes on standard input. After the line `take memory`, it takes memory
/// too, until it is killed.
#[derive(Debug, clap::Args)]
pub(crate) struct Transfer {
    journal: PathBuf,
    mover: usize,
    seed: u64,
    #[arg(required = true)]
    ledgers: Vec<String>,
    /// Where to write a dump.
    #[arg(long)]
    dump_into: Option<PathBuf>,
}

/// One move.
#[derive(Clone, Copy)]
struct Move {
    from: usize,
    to: usize,
    money: i64,
}

/// A process that moves money.
struct Mover {
    number: usize,
    ledgers: Vec<SynchronizedLedger>,
    journal: Journal,
    /// The number of its moves in each ledger.
    moves: Vec<u64>,
    random: fastrand::Rng,
}

impl Transfer {
    pub(crate) fn run(self) -> Result<()> {
        static STOP: AtomicBool = AtomicBool::new(false);
        if let Some(directory) = &self.dump_into {
            allow_dumps()?;
            env::set_current_dir(directory)?;
        }
        let ledgers: Vec<_> = self.ledgers.iter().map(SynchronizedLedger::open).collect::<Result<_, _>>()?;
        let mut mover = Mover {
            number: self.mover,
            moves: ledgers.iter().map(|ledger| ledger.in_moves().at(self.mover)).collect(),
            ledgers,
            journal: Journal::open(&self.journal)?,
            random: fastrand::Rng::with_seed(self.seed),
        };
        mover.resume()?;
        say("ready");
        thread::spawn(|| {
            if await_line() == "take memory" {
                take_memory();
            }
            STOP.store(true, Relaxed);
        });
        while !STOP.load(Relaxed) {
            mover.act()?;
        }
        Ok(())
    }
}

/// Takes memory and uses it, until the kernel has none left for this process.
fn take_memory() -> ! {
    loop {
        mem::forget(vec![1_u8; 1 << 16]);
    }
}

impl Mover {
    /// Continues the work of a killed predecessor. At most one of its commits may be missing in the journal.
    fn resume(&mut self) -> Result<()> {
        for (ledger, moves) in self.moves.iter().enumerate() {
            let noted = self.journal.noted(self.number, ledger)?;
            ensure!(
                *moves == noted || *moves == noted + 1,
                "mover {} has recorded {noted} moves in ledger {ledger}, which counts {moves}",
                self.number
            );
            self.journal.note(self.number, ledger, *moves)?;
        }
        Ok(())
    }

    fn choose(&mut self) -> Move {
        Move {
            from: self.random.usize(..ACCOUNTS),
            to: self.random.usize(..ACCOUNTS),
            money: self.random.i64(1..1_000),
        }
    }

    /// Counts a committed move in a ledger.
    fn committed(&mut self, ledger: usize) -> Result<()> {
        self.moves[ledger] += 1;
        self.journal.note(self.number, ledger, self.moves[ledger])
    }

    fn act(&mut self) -> Result<()> {
        let number = self.random.usize(..self.ledgers.len());
        let ledger = self.ledgers[number].clone();
        let Move { from, to, money } = self.choose();
        let mover = self.number;
        match self.random.u32(..10) {
            0..3 => ledger.update(|ledger| ledger.transfer(mover, from, to, money))?,
            3 => {
                let guard = ledger.lock()?;
                write(&guard, mover, from, to, money)?;
                drop(guard);
            }
            4 => {
                let guard = ledger.lock()?;
                write(&guard, mover, from, to, money)?;
                guard.commit();
                self.committed(number)?;
                guard.set_total(0)?;
                guard.rollback();
                guard.update(|ledger| ledger.transfer(mover, to, from, money))?;
            }
            5 => {
                let outer = ledger.lock()?;
                ledger.in_accounts().set_at(from, ledger.in_accounts().at(from) - money)?;
                let inner = ledger.lock()?;
                ledger.in_accounts().set_at(to, ledger.in_accounts().at(to) + money)?;
                drop(outer);
                ledger.update_total(|total| *total += 1)?;
                ledger.in_moves().set_at(mover, ledger.in_moves().at(mover) + 1)?;
                drop(inner);
            }
            6 => match ledger.lock_timeout(Duration::from_micros(self.random.u64(..2_000))) {
                Ok(guard) => write(&guard, mover, from, to, money)?,
                Err(Error::Lock(LockError::TimedOut)) => return Ok(()),
                Err(error) => return Err(error.into()),
            },
            7 => {
                let update = || ledger.update(|_| resume_unwind(Box::new(())));
                ensure!(catch_unwind(AssertUnwindSafe(update)).is_err(), "`update` has caught a panic");
                return Ok(());
            }
            8 => {
                ledger.load()?.check()?;
                let mine = ledger.in_moves().at(mover);
                ensure!(mine == self.moves[number], "{mine} moves of {mover} are left, not {}", self.moves[number]);
                return Ok(());
            }
            _ => return self.act_on_several(),
        }
        self.committed(number)
    }

    /// Moves money in some ledgers under all their locks.
    fn act_on_several(&mut self) -> Result<()> {
        let all = self.ledgers.clone();
        // Locked in this order always, because two movers with different orders would deadlock.
        let numbers: Vec<_> = (0..all.len()).filter(|_| self.random.u32(..3) > 0).collect();
        let mut guards = Vec::new();
        for number in numbers {
            guards.push((number, all[number].lock()?));
        }
        for (_, guard) in &guards {
            let Move { from, to, money } = self.choose();
            write(guard, self.number, from, to, money)?;
        }
        self.random.shuffle(&mut guards);
        while let Some((number, guard)) = guards.pop() {
            drop(guard);
            self.committed(number)?;
        }
        Ok(())
    }
}

/// Moves money by one write after the other.
fn write(guard: &LedgerGuard<'_>, mover: usize, from: usize, to: usize, money: i64) -> Result<(), Error> {
    let (balances, counts) = (guard.in_accounts(), guard.in_moves());
    balances.set_at(from, balances.at(from) - money)?;
    guard.set_total(guard.total() + 1)?;
    balances.set_at(to, balances.at(to) + money)?;
    counts.set_at(mover, counts.at(mover) + 1)
}
