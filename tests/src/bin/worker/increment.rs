//! Counts under the lock.

use anyhow::Result;
use shared_value_tests::values::SynchronizedTally;
use shared_value_tests::{await_line, say};

/// Adds 1 to the total and to the lane of this process, `count` times.
#[derive(Debug, clap::Args)]
pub(crate) struct Increment {
    name: String,
    lane: usize,
    count: u64,
}

impl Increment {
    pub(crate) fn run(self) -> Result<()> {
        let tally = SynchronizedTally::open(&self.name)?;
        say("ready");
        await_line();
        for round in 0..self.count {
            tally.update_total(|total| *total += 1)?;
            match round % 4 {
                0 => tally.update(|tally| tally.lanes[self.lane] += 1)?,
                1 => tally.update_lanes(|lanes| lanes[self.lane] += 1)?,
                2 => tally.in_lanes().set_at(self.lane, tally.in_lanes().at(self.lane) + 1)?,
                _ => {
                    let guard = tally.lock()?;
                    let counted = guard.in_lanes().at(self.lane);
                    guard.in_lanes().set_at(self.lane, counted + 1)?;
                }
            }
        }
        Ok(())
    }
}
