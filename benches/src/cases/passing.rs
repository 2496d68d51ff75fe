//! Passing a value to a child.
#![allow(unsafe_code)]

use std::env;
use std::os::fd::RawFd;
use std::os::unix::process::CommandExt;
use std::time::Duration;
use std::time::Instant;

use anyhow::{Result, ensure};
use shared_value::{Source, Synchronized};

use crate::measure::{Case, Contestant, Entry, Reading, Unit};
use crate::process::{Task, child, spawned};

/// Starting a child that increments a value, and waiting until it ends.
pub(super) struct Passing;

/// The name under which the child finds the value.
const NAME: &str = "BENCHES_PASSED";

/// The number of the descriptor in a child of `posix_spawn`.
const NUMBER: RawFd = 100;

impl Case for Passing {
    fn name(&self) -> &'static str {
        "pass"
    }

    fn title(&self) -> &'static str {
        "start a child that adds to a value, and wait until it ends"
    }

    fn unit(&self) -> Unit {
        Unit::Microseconds
    }

    fn chart(&self) -> &'static str {
        "creating"
    }

    fn entries(&self) -> Vec<Entry> {
        let present = |way| Entry::Present(Box::new(Start(way)));
        [Way::Passed, Way::Spawned, Way::Token, Way::Forked, Way::Nothing].map(present).into()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Passed,
    /// Started by the C library's `posix_spawn`, which makes the child inherit the descriptor.
    Spawned,
    Token,
    /// With a `pre_exec` hook that does nothing: so `Command` forks, as it does for a value.
    Forked,
    Nothing,
}

struct Start(Way);

impl Contestant for Start {
    fn name(&self) -> &str {
        match self.0 {
            Way::Passed => "shared-value, pass_to",
            Way::Spawned => "shared-value, posix_spawn",
            Way::Token => "shared-value, token",
            Way::Forked => "a child without a value, empty pre_exec",
            Way::Nothing => "a child without a value",
        }
    }

    fn measure(&mut self, duration: Duration) -> Result<Reading> {
        let value = Synchronized::new(0_u32)?;
        let token = if self.0 == Way::Token { value.token()?.to_string() } else { String::new() };
        let (start, mut children) = (Instant::now(), 0);
        while start.elapsed() < duration {
            let mut command = child::command("pass", self.name(), &token, 1, "")?;
            children += 1;
            match self.0 {
                Way::Passed => value.pass_to(&mut command, NAME)?,
                Way::Spawned => {
                    command.env(NAME, value.inherited_entry(NUMBER));
                    spawned::run_with(&command, value.as_fd()?, NUMBER)?;
                    continue;
                }
                Way::Forked => {
                    // SAFETY: the hook does nothing.
                    unsafe { command.pre_exec(|| Ok(())) };
                }
                Way::Token | Way::Nothing => {}
            }
            let status = command.spawn()?.wait()?;
            ensure!(status.success(), "a child failed: {status}");
        }
        let elapsed = start.elapsed();
        let expected = if matches!(self.0, Way::Nothing | Way::Forked) { 0 } else { children };
        ensure!(value.get() == expected, "{children} children have counted to {}", value.get());
        Ok(Reading::of(elapsed.as_secs_f64() * 1e6 / f64::from(children)))
    }

    fn work(&self, task: &Task) -> Result<()> {
        match self.0 {
            Way::Passed | Way::Spawned => {
                Synchronized::<u32>::open(Source::inherited(NAME))?.update(|count| *count += 1)?;
            }
            Way::Token => Synchronized::<u32>::open(Source::token(&task.token))?.update(|count| *count += 1)?,
            Way::Nothing | Way::Forked => ensure!(env::var(NAME).is_err(), "a value was passed, but none should be"),
        }
        Ok(())
    }
}
