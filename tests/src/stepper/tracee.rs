//! `Tracee`: a forked process under `ptrace`.
#![allow(unsafe_code)]

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
use super::scenario::Scenario;
use crate::{DEADLINE, end_now};

/// A process counts as asleep when it was asleep at this many looks in a row.
const LOOKS_ASLEEP: u32 = 4;
const BETWEEN_LOOKS: Duration = Duration::from_micros(150);

/// A forked process under `ptrace`. Dropping this kills it.
#[derive(Debug)]
pub(super) struct Tracee {
    process: Pid,
    alive: bool,
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
        let mut tracee = Self { process, alive: true };
        let stop = tracee.stop().context("the victim did not reach its mark")?;
        ensure!(stop == Stop::Mark, "the victim stopped before its mark: {stop:?}");
        let options = Options::PTRACE_O_EXITKILL | Options::PTRACE_O_TRACESYSGOOD;
        ptrace::setoptions(process, options).context("PTRACE_SETOPTIONS")?;
        Ok(tracee)
    }

    /// Starts the victim of a scenario, or the child that it forks if the scenario says so.
    pub(super) fn of(scenario: &dyn Scenario) -> Result<Self> {
        let victim = Self::start(|| scenario.victim())?;
        if scenario.kills_child() { victim.fork() } else { Ok(victim) }
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
        let child = Self { process: Pid::from_raw(child.try_into().context("a process id")?), alive: true };
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
        let info = ptrace::getsiginfo(self.process).context("PTRACE_GETSIGINFO")?;
        if matches!(info.si_code, libc::TRAP_BRKPT | libc::TRAP_TRACE | libc::TRAP_HWBKPT) {
            // SAFETY: a SIGTRAP with one of these codes has an address.
            Ok(Stop::At(unsafe { info.si_addr() }.addr() as u64))
        } else {
            Ok(Stop::Mark)
        }
    }

    /// Kills it, stopped or asleep, and returns the time of the kill.
    pub(super) fn kill(mut self) -> Result<Instant> {
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
        Ok(if cfg!(target_arch = "x86_64") {
            // `syscall` is 0f 05.
            text.to_le_bytes()[..2] == [0x0f, 0x05]
        } else {
            // Unknown: any instruction may be one.
            true
        })
    }
}

#[cfg(target_arch = "x86_64")]
impl Tracee {
    /// Sets a breakpoint at an address, or removes it.
    pub(super) fn set_breakpoint(&mut self, address: Option<u64>) -> Result<()> {
        let enable_first_local = i64::from(address.is_some());
        if let Some(address) = address {
            self.write_debug_register(0, address.cast_signed())?;
        }
        self.write_debug_register(7, enable_first_local)
    }

    /// Makes it stop after each write to one of these words, at most four.
    pub(super) fn set_watchpoints(&mut self, words: &[u64]) -> Result<()> {
        const WRITES: u64 = 0b01;
        const EIGHT_BYTES: u64 = 0b10;
        let mut control = 0;
        for (number, word) in words.iter().enumerate() {
            self.write_debug_register(number, word.cast_signed())?;
            control |= 1 << (2 * number) | (WRITES | EIGHT_BYTES << 2) << (16 + 4 * number);
        }
        self.write_debug_register(7, control.cast_signed())
    }

    fn write_debug_register(&mut self, number: usize, value: i64) -> Result<()> {
        let registers = std::mem::offset_of!(libc::user, u_debugreg);
        let offset = std::ptr::without_provenance_mut(registers + number * size_of::<u64>());
        ptrace::write_user(self.process, offset, value).context("PTRACE_POKEUSER of a debug register")
    }
}

#[cfg(not(target_arch = "x86_64"))]
impl Tracee {
    /// Fails: breakpoints need the debug registers of x86-64.
    pub(super) fn set_breakpoint(&mut self, _address: Option<u64>) -> Result<()> {
        bail!("breakpoints are implemented for x86-64 only")
    }

    /// Does nothing: without the debug registers of x86-64, the process stops at system calls only.
    #[expect(clippy::unnecessary_wraps, reason = "on x86-64 it may fail")]
    pub(super) fn set_watchpoints(&mut self, _words: &[u64]) -> Result<()> {
        Ok(())
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
