//! `Ledger`: money that is moved and never made, and who has moved it.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use shared_value::SharedValue;

/// How many processes move money.
pub const MOVERS: usize = 6;
/// Between how many accounts.
pub const ACCOUNTS: usize = 10;
/// How much there is, in all accounts together.
pub const MONEY: i64 = 1_000_000;

/// Money that is moved and never made, and who has moved it.
#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct Ledger {
    /// How much is in each account.
    pub accounts: [i64; ACCOUNTS],
    /// How often each process has moved some.
    pub moves: [u64; MOVERS],
    /// How often all of them have.
    pub total: u64,
}

impl Default for Ledger {
    fn default() -> Self {
        let mut accounts = [0; ACCOUNTS];
        accounts[0] = MONEY;
        Self { accounts, moves: [0; MOVERS], total: 0 }
    }
}

impl Ledger {
    /// Moves money for a process. Accounts may be overdrawn.
    pub fn transfer(&mut self, mover: usize, from: usize, to: usize, money: i64) {
        self.accounts[from] -= money;
        self.accounts[to] += money;
        self.moves[mover] += 1;
        self.total += 1;
    }

    /// # Errors
    /// If money was lost or made, or a move was not counted everywhere: if a half of a change is seen.
    pub fn check(&self) -> Result<()> {
        let money: i64 = self.accounts.iter().sum();
        let moves: u64 = self.moves.iter().sum();
        ensure!(money == MONEY && moves == self.total, "{money} of {MONEY}, {moves} moves of {}: {self:?}", self.total);
        Ok(())
    }
}

/// What each process knows to have committed to each ledger: numbers in a file, which outlives the process.
#[derive(Debug)]
pub struct Journal {
    file: File,
}

impl Journal {
    /// The journal in a file, which is created if there is none.
    ///
    /// # Errors
    /// If that cannot be done.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::options().read(true).write(true).create(true).truncate(false).open(path)?;
        Ok(Self { file })
    }

    fn place(mover: usize, ledger: usize) -> u64 {
        const LEDGERS: usize = 16;
        ((mover * LEDGERS + ledger) * 8) as u64
    }

    /// Notes how often a process has moved money in a ledger.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn note(&self, mover: usize, ledger: usize, count: u64) -> Result<()> {
        self.file.write_all_at(&count.to_ne_bytes(), Self::place(mover, ledger)).context("note moves")
    }

    /// What was noted last.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn noted(&self, mover: usize, ledger: usize) -> Result<u64> {
        let mut count = [0; 8];
        match self.file.read_at(&mut count, Self::place(mover, ledger))? {
            0 => Ok(0),
            length => {
                ensure!(length == 8, "a part of a number");
                Ok(u64::from_ne_bytes(count))
            }
        }
    }
}
