//! A typed configuration that worker processes watch and reload.
//!
//! ```sh
//! cargo run --release --example config
//! ```
//!
//! The parent changes several settings in one commit, again and again. Three workers look at `version()`, which costs one
//! load, and take a new snapshot only when it has moved. Each snapshot must be valid, and each worker must end with the
//! last one. A change that fails validation is rolled back, and no worker ever sees it. The exit status is 1 if any of
//! these fails.

use std::io;
use std::process::{self, Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use shared_value::{FixedStr, SharedValue, unlink};

const WORKERS: u32 = 3;
const REVISIONS: u32 = 200;

/// The settings of the workers.
#[derive(SharedValue, Clone, Copy, Debug)]
#[repr(C)]
struct Config {
    revision: u32,
    stage: Stage,
    /// The host that the workers connect to. Each revision has a host of its own here, so that a mixture would show.
    endpoint: FixedStr<40>,
    pool_min: u32,
    pool_max: u32,
    timeout_seconds: f64,
}

#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(u8)]
enum Stage {
    Serving,
    Stopping,
}

impl Config {
    fn new() -> Result<Self> {
        let mut config = Self {
            revision: 0,
            stage: Stage::Serving,
            endpoint: FixedStr::default(),
            pool_min: 0,
            pool_max: 0,
            timeout_seconds: 0.5,
        };
        config.revise(1)?;
        Ok(config)
    }

    /// Changes everything that depends on the revision.
    fn revise(&mut self, revision: u32) -> Result<()> {
        self.revision = revision;
        self.endpoint = FixedStr::new(&format!("db-{revision}.example.net:5432"))?;
        self.pool_min = revision;
        self.pool_max = revision * 4;
        Ok(())
    }

    fn validate(&self) -> Result<()> {
        let Self { revision, endpoint, pool_min, pool_max, timeout_seconds, .. } = self;
        ensure!(endpoint.starts_with(&format!("db-{revision}.")), "`{endpoint}` is not of revision {revision}");
        ensure!(pool_min <= pool_max, "the minimum of the pool, {pool_min}, is above its maximum, {pool_max}");
        ensure!((0.001..=60.0).contains(timeout_seconds), "a timeout of {timeout_seconds} s is not from 0.001 to 60 s");
        Ok(())
    }
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [] => administrate(),
        [name] => work(name),
        _ => bail!("usage: config"),
    }
}

/// Lets the closure change the configuration, in one commit. If it fails, or the result is not valid, nothing changes and no
/// version is committed.
fn reconfigure(config: &SynchronizedConfig, change: impl FnOnce(&mut Config) -> Result<()>) -> Result<()> {
    config.try_update(|config| {
        change(config)?;
        config.validate()
    })
}

/// The work of a worker.
fn work(name: &str) -> Result<()> {
    let shared = SynchronizedConfig::open(name)?;
    let (mut polls, mut reloads) = (0_u64, 0_u64);
    let mut version = None;
    loop {
        polls += 1;
        // Loaded before the snapshot: a change in between is seen at the next look.
        let now = Some(shared.version());
        if version != now {
            version = now;
            reloads += 1;
            let config = shared.load()?;
            config.validate().context("a worker saw a configuration that is not valid")?;
            if config.stage == Stage::Stopping {
                println!("{} {reloads} {polls}", config.revision);
                return Ok(());
            }
        }
        thread::sleep(Duration::from_micros(200)); // A real worker would work here.
    }
}

/// The work of the parent.
fn administrate() -> Result<()> {
    let name = Name(format!("config.{}", process::id()));
    let config = SynchronizedConfig::create(&name.0, Config::new()?)?;
    let mut workers = (0..WORKERS).map(|_| Worker::start(&name.0)).collect::<Result<Vec<_>>>()?;

    for revision in 2..=REVISIONS {
        reconfigure(&config, |config| config.revise(revision))?;
        thread::sleep(Duration::from_millis(2));
    }
    println!("{REVISIONS} revisions, each in one commit: now {}, version {}", config.endpoint(), config.version());

    let (before, version) = (config.load()?, config.version());
    let refusal = reconfigure(&config, |config| {
        config.timeout_seconds = 5.0;
        config.pool_min = 10_000;
        Ok(())
    });
    let refusal = refusal.err().context("a pool with a minimum above its maximum was accepted")?;
    println!("a bad change is refused: {refusal}");
    ensure!(config.version() == version, "the bad change made a version");
    ensure!(config.pool_min() == before.pool_min, "the bad change was not rolled back");
    println!("nothing has changed: timeout {} s, version {}", config.timeout_seconds(), config.version());

    config.set_stage(Stage::Stopping)?;
    for (number, worker) in workers.iter_mut().enumerate() {
        let Report { revision, reloads, polls } = worker.report()?;
        println!("worker {number}: looked {polls} times, reloaded {reloads} times, last revision {revision}");
        ensure!(revision == REVISIONS, "worker {number} did not see the last revision");
    }
    Ok(())
}

/// A worker, killed on drop if it still runs.
struct Worker(Child);

struct Report {
    revision: u32,
    reloads: u64,
    polls: u64,
}

impl Worker {
    fn start(name: &str) -> Result<Self> {
        Ok(Self(Command::new(std::env::current_exe()?).arg(name).stdout(Stdio::piped()).spawn()?))
    }

    fn report(&mut self) -> Result<Report> {
        let line = io::read_to_string(self.0.stdout.take().context("the report was read before")?)?;
        ensure!(self.0.wait()?.success(), "a worker failed");
        let mut words = line.split_whitespace();
        let mut word = || words.next().context("a worker reported too little");
        Ok(Report { revision: word()?.parse()?, reloads: word()?.parse()?, polls: word()?.parse()? })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The name of the segment, unlinked on success and on failure.
struct Name(String);

impl Drop for Name {
    fn drop(&mut self) {
        let _ = unlink(&self.0);
    }
}
