//! Writers and readers of two fields that must always be equal.

use anyhow::{Result, bail, ensure};
use shared_value_tests::values::{LARGE, LINE, PAGE, SynchronizedTwins, Twins};
use shared_value_tests::{await_line, say};

/// The number of changes that a reader must see, which proves that it reads beside a writer.
const MET: u64 = 30;

/// Changes the twins in every way that commits, until it is killed.
#[derive(Debug, clap::Args)]
pub(crate) struct Write {
    name: String,
    words: usize,
}

/// Reads the twins `count` times, and tells how often they had changed.
#[derive(Debug, clap::Args)]
pub(crate) struct Read {
    name: String,
    words: usize,
    count: u64,
}

impl Write {
    pub(crate) fn run(self) -> Result<()> {
        match self.words {
            1 => write::<1>(&self.name),
            LINE => write::<LINE>(&self.name),
            LARGE => write::<LARGE>(&self.name),
            PAGE => write::<PAGE>(&self.name),
            words => bail!("no twins have {words} words between them"),
        }
    }
}

impl Read {
    pub(crate) fn run(self) -> Result<()> {
        match self.words {
            1 => read::<1>(&self.name, self.count),
            LINE => read::<LINE>(&self.name, self.count),
            LARGE => read::<LARGE>(&self.name, self.count),
            PAGE => read::<PAGE>(&self.name, self.count),
            words => bail!("no twins have {words} words between them"),
        }
    }
}

fn write<const WORDS: usize>(name: &str) -> Result<()> {
    let twins = SynchronizedTwins::<[u64; WORDS]>::open(name)?;
    let mut number = twins.left();
    say("writing");
    loop {
        number += 1;
        match number % 4 {
            0 => twins.set(Twins::of(number))?,
            1 => twins.update(|twins| *twins = Twins::of(number))?,
            2 => {
                let guard = twins.lock()?;
                guard.set_left(number)?;
                guard.set_right(number)?;
            }
            _ => {
                let guard = twins.lock()?;
                guard.set_right(number)?;
                guard.rollback();
                guard.set_left(number)?;
                twins.set_right(number)?;
                guard.commit();
                guard.set_left(0)?;
                guard.rollback();
            }
        }
    }
}

fn read<const WORDS: usize>(name: &str, count: u64) -> Result<()> {
    let twins = SynchronizedTwins::<[u64; WORDS]>::open(name)?;
    say("ready");
    await_line();
    let (mut reads, mut changes, mut latest) = (0, 0, 0);
    // On a busy machine, the reader and the writer may take turns for a while.
    while reads < count || changes < MET {
        reads += 1;
        let snapshot = twins.load()?;
        ensure!(snapshot.are_equal(), "torn: {} and {}", snapshot.left, snapshot.right);
        ensure!(snapshot.left >= latest, "time went back from {latest} to {}", snapshot.left);
        changes += u64::from(snapshot.left != latest);
        latest = snapshot.left;
    }
    say(changes);
    Ok(())
}
