//! Changes values without pause, to be killed at a random instruction.

use anyhow::Result;
use shared_value_tests::say;
use shared_value_tests::values::{LARGE, SynchronizedTwins, Twins};

/// Changes two values, alone and together, in all ways, until it is killed.
#[derive(Debug, clap::Args)]
pub(crate) struct Storm {
    small: String,
    large: String,
    seed: u64,
}

impl Storm {
    pub(crate) fn run(self) -> Result<()> {
        let small = SynchronizedTwins::<[u64; 1]>::open(&self.small)?;
        let large = SynchronizedTwins::<[u64; LARGE]>::open(&self.large)?;
        let mut random = fastrand::Rng::with_seed(self.seed);
        say("ready");
        loop {
            match random.u32(..6) {
                0 => small.update(|twins| *twins = Twins::of(twins.left + 1))?,
                1 => large.update(|twins| *twins = Twins::of(twins.left + 1))?,
                2 => {
                    let guard = small.lock()?;
                    let next = guard.left() + 1;
                    guard.set_left(next)?;
                    guard.set_right(next)?;
                }
                3 => {
                    let guard = large.lock()?;
                    let next = guard.left() + 1;
                    guard.set_right(next)?;
                    guard.rollback();
                    guard.set(Twins::of(next))?;
                    guard.commit();
                    guard.set_left(0)?;
                    guard.rollback();
                }
                4 => {
                    // Locked in this order always, because two processes with different orders would deadlock.
                    let outer = small.lock()?;
                    let inner = large.lock()?;
                    large.set(Twins::of(inner.left() + 1))?;
                    outer.update(|twins| *twins = Twins::of(twins.left + 1))?;
                    drop(inner);
                }
                _ => {
                    let outer = small.lock()?;
                    let inner = large.lock()?;
                    let again = small.lock()?;
                    small.set(Twins::of(again.left() + 1))?;
                    drop(outer);
                    drop(again);
                    let next = inner.left() + 1;
                    inner.set_left(next)?;
                    inner.set_right(next)?;
                }
            }
        }
    }
}
