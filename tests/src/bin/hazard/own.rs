//! Owns a lock inside of an `update`.

use anyhow::Result;
use shared_value_tests::values::{Account, SynchronizedAccount};
use shared_value_tests::{await_line, say};

/// Prints a line in the closure of an `update`, and leaves the closure when a line comes.
#[derive(Debug, clap::Args)]
pub(crate) struct Own {
    name: String,
}

/// Adds 1 to a number in every round.
#[derive(Debug, clap::Args)]
pub(crate) struct Count {
    name: String,
    rounds: u64,
}

impl Own {
    pub(crate) fn run(self) -> Result<()> {
        let account = SynchronizedAccount::open(&self.name)?;
        account.update(|account| {
            account.balance = -1;
            say("held");
            await_line();
            *account = Account::after(2);
        })?;
        say("released");
        await_line();
        Ok(())
    }
}

impl Count {
    pub(crate) fn run(self) -> Result<()> {
        let number = shared_value::Synchronized::<u64>::open(&self.name)?;
        say("ready");
        await_line();
        for _ in 0..self.rounds {
            number.update(|number| *number += 1)?;
        }
        say("counted");
        Ok(())
    }
}
