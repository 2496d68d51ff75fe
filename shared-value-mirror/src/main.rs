//! The command `mirror`: publishes values of this machine, and follows those of others.

mod output;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Args, Parser, Subcommand};
use shared_value_mirror::{Follower, Publisher, Settings, SynchronizedMirrorStatus, Zenoh, remove};

use crate::output::{print, remark};

/// Carries shared values to other machines, over zenoh.
///
/// The machine that writes publishes names; the others follow them, and have ordinary values of the same type, which are
/// read-only for all other programs there.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Publish values or arenas of this machine until it is stopped
    Publish {
        /// Names of values or arenas; `ARENA[PATTERN]` for the keys that fit, where `*` and `?` stand for any characters
        #[arg(required = true)]
        names: Vec<String>,
        #[command(flatten)]
        link: Link,
    },
    /// Follow values or arenas of another machine until it is stopped
    Follow {
        /// Names of values or arenas at their origin
        #[arg(required = true)]
        names: Vec<String>,
        /// Put this text before the names of the replicas
        #[arg(long, default_value = "")]
        prefix: String,
        #[command(flatten)]
        link: Link,
    },
    /// Print the status of replicas: version, age, and whether the publisher is reachable
    Status {
        /// Names of replicas
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Remove replicas and their status; refused while a follower holds the replica
    Remove {
        /// Names of replicas
        #[arg(required = true)]
        names: Vec<String>,
    },
}

#[derive(Args)]
struct Link {
    /// Listen on this endpoint, such as `tcp/192.0.2.1:7447`; by default on the loopback interface only
    #[arg(long, value_name = "ENDPOINT")]
    listen: Vec<String>,
    /// Connect to this endpoint, and try again until it answers
    #[arg(long, value_name = "ENDPOINT")]
    connect: Vec<String>,
    /// Read a configuration of zenoh, in JSON5: for TLS, access control and the rest
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The most bytes that a value, or all values of an arena together, may have: give both sides one limit
    #[arg(long, value_name = "BYTES", default_value_t = 256 << 20)]
    limit: usize,
    /// Print a line of figures each second
    #[arg(long)]
    verbose: bool,
}

impl Link {
    fn open(&self) -> Result<Arc<Zenoh>> {
        let (listen, connect) = (self.listen.clone(), self.connect.clone());
        let settings = Settings { listen, connect, file: self.config.clone(), limit: Some(self.limit) };
        Ok(Arc::new(Zenoh::open(&settings)?))
    }
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Publish { names, link } => publish(&names, &link),
        Command::Follow { names, prefix, link } => follow(&names, &prefix, &link),
        Command::Status { names } => names.iter().try_for_each(|name| status(name)),
        Command::Remove { names } => {
            names.iter().try_for_each(|name| remove(name).with_context(|| format!("cannot remove `{name}`")))
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            remark(&format_args!("mirror: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn publish(names: &[String], link: &Link) -> Result<()> {
    let transport = link.open()?;
    let mut running = Vec::new();
    for name in names {
        let (name, keys) = split(name)?;
        running
            .push((name.to_owned(), Publisher::options().keys(keys).limit(link.limit).start(transport.clone(), name)?));
    }
    let mut errors = vec![0; running.len()];
    until_stopped(|| {
        for ((name, publisher), seen) in running.iter().zip(&mut errors) {
            let figures = publisher.figures();
            say(name, *seen, figures.errors, figures.last_error.as_deref());
            *seen = figures.errors;
            if link.verbose {
                print(&format_args!("{name}: {} answers, {} bytes", figures.answers, figures.bytes));
            }
        }
    })
}

fn follow(names: &[String], prefix: &str, link: &Link) -> Result<()> {
    let transport = link.open()?;
    let mut running = Vec::new();
    for name in names {
        let replica = format!("{prefix}{name}");
        let options = Follower::options().name(&replica).limit(link.limit);
        running.push((replica, options.start(transport.clone(), name)?));
    }
    let mut errors = vec![0; running.len()];
    until_stopped(|| {
        for ((name, follower), seen) in running.iter().zip(&mut errors) {
            let figures = follower.figures();
            say(name, *seen, figures.errors, figures.last_error.as_deref());
            *seen = figures.errors;
            if link.verbose {
                let status = figures.status;
                print(&format_args!(
                    "{name}: version {}, {} applied, {} bytes, {}",
                    status.version,
                    status.applied,
                    figures.bytes,
                    if status.is_reachable { "reachable" } else { "NOT reachable" },
                ));
            }
        }
    })
}

fn status(name: &str) -> Result<()> {
    let status = SynchronizedMirrorStatus::open_read_only(&*format!("{name}.mirror"));
    let status = status.with_context(|| format!("`{name}` is not a replica"))?.load()?;
    print(&format_args!(
        "{name}: version {} of {:032x}, {} applied, {} refused, confirmed {:.1} s ago, {}",
        status.version,
        status.origin_identity(),
        status.applied,
        status.refused,
        status.age().as_secs_f64(),
        if status.is_fresh() { "reachable" } else { "NOT reachable" },
    ));
    Ok(())
}

/// Splits `ARENA[PATTERN]`.
fn split(name: &str) -> Result<(&str, &str)> {
    match name.split_once('[') {
        None => Ok((name, "*")),
        Some((arena, rest)) => match rest.strip_suffix(']') {
            Some(keys) => Ok((arena, keys)),
            None => bail!("`{name}` has no `]` at its end: write `ARENA[PATTERN]`"),
        },
    }
}

/// Says the last error, if there was one since the last time.
fn say(name: &str, seen: u64, errors: u64, last: Option<&str>) {
    if errors != seen
        && let Some(error) = last
    {
        remark(&format_args!("mirror: {name}: {error} ({} times)", errors - seen));
    }
}

/// Calls `report` each second until a signal comes.
fn until_stopped(mut report: impl FnMut()) -> Result<()> {
    let (stop, stopped) = mpsc::channel();
    // If the receiver is gone, the program ends already.
    ctrlc::set_handler(move || {
        let _ = stop.send(());
    })?;
    while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(Duration::from_secs(1)) {
        report();
    }
    Ok(())
}
