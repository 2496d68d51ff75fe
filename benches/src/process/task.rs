//! `Task`: what a child has to do.

use std::env;
use std::hint;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use rustix::process::{Signal, set_parent_process_death_signal};
use shared_value::Source;

use crate::process::cores;
use crate::process::signals::{PATIENCE, SIGNALS, SynchronizedSignals};

/// What a child has to do.
pub struct Task {
    /// Leads to what the child works on.
    pub token: String,
    /// Tells the contestant which part of its work to do.
    pub parameter: String,
    /// None in a child that belongs to no team.
    signals: Option<SynchronizedSignals>,
}

impl Task {
    /// Takes the task from the command line of this process, which is a child.
    ///
    /// # Errors
    /// If no parent has started it.
    pub fn inherited(token: String, number: usize, parameter: String) -> Result<Self> {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        cores::pin(number)?;
        let open = |_| SynchronizedSignals::open(Source::inherited(SIGNALS));
        let signals = env::var_os(SIGNALS).map(open).transpose()?;
        Ok(Self { token, parameter, signals })
    }

    /// Reports that one step is done, and waits until the parent allows the next one.
    ///
    /// # Errors
    /// If the parent takes too long.
    pub fn ready(&self) -> Result<()> {
        let signals = self.signals.as_ref().context("a child without a team cannot wait for the next step")?;
        let step = signals.go().load();
        self.report();
        // Spins instead of sleeping, so that all children start at the same time.
        let deadline = Instant::now() + PATIENCE;
        while signals.go().load() == step {
            ensure!(Instant::now() < deadline, "the parent did not allow the next step in time");
            hint::spin_loop();
        }
        Ok(())
    }

    /// Reports that one step is done.
    pub fn report(&self) {
        if let Some(signals) = &self.signals {
            signals.ready().fetch_add(1);
        }
    }

    /// Whether the parent wants the child to end.
    #[inline(always)]
    pub fn is_over(&self) -> bool {
        self.signals.as_ref().is_none_or(|signals| signals.stop().load() != 0)
    }
}
