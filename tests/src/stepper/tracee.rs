//! `Tracee`: a forked process under `ptrace`.
#![allow(unsafe_code)]

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "x86_64")]
mod x86_64;

use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork};
use rustix::process::set_parent_process_death_signal;

use super::allocator::begin_victim;
use super::scenario::{Death, Found, Harm, Scenario};
use crate::{DEADLINE, end_now};

#[cfg(target_arch = "aarch64")]
pub(super) use aarch64::STAYS_AT_BREAKPOINT;
#[cfg(target_arch = "x86_64")]
pub(super) use x86_64::STAYS_AT_BREAKPOINT;

/// A process counts as asleep when it was asleep at this many looks in a row.
const LOOKS_ASLEEP: u32 = 4;
const BETWEEN_LOOKS: Duration = Duration::from_micros(150);

/// A forked process under `ptrace`. Dropping this kills it.
#[derive(Debug)]
pub(super) struct Tracee {
    process: Pid,
    alive: bool,
    /// The words whose watchpoints end and begin again at each stop.
    #[cfg(target_arch = "aarch64")]
    watched: Vec<u64>,
}

/// The reason of a stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// It is about to execute the instruction at this address.
    At(u64),
    /// It is about to enter a system call, or has just left one.
    Call,
    /// It has reached a mark.
    Mark,
}

/// The result of a wait for a process that was let run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waited {
    Stopped(Stop),
    /// It sleeps in a system call and is not stopped: call `wait` again.
    Asleep,
}

impl Tracee {
    fn at(process: Pid) -> Self {
        Self {
            process,
            alive: true,
            #[cfg(target_arch = "aarch64")]
            watched: Vec::new(),
        }
    }

    /// Forks a process that runs the closure, and waits until it has reached its first mark.
    pub(super) fn start(victim: impl FnOnce()) -> Result<Self> {
        // SAFETY: the child calls only functions that work in a forked child: the C library's allocator, standard error, and
        // the library under test, which promises to work there.
        let process = match unsafe { fork() }.context("fork")? {
            ForkResult::Parent { child } => child,
            ForkResult::Child => {
                begin_victim();
                let ran = panic::catch_unwind(AssertUnwindSafe(|| {
                    // When a test is killed, its victims die too.
                    set_parent_process_death_signal(Some(rustix::process::Signal::KILL)).expect("a valid signal");
                    ptrace::traceme().expect("no other process traces it");
                    victim();
                }));
                end_now(if ran.is_ok() { 0 } else { 101 });
            }
        };
        let mut tracee = Self::at(process);
        let stop = tracee.stop().context("the victim did not reach its mark")?;
        ensure!(stop == Stop::Mark, "the victim stopped before its mark: {stop:?}");
        tracee.pass_mark()?;
        let options = Options::PTRACE_O_EXITKILL | Options::PTRACE_O_TRACESYSGOOD;
        ptrace::setoptions(process, options).context("PTRACE_SETOPTIONS")?;
        Ok(tracee)
    }

    /// Prepares a scenario, and starts its victim, or the child that this forks if the scenario says so.
    ///
    /// One function starts all victims that must go the same way: their stacks are then at the same place. A copy of many words
    /// goes another way if its source and its target lie at certain places of their pages.
    #[inline(never)]
    pub(super) fn of(scenario: &mut dyn Scenario) -> Result<Self> {
        scenario.reset();
        let mut victim = Self::start(|| scenario.victim())?;
        if scenario.kills_child() {
            victim = victim.fork()?;
        }
        scenario.started();
        Ok(victim)
    }

    /// Lets it run until it has forked. Then it is killed, and its child goes on in its place, before the first instruction.
    fn fork(self) -> Result<Self> {
        let options = Options::PTRACE_O_EXITKILL | Options::PTRACE_O_TRACESYSGOOD | Options::PTRACE_O_TRACEFORK;
        ptrace::setoptions(self.process, options).context("PTRACE_SETOPTIONS")?;
        ptrace::cont(self.process, None).context("PTRACE_CONT")?;
        let status = waitpid(self.process, None).context("waitpid")?;
        let is_forked = matches!(status, WaitStatus::PtraceEvent(_, _, libc::PTRACE_EVENT_FORK));
        ensure!(is_forked, "the victim did not fork: {status:?}");
        let child = ptrace::getevent(self.process).context("PTRACE_GETEVENTMSG")?;
        let child = Self::at(Pid::from_raw(child.try_into().context("a process id")?));
        let status = waitpid(child.process, None).context("waitpid")?;
        ensure!(matches!(status, WaitStatus::Stopped(..)), "the child of the victim did not stop: {status:?}");
        self.kill()?;
        Ok(child)
    }

