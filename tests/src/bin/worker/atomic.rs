//! Changes atomic fields without the lock.

use anyhow::Result;
use shared_value_tests::values::SynchronizedTally;
use shared_value_tests::{await_line, say};

/// Does every atomic operation `count` times.
#[derive(Debug, clap::Args)]
pub(crate) struct Atomic {
    name: String,
    index: i64,
    count: i64,
}

impl Atomic {
    pub(crate) fn run(self) -> Result<()> {
        let tally = SynchronizedTally::open(&self.name)?;
        say("ready");
        await_line();
        for round in 0..self.count {
            // Only this process tries this number and its negative: the extremes of all are known.
            let mine = self.index * self.count + round;
            tally.sum().fetch_add(mine);
            tally.difference().fetch_sub(2);
            tally.largest().fetch_max(mine);
            tally.smallest().fetch_min(-mine);
            let mut seen = tally.compared().load();
            while let Err(changed) = tally.compared().compare_exchange(seen, seen + 3) {
                seen = changed;
            }
        }
        Ok(())
    }
}
