//! `Job`: a message that hands values and their lock over.

use serde::{Deserialize, Serialize};
use shared_value::{Error, Options, RLock, ReadOnly, Synchronized, Unlocked};

use crate::values::SynchronizedAccount;

/// Work on values that the sender has.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Job {
    /// The account to change.
    pub account: SynchronizedAccount,
    /// By how much: to be read only.
    pub amount: Synchronized<i64, ReadOnly>,
    /// A number that has no lock.
    pub raw: Synchronized<u32, Unlocked>,
    /// A lock, and the token of the number that it guards.
    pub lock: RLock,
    /// See `lock`.
    pub guarded: String,
}

impl Job {
    /// Does it.
    ///
    /// # Errors
    /// If a value cannot be changed.
    pub fn work(&self) -> Result<(), Error> {
        let amount = self.amount.get();
        self.account.update_balance(|balance| *balance += amount)?;
        self.raw.set(self.raw.get() + 1)?;
        let guarded = Options::new().lock(&self.lock).from_token::<u64>(&self.guarded)?;
        guarded.update(|number| *number += 1)
    }
}