    /// Returns the process id.
    pub(super) fn id(&self) -> u32 {
        self.process.as_raw().unsigned_abs()
    }

    /// Returns the address of the next instruction.
    pub(super) fn address(&self) -> Result<u64> {
        Ok(ptrace::syscall_info(self.process).context("PTRACE_GET_SYSCALL_INFO")?.instruction_pointer)
    }

    /// Lets it execute one instruction, which must not be a system call.
    pub(super) fn step(&mut self) -> Result<Stop> {
        self.let_step()?;
        self.stop()
    }

    /// Lets it execute one instruction. If that is a system call, `wait` returns whether the process sleeps in it.
    pub(super) fn let_step(&mut self) -> Result<()> {
        ptrace::step(self.process, None).context("PTRACE_SINGLESTEP")
    }

    /// Lets it run to the next breakpoint or mark; `wait` returns when it is there.
    pub(super) fn let_run(&mut self) -> Result<()> {
        ptrace::cont(self.process, None).context("PTRACE_CONT")
    }

    /// Lets it run to the next breakpoint, mark, or start or end of a system call; `wait` returns when it is there.
    pub(super) fn let_run_to_call(&mut self) -> Result<()> {
        ptrace::syscall(self.process, None).context("PTRACE_SYSCALL")
    }

    /// Waits until it has stopped.
    pub(super) fn stop(&mut self) -> Result<Stop> {
        // No deadline is needed: an instruction ends, and callers use `wait` for a system call, which may sleep.
        let status = waitpid(self.process, None).context("waitpid")?;
        self.stopped(status)
    }

    /// Waits until it has stopped, or sleeps.
    pub(super) fn wait(&mut self) -> Result<Waited> {
        let start = Instant::now();
        let mut asleep = 0;
        while start.elapsed() < DEADLINE {
            match waitpid(self.process, Some(WaitPidFlag::WNOHANG)).context("waitpid")? {
                WaitStatus::StillAlive => {}
                status => return Ok(Waited::Stopped(self.stopped(status)?)),
            }
            asleep = if is_asleep(self.id()) { asleep + 1 } else { 0 };
            if asleep == LOOKS_ASLEEP {
                return Ok(Waited::Asleep);
            }
            if asleep == 0 {
                thread::yield_now();
            } else {
                thread::sleep(BETWEEN_LOOKS);
            }
        }
        bail!("the victim did not stop")
    }

    fn stopped(&mut self, status: WaitStatus) -> Result<Stop> {
        match status {
            WaitStatus::Stopped(_, Signal::SIGTRAP) => {}
            WaitStatus::PtraceSyscall(_) => return Ok(Stop::Call),
            WaitStatus::Stopped(..) => bail!("the victim stopped: {status:?} at {:#x}", self.address()?),
            _ => {
                self.alive = false;
                bail!("the victim ended: {status:?}");
            }
        }
        self.trap()
    }

    /// Kills the victim of a scenario, stopped or asleep, and returns what it left.
    pub(super) fn kill_in(self, scenario: &mut dyn Scenario) -> Result<Result<Found, Harm>> {
        let victim = self.id();
        scenario.stopped(victim);
        let at = self.kill()?;
        Ok(scenario.inspect(&Death { victim, at }))
    }

    /// Kills it, stopped or asleep, and returns the time of the kill.
    fn kill(mut self) -> Result<Instant> {
        let at = Instant::now();
        kill(self.process, Signal::SIGKILL).context("kill")?;
        let status = waitpid(self.process, None).context("waitpid")?;
        self.alive = false;
        let killed = matches!(status, WaitStatus::Signaled(_, Signal::SIGKILL, _));
        ensure!(killed, "the victim was not killed: {status:?}");
        Ok(at)
    }

    /// Returns whether the next instruction is a system call.
    pub(super) fn is_at_call(&self, address: u64) -> Result<bool> {
        let address = usize::try_from(address).context("an address of this machine")?;
        let text = ptrace::read(self.process, std::ptr::without_provenance_mut(address)).context("PTRACE_PEEKTEXT")?;
        Ok(Self::is_call(text))
    }
}

impl Drop for Tracee {
    fn drop(&mut self) {
        if self.alive {
            let _ = kill(self.process, Signal::SIGKILL);
            let _ = waitpid(self.process, None);
        }
    }
}

/// Returns whether a process, given by its id, sleeps.
pub fn is_asleep(process: u32) -> bool {
    // The state follows the name of the program, which is in parentheses and may hold anything.
    fs::read_to_string(format!("/proc/{process}/stat"))
        .is_ok_and(|stat| stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('S')))
}
