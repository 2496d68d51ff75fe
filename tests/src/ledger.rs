//! `Ledger`: accounts between which processes move a constant sum of money.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use shared_value::SharedValue;

/// The number of processes that move money.
pub const MOVERS: usize = 6;
/// The number of accounts.
pub const ACCOUNTS: usize = 10;
/// The sum of all accounts, which never changes.
pub const MONEY: i64 = 1_000_000;

/// Accounts between which processes move a constant sum of money, with a count of the moves of each process.
#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct Ledger {
    /// The money in each account.
    pub accounts: [i64; ACCOUNTS],
    /// The number of moves of each process.
    pub moves: [u64; MOVERS],
    /// The number of all moves.
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
    /// Moves money between two accounts, and counts the move for a process. Accounts may be overdrawn.
    pub fn transfer(&mut self, mover: usize, from: usize, to: usize, money: i64) {
        self.accounts[from] -= money;
        self.accounts[to] += money;
        self.moves[mover] += 1;
        self.total += 1;
    }

    /// Checks that the ledger contains whole changes only.
    ///
    /// # Errors
    /// If the sum of money differs from [`MONEY`], or the moves of the processes do not add up to the total.
    pub fn check(&self) -> Result<()> {
        let money: i64 = self.accounts.iter().sum();
        let moves: u64 = self.moves.iter().sum();
        ensure!(money == MONEY && moves == self.total, "{money} of {MONEY}, {moves} moves of {}: {self:?}", self.total);
        Ok(())
    }
}

/// The number of moves that each process knows that it has committed to each ledger, in a file that outlives the process.
#[derive(Debug)]
pub struct Journal {
    file: File,
}

impl Journal {
    /// Opens the journal in a file, and creates the file if it does not exist.
    ///
    /// # Errors
    /// If the file cannot be opened or created.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::options().read(true).write(true).create(true).truncate(false).open(path)?;
        Ok(Self { file })
    }

    fn offset(mover: usize, ledger: usize) -> u64 {
        const LEDGERS: usize = 16;
        ((mover * LEDGERS + ledger) * 8) as u64
    }

    /// Records the number of moves of a process in a ledger.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn note(&self, mover: usize, ledger: usize, count: u64) -> Result<()> {
        self.file.write_all_at(&count.to_ne_bytes(), Self::offset(mover, ledger)).context("record moves")
    }

    /// Returns the number that was recorded last, or 0.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn noted(&self, mover: usize, ledger: usize) -> Result<u64> {
        let mut count = [0; 8];
        match self.file.read_at(&mut count, Self::offset(mover, ledger))? {
            0 => Ok(0),
            length => {
                ensure!(length == 8, "the journal ends within a number");
                Ok(u64::from_ne_bytes(count))
            }
        }
    }
}
