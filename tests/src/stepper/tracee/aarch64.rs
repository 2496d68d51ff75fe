//! What a traced process on aarch64 stops at. The kernel sets the debug registers of the processor.
//!
//! Single steps never get through a loop of load-exclusive and store-exclusive, because each stop ends the exclusive access.
//! So the processor needs atomic instructions in one piece (`FEAT_LSE`), which Rust's and the C library's code use where they
//! exist.

use std::ptr;

use anyhow::{Context, Result, ensure};
use nix::sys::ptrace;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitStatus, waitpid};

use super::{Stop, Tracee};

/// Whether a process that continues at its breakpoint stops there again.
pub(in crate::stepper) const STAYS_AT_BREAKPOINT: bool = true;

/// The most words that can be watched at once.
const MOST: usize = 4;

/// The registers of breakpoints, in `PTRACE_SETREGSET`.
const NT_ARM_HW_BREAK: usize = 0x402;

/// The registers of watchpoints.
const NT_ARM_HW_WATCH: usize = 0x403;

/// Stops the program, not the kernel (`PAC` in the manual of the architecture); and is enabled.
const ENABLED: u32 = 0b101;

/// `struct user_hwdebug_state` of the kernel, with fewer registers.
#[repr(C)]
#[derive(Debug, Default)]
struct DebugState {
    information: u32,
    padding: u32,
    registers: [Register; MOST],
}

#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
struct Register {
    address: u64,
    control: u32,
    padding: u32,
}

impl Tracee {
    /// Returns whether an instruction, of which these are the first bytes, is a system call.
    pub(super) fn is_call(text: i64) -> bool {
        // `svc #0`.
        text.to_le_bytes()[..4] == 0xd400_0001_u32.to_le_bytes()
    }

    /// Goes on behind the instruction of a mark.
    pub(super) fn pass_mark(&self) -> Result<()> {
        let mut registers = ptrace::getregs(self.process).context("PTRACE_GETREGSET")?;
        registers.pc += 4;
        ptrace::setregs(self.process, registers).context("PTRACE_SETREGSET")
    }

    /// Returns why it has stopped.
    pub(super) fn trap(&mut self) -> Result<Stop> {
        match ptrace::getsiginfo(self.process).context("PTRACE_GETSIGINFO")?.si_code {
            libc::TRAP_BRKPT => return Ok(Stop::Mark),
            libc::TRAP_HWBKPT if !self.watched.is_empty() => self.execute_write()?,
            // A step, which has another code if it was a system call; or a breakpoint.
            _ => {}
        }
        self.address().map(Stop::At)
    }

    /// Executes an instruction that writes to a watched word. The processor has stopped before it.
    fn execute_write(&mut self) -> Result<()> {
        self.write_registers(NT_ARM_HW_WATCH, &[])?;
        self.let_step()?;
        let status = waitpid(self.process, None).context("waitpid")?;
        ensure!(matches!(status, WaitStatus::Stopped(_, Signal::SIGTRAP)), "the victim did not step: {status:?}");
        self.enable_watchpoints()
    }

    /// Sets a breakpoint at an address, or removes it.
    pub(in crate::stepper) fn set_breakpoint(&mut self, address: Option<u64>) -> Result<()> {
        const FOUR_BYTES: u32 = 0xf << 5;
        let breakpoint = address.map(|address| Register { address, control: ENABLED | FOUR_BYTES, padding: 0 });
        self.write_registers(NT_ARM_HW_BREAK, breakpoint.as_slice())
    }

    /// Makes it stop after each write to one of these words, at most four.
    pub(in crate::stepper) fn set_watchpoints(&mut self, words: &[u64]) -> Result<()> {
        self.watched = words.to_vec();
        self.enable_watchpoints()
    }

    fn enable_watchpoints(&self) -> Result<()> {
        const WRITES: u32 = 0b10 << 3;
        const EIGHT_BYTES: u32 = 0xff << 5;
        let watchpoint =
            |address: &u64| Register { address: *address, control: ENABLED | WRITES | EIGHT_BYTES, padding: 0 };
        let watchpoints: Vec<_> = self.watched.iter().map(watchpoint).collect();
        self.write_registers(NT_ARM_HW_WATCH, &watchpoints)
    }

    /// Writes the first registers, and disables the others.
    fn write_registers(&self, set: usize, registers: &[Register]) -> Result<()> {
        let mut all = DebugState::default();
        all.registers[..registers.len()].copy_from_slice(registers);
        let mut part = libc::iovec { iov_base: (&raw mut all).cast(), iov_len: size_of::<DebugState>() };
        let set = ptr::without_provenance_mut::<libc::c_void>(set);
        // SAFETY: the call reads the bytes that `part` names, which are those of `all`, and writes to `part` only.
        let result = unsafe { libc::ptrace(libc::PTRACE_SETREGSET, self.process.as_raw(), set, &raw mut part) };
        ensure!(result == 0, "PTRACE_SETREGSET of debug registers: {}", std::io::Error::last_os_error());
        Ok(())
    }
}
