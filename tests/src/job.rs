//! `Job`: a message that hands over values and a lock.

use serde::{Deserialize, Serialize};
use shared_value::{Error, RLock, ReadOnly, Source, Synchronized, Unlocked};

use crate::values::SynchronizedAccount;

/// Work on values of the sender.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Job {
    /// The account to change.
    pub account: SynchronizedAccount,
    /// The amount to add, which the receiver can only read.
    pub amount: Synchronized<i64, ReadOnly>,
    /// A number without a lock.
    pub raw: Synchronized<u32, Unlocked>,
    /// The lock that guards another number.
    pub lock: RLock,
    /// The token of that number, as text.
    pub guarded: String,
}

impl Job {
    /// Does the work.
    ///
    /// # Errors
    /// If a value cannot be changed.
    pub fn work(&self) -> Result<(), Error> {
        let amount = self.amount.get();
        self.account.update_balance(|balance| *balance += amount)?;
        self.raw.set(self.raw.get() + 1)?;
        let guarded = Synchronized::<u64>::options().lock(&self.lock).open(Source::token(&self.guarded))?;
        guarded.update(|number| *number += 1)
    }
}
