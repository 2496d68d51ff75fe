//! The processes that a contestant needs: this program once more, in another role.

use std::collections::BTreeMap;
use std::env;
use std::hint;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process, set_parent_process_death_signal};
use rustix::thread::{CpuSet, sched_setaffinity};
use shared_value::{SharedValue, Source};

/// How long anybody waits for another process.
const PATIENCE: Duration = Duration::from_secs(20);

/// The environment entry by which children find the [`Signals`].
const SIGNALS: &str = "BENCHES_SIGNALS";

/// The environment entry by which children, which inherit a narrower choice, learn of all cores.
const CORES_ENTRY: &str = "BENCHES_CORES";

/// What the processes of one measurement tell each other.
#[derive(SharedValue, Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct Signals {
    /// How many steps the children have done, together.
    #[shared(atomic)]
    ready: u64,
    /// How many steps the children may do.
    #[shared(atomic)]
    go: u64,
    /// Not 0: enough.
    #[shared(atomic)]
    stop: u64,
}

/// What a child has to do.
pub struct Task {
    /// What it works on.
    pub token: String,
    /// What the case makes of it.
    pub part: String,
    /// None where the child goes its way alone.
    signals: Option<SynchronizedSignals>,
}

impl Task {
    /// Of the command line of this process, which is a child.
    ///
    /// # Errors
    /// If no parent has started it.
    pub fn inherited(token: String, number: usize, part: String) -> Result<Self> {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        pin(number)?;
        let signals = env::var_os(SIGNALS).map(|_| SynchronizedSignals::open(Source::inherited(SIGNALS))).transpose()?;
        Ok(Self { token, part, signals })
    }

    /// Says that one step is done, and waits until the parent allows the next one.
    ///
    /// # Errors
    /// If that takes too long.
    pub fn ready(&self) -> Result<()> {
        let signals = self.signals.as_ref().context("a child that is not of a team")?;
        let step = signals.go().load();
        self.report();
        // Awake, so that all start at once.
        let deadline = Instant::now() + PATIENCE;
        while signals.go().load() == step {
            ensure!(Instant::now() < deadline, "the parent has forgotten this process");
            hint::spin_loop();
        }
        Ok(())
    }

    /// Says that one step is done.
    pub fn report(&self) {
        if let Some(signals) = &self.signals {
            signals.ready().fetch_add(1);
        }
    }

    /// Whether it is enough.
    #[inline(always)]
    pub fn is_over(&self) -> bool {
        self.signals.as_ref().is_none_or(|signals| signals.stop().load() != 0)
    }
}

/// The children of one measurement. They die with it.
pub struct Team {
    signals: SynchronizedSignals,
    children: Vec<Child>,
    /// How many steps they have been awaited for.
    steps: u64,
}

impl Team {
    /// Nobody yet.
    ///
    /// # Errors
    /// If there is no memory.
    pub fn new() -> Result<Self> {
        Ok(Self { signals: SynchronizedSignals::new(Signals::default())?, children: Vec::new(), steps: 0 })
    }

    /// Starts a child that does its part of the contestant's work in a case.
    ///
    /// # Errors
    /// If there is no process to be had.
    pub fn start(&mut self, case: &str, contestant: &str, token: &str, part: &str) -> Result<()> {
        self.start_at(self.children.len(), case, contestant, token, part)
    }

    /// The same, on the core of another number than the child's.
    ///
    /// # Errors
    /// If there is no process to be had.
    pub fn start_at(&mut self, number: usize, case: &str, contestant: &str, token: &str, part: &str) -> Result<()> {
        let mut command = command(case, contestant, token, number, part)?;
        self.signals.pass_to(&mut command, SIGNALS)?;
        self.children.push(command.stdout(Stdio::piped()).spawn()?);
        Ok(())
    }

