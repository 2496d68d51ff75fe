//! What a traced process on x86-64 stops at. The kernel sets the debug registers of the processor.

use std::mem::offset_of;
use std::ptr;

use anyhow::{Context, Result};
use nix::sys::ptrace;

use super::{Stop, Tracee};

/// Whether a process that continues at its breakpoint stops there again.
pub(in crate::stepper) const STAYS_AT_BREAKPOINT: bool = false;

impl Tracee {
    /// Returns whether an instruction, of which these are the first bytes, is a system call.
    pub(super) fn is_call(text: i64) -> bool {
        // `syscall` is 0f 05.
        text.to_le_bytes()[..2] == [0x0f, 0x05]
    }

    /// Goes on behind the instruction of a mark. The processor has done so.
    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "on aarch64 it changes a register")]
    pub(super) fn pass_mark(&self) -> Result<()> {
        Ok(())
    }

    /// Returns why it has stopped.
    pub(super) fn trap(&mut self) -> Result<Stop> {
        let info = ptrace::getsiginfo(self.process).context("PTRACE_GETSIGINFO")?;
        if matches!(info.si_code, libc::TRAP_BRKPT | libc::TRAP_TRACE | libc::TRAP_HWBKPT) {
            // SAFETY: a SIGTRAP with one of these codes has an address.
            Ok(Stop::At(unsafe { info.si_addr() }.addr() as u64))
        } else {
            Ok(Stop::Mark)
        }
    }

    /// Sets a breakpoint at an address, or removes it.
    pub(in crate::stepper) fn set_breakpoint(&mut self, address: Option<u64>) -> Result<()> {
        let enable_first_local = i64::from(address.is_some());
        if let Some(address) = address {
            self.write_debug_register(0, address.cast_signed())?;
        }
        self.write_debug_register(7, enable_first_local)
    }

    /// Makes it stop after each write to one of these words, at most four.
    pub(in crate::stepper) fn set_watchpoints(&mut self, words: &[u64]) -> Result<()> {
        const WRITES: u64 = 0b01;
        const EIGHT_BYTES: u64 = 0b10;
        let mut control = 0;
        for (number, word) in words.iter().enumerate() {
            self.write_debug_register(number, word.cast_signed())?;
            control |= 1 << (2 * number) | (WRITES | EIGHT_BYTES << 2) << (16 + 4 * number);
        }
        self.write_debug_register(7, control.cast_signed())
    }

    fn write_debug_register(&self, number: usize, value: i64) -> Result<()> {
        let registers = offset_of!(libc::user, u_debugreg);
        let offset = ptr::without_provenance_mut(registers + number * size_of::<u64>());
        ptrace::write_user(self.process, offset, value).context("PTRACE_POKEUSER of a debug register")
    }
}
