//! `Team`: the children of one measurement.

use std::fs;
use std::io::Read;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::process::child::{self, Findings};
use crate::process::clock;
use crate::process::signals::{PATIENCE, SIGNALS, Signals, SynchronizedSignals};

/// The children of one measurement, which are killed when it ends.
pub struct Team {
    signals: SynchronizedSignals,
    children: Vec<Child>,
    /// How many steps [`wait_for`](Self::wait_for) has waited for until now.
    steps: u64,
}

impl Team {
    /// Creates a team without children.
    ///
    /// # Errors
    /// If there is no memory.
    pub fn new() -> Result<Self> {
        Ok(Self { signals: SynchronizedSignals::new(Signals::default())?, children: Vec::new(), steps: 0 })
    }

    /// Starts a child that does its part of the contestant's work in a case, on the next core.
    ///
    /// # Errors
    /// If the system cannot start a process.
    pub fn start(&mut self, case: &str, contestant: &str, token: &str, parameter: &str) -> Result<()> {
        self.start_at(self.children.len(), case, contestant, token, parameter)
    }

    /// Starts a child as [`start`](Self::start) does, on the core of a given number.
    ///
    /// # Errors
    /// If the system cannot start a process.
    pub fn start_at(&mut self, core: usize, case: &str, contestant: &str, token: &str, parameter: &str) -> Result<()> {
        let mut command = child::command(case, contestant, token, core, parameter)?;
        self.signals.pass_to(&mut command, SIGNALS)?;
        self.children.push(command.stdout(Stdio::piped()).spawn()?);
        Ok(())
    }

    /// Waits until the children have finished this number of further steps.
    ///
    /// # Errors
    /// If a child ends before that, or the children take too long.
    pub fn wait_for(&mut self, steps: u64) -> Result<()> {
        self.steps += steps;
        let deadline = Instant::now() + PATIENCE;
        while self.signals.ready().load() < self.steps {
            ensure!(Instant::now() < deadline, "a child did not finish its step in time");
            for child in &mut self.children {
                if let Some(status) = child.try_wait()? {
                    bail!("a child ended too early: {status}");
                }
            }
            thread::sleep(Duration::from_micros(50));
        }
        Ok(())
    }

    /// Allows the next step.
    pub fn go(&self) {
        self.signals.go().fetch_add(1);
    }

    /// Tells the children to end.
    pub fn stop(&self) {
        self.signals.stop().fetch_add(1);
    }

    /// Waits until a child sleeps in the kernel.
    ///
    /// # Errors
    /// If it does not fall asleep in time.
    pub fn wait_until_asleep(&self, number: usize) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let path = format!("/proc/{}/stat", self.children[number].id());
        let mut seen = 0;
        // Looks five times, because a child may also sleep for a moment for another reason.
        while seen < 5 {
            ensure!(Instant::now() < deadline, "a child that should sleep is awake");
            let stat = fs::read_to_string(&path)?;
            let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
            seen = if state == Some('S') { seen + 1 } else { 0 };
            thread::sleep(Duration::from_micros(200));
        }
        Ok(())
    }

    /// Kills a child, and returns the time just before, in nanoseconds of the [clock](clock::monotonic).
    ///
    /// # Errors
    /// If the signal cannot be sent.
    pub fn kill(&mut self, number: usize) -> Result<u64> {
        let child = &self.children[number];
        let now = clock::monotonic();
        kill_process(Pid::from_child(child), Signal::KILL)?;
        Ok(now)
    }

    /// Waits until a child ends, and returns its findings.
    ///
    /// # Errors
    /// If the child failed.
    pub fn findings(&mut self, number: usize) -> Result<Findings> {
        let child = &mut self.children[number];
        let mut output = String::new();
        child.stdout.take().context("the findings of a child are read once")?.read_to_string(&mut output)?;
        let status = child.wait()?;
        ensure!(status.success(), "a child failed: {status}");
        serde_json::from_str(&output).with_context(|| format!("parse the findings of a child: {output:?}"))
    }

    /// Returns the findings of all children.
    ///
    /// # Errors
    /// If one of them failed.
    pub fn all_findings(&mut self) -> Result<Vec<Findings>> {
        (0..self.children.len()).map(|number| self.findings(number)).collect()
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        for child in &mut self.children {
            // Killing fails if the child has ended already; it must be waited for in either case.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
