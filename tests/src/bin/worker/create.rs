//! Creates, opens and unlinks values, in many processes at once.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use rustix::fs::Mode;
use rustix::process::umask;
use shared_value::{Error, Synchronized, unlink};
use shared_value_tests::values::{SynchronizedTally, SynchronizedTwins, Twins};
use shared_value_tests::{SegmentName, await_line, say};

/// How often the value must have existed, and how often not. On a busy machine the processes take turns.
const MET: u64 = 20;

/// Creates values under several umasks, and checks their modes.
#[derive(Debug, clap::Args)]
pub(crate) struct Umask {
    directory: PathBuf,
    /// A free name, which the test unlinks.
    name: String,
}

/// Opens or creates a value in every round together with other processes, and tells the number of the creator.
#[derive(Debug, clap::Args)]
pub(crate) struct Race {
    gate: String,
    prefix: String,
    index: u64,
    rounds: u64,
}

/// Creates and unlinks a value until it is killed.
#[derive(Debug, clap::Args)]
pub(crate) struct Churn {
    name: String,
}

/// Opens a value that comes and goes, at least for some milliseconds, until it has found both often enough.
#[derive(Debug, clap::Args)]
pub(crate) struct OpenOften {
    name: String,
    milliseconds: u64,
}

/// Creates a value in a file and changes it.
#[derive(Debug, clap::Args)]
pub(crate) struct MakeFile {
    path: PathBuf,
}

impl Umask {
    pub(crate) fn run(self) -> Result<()> {
        let name = SegmentName::of(self.name);
        for mask in [0o022, 0o077, 0o007, 0] {
            umask(Mode::from_raw_mode(mask));
            for mode in [None, Some(0o600), Some(0o660), Some(0o644), Some(0o606)] {
                let options = Synchronized::options();
                let options = mode.map_or(options.clone(), |mode| options.mode(mode));
                let expected = mode.unwrap_or(0o600) & !mask;

                options.create(&name, 1_u64)?;
                expect_mode(&name.path(), expected)?;
                unlink(&name)?;
                options.open_or_create(&name, 1_u64)?;
                expect_mode(&name.path(), expected)?;
                unlink(&name)?;

                let path = self.directory.join(format!("{mask:o}-{expected:o}"));
                options.create(&path, 1_u64)?;
                expect_mode(&path, expected)?;
                fs::remove_file(&path)?;
                options.open_or_create(&path, 1_u64)?;
                expect_mode(&path, expected)?;
                fs::remove_file(&path)?;
            }
            Synchronized::create(&name, 1_u64)?;
            expect_mode(&name.path(), 0o600 & !mask)?;
            unlink(&name)?;
        }
        Ok(())
    }
}

fn expect_mode(path: &std::path::Path, expected: u32) -> Result<()> {
    let mode = fs::metadata(path)?.permissions().mode() & 0o7777;
    ensure!(mode == expected, "the mode is {mode:o}, not {expected:o}");
    Ok(())
}

impl Race {
    pub(crate) fn run(self) -> Result<()> {
        let gate = SynchronizedTally::open(&self.gate)?;
        say("ready");
        for round in 1..=self.rounds {
            gate.difference().fetch_add(1);
            // The gate opens for all processes at one moment.
            while gate.compared().load() < round {
                thread::yield_now();
            }
            let value = Synchronized::open_or_create(format!("{}-{round}", self.prefix), self.index)?;
            value.update(|_| ())?;
            say(value.get());
        }
        Ok(())
    }
}

impl Churn {
    pub(crate) fn run(self) -> Result<()> {
        say("ready");
        for number in 1_u64.. {
            let twins = SynchronizedTwins::create(&self.name, Twins::<[u64; 62]>::of(number))?;
            twins.update(|twins| *twins = Twins::of(number + 1))?;
            unlink(&self.name)?;
        }
        Ok(())
    }
}

impl OpenOften {
    pub(crate) fn run(self) -> Result<()> {
        let end = Instant::now() + Duration::from_millis(self.milliseconds);
        let (mut there, mut missing) = (0_u64, 0_u64);
        while Instant::now() < end || there < MET || missing < MET {
            match SynchronizedTwins::<[u64; 62]>::open(&self.name) {
                Ok(twins) => {
                    let value = twins.load()?;
                    ensure!(value.are_equal() && value.left > 0, "incomplete: {value:?}");
                    twins.update(|twins| twins.right = twins.left)?;
                    there += 1;
                }
                Err(Error::NotFound { .. }) => missing += 1,
                Err(error) => bail!("an error of another kind: {error}"),
            }
        }
        Ok(())
    }
}

impl MakeFile {
    pub(crate) fn run(self) -> Result<()> {
        let value = Synchronized::create(&self.path, [1_u64, 2])?;
        value.set_at(1, 22)?;
        say("made");
        await_line();
        Ok(())
    }
}