    /// Waits until so many more steps are done.
    ///
    /// # Errors
    /// If a child ends before, or it takes too long.
    pub fn wait_for(&mut self, steps: u64) -> Result<()> {
        self.steps += steps;
        let deadline = Instant::now() + PATIENCE;
        while self.signals.ready().load() < self.steps {
            ensure!(Instant::now() < deadline, "a child has not come to its work");
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

    /// Says that it is enough.
    pub fn stop(&self) {
        self.signals.stop().fetch_add(1);
    }

    /// Waits until a child sleeps in the kernel.
    ///
    /// # Errors
    /// If it does not.
    pub fn wait_until_asleep(&self, number: usize) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let path = format!("/proc/{}/stat", self.children[number].id());
        let mut seen = 0;
        // More than once: it may sleep for another reason, for a moment.
        while seen < 5 {
            ensure!(Instant::now() < deadline, "a child that should sleep does not");
            let stat = std::fs::read_to_string(&path)?;
            let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
            seen = if state == Some('S') { seen + 1 } else { 0 };
            thread::sleep(Duration::from_micros(200));
        }
        Ok(())
    }

    /// Kills a child, and says when.
    ///
    /// # Errors
    /// If there is none.
    pub fn kill(&mut self, number: usize) -> Result<u64> {
        let child = &self.children[number];
        let now = monotonic();
        kill_process(Pid::from_child(child), Signal::KILL)?;
        Ok(now)
    }

    /// What a child has found, once it has ended.
    ///
    /// # Errors
    /// If it failed.
    pub fn findings(&mut self, number: usize) -> Result<Findings> {
        let child = &mut self.children[number];
        let mut output = String::new();
        child.stdout.take().context("heard already")?.read_to_string(&mut output)?;
        let status = child.wait()?;
        ensure!(status.success(), "a child failed: {status}");
        serde_json::from_str(&output).with_context(|| format!("a child said {output:?}"))
    }

    /// What all of them have found.
    ///
    /// # Errors
    /// If one has failed.
    pub fn all_findings(&mut self) -> Result<Vec<Findings>> {
        (0..self.children.len()).map(|number| self.findings(number)).collect()
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        for child in &mut self.children {
            // One that has ended already cannot be killed, and is waited for all the same.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Numbers that a child has found.
pub type Findings = BTreeMap<String, u64>;

/// Prints what a child has found.
pub fn tell(findings: &[(&str, u64)]) {
    let findings: BTreeMap<_, _> = findings.iter().copied().collect();
    println!("{}", serde_json::json!(findings));
}

/// This program, in the role of a child.
///
/// # Errors
/// If it does not know its own file.
pub fn command(case: &str, contestant: &str, token: &str, number: usize, part: &str) -> Result<Command> {
    let mut command = Command::new(env::current_exe()?);
    command.args(["role", case, contestant, token, &number.to_string(), part]);
    with_cores(&mut command);
    Ok(command)
}

/// Tells a program that will be started which cores it may choose from.
pub fn with_cores(command: &mut Command) -> &mut Command {
    command.env(CORES_ENTRY, cores().iter().map(ToString::to_string).collect::<Vec<_>>().join(","))
}

/// Keeps this thread to one of the cores.
///
/// # Errors
/// If the system does not allow it.
pub fn pin(number: usize) -> Result<()> {
    let mut set = CpuSet::new();
    let cores = cores();
    set.set(cores[number % cores.len()]);
    sched_setaffinity(None, &set).context("keep a thread to one core")
}

/// The cores that this process could use when it was started.
pub fn cores() -> &'static [usize] {
    static CORES: OnceLock<Vec<usize>> = OnceLock::new();
    CORES.get_or_init(|| {
        let entry = env::var(CORES_ENTRY).unwrap_or_default();
        if !entry.is_empty() {
            return entry.split(',').filter_map(|core| core.parse().ok()).collect();
        }
        let set = rustix::thread::sched_getaffinity(None).unwrap_or_default();
        (0..CpuSet::MAX_CPU).filter(|core| set.is_set(*core)).collect()
    })
}

/// Nanoseconds of the clock that all processes share.
pub fn monotonic() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec.cast_unsigned() * 1_000_000_000 + now.tv_nsec.cast_unsigned()
}
