//! Processes that die while they hold a lock, in all ways.
#![allow(unsafe_code)]

use std::hint::black_box;
use std::sync::mpsc;
use std::{process, ptr, thread};

use anyhow::Result;
use clap::ValueEnum;
use rustix::process::{Resource, Rlimit, Signal, getpid, kill_process, setrlimit};
use shared_value_tests::values::SynchronizedAccount;
use shared_value_tests::{await_line, end_now, say};

/// Takes the lock, writes half of the fields, and dies in the closure of an `update`.
#[derive(Debug, clap::Args)]
pub(crate) struct Die {
    way: Way,
    name: String,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum Way {
    ExitNow,
    /// Another thread ends the process.
    ExitNowElsewhere,
    Exit,
    Abort,
    /// Reads from the address 0.
    Segfault,
    /// Reads from a mapping beyond the end of its file.
    BusError,
    /// Raises SIGILL, as an invalid instruction does.
    Trap,
    /// Panics in a destructor during a panic.
    DoublePanic,
    StackOverflow,
    StackOverflowInThread,
    /// Sends SIGTERM to itself.
    Terminate,
    Kill,
}

impl Die {
    pub(crate) fn run(self) -> Result<()> {
        // A process that dumps its core holds its locks until the dump is written.
        setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
        let account = SynchronizedAccount::open(&self.name)?;
        if self.way != Way::StackOverflowInThread {
            return self.hold(&account);
        }
        thread::scope(|scope| scope.spawn(|| self.hold(&account)).join().expect("the thread did not panic"))
    }

    fn hold(&self, account: &SynchronizedAccount) -> Result<()> {
        let guard = account.lock()?;
        guard.set_balance(-1)?;
        account.in_limits().set_at(1, 777)?;
        guard.update(|account| {
            account.deposits = 777;
            say("held");
            await_line();
            self.way.go();
        })?;
        Ok(())
    }
}

impl Way {
    fn go(self) {
        match self {
            Self::ExitNow => end_now(4),
            Self::ExitNowElsewhere => {
                thread::spawn(|| end_now(4));
                let (_sender, never) = mpsc::channel::<()>();
                never.recv().expect("the process ends first");
            }
            Self::Exit => process::exit(4),
            Self::Abort => process::abort(),
            Self::Segfault => {
                // SAFETY: not safe at all: the read causes the fault that this role needs.
                let byte = unsafe { ptr::without_provenance::<u8>(black_box(8)).read_volatile() };
                black_box(byte);
            }
            Self::BusError => bus_error(),
            Self::Trap => {
                // SAFETY: the call has no preconditions; the signal ends the process.
                unsafe { libc::raise(libc::SIGILL) };
            }
            Self::DoublePanic => {
                struct PanicsAgain;
                impl Drop for PanicsAgain {
                    fn drop(&mut self) {
                        panic!("as planned, again");
                    }
                }
                let _again = PanicsAgain;
                panic!("as planned");
            }
            Self::StackOverflow | Self::StackOverflowInThread => {
                black_box(overflow(0));
            }
            Self::Terminate => kill_process(getpid(), Signal::TERM).expect("a process can signal itself"),
            Self::Kill => kill_process(getpid(), Signal::KILL).expect("a process can signal itself"),
        }
    }
}

/// Uses up the stack.
fn overflow(depth: u64) -> u64 {
    let page = black_box([depth; 128]);
    if depth == u64::MAX { 0 } else { overflow(depth + 1) + page[1] }
}

fn bus_error() {
    let file = tempfile::tempfile().expect("there is room");
    // SAFETY: the kernel chooses a free address, and no other code uses the mapping.
    let memory = unsafe {
        rustix::mm::mmap(ptr::null_mut(), 4_096, rustix::mm::ProtFlags::READ, rustix::mm::MapFlags::SHARED, &file, 0)
    };
    let memory = memory.expect("an empty file can be mapped").cast::<u8>();
    // SAFETY: not safe at all: the read causes the fault that this role needs.
    black_box(unsafe { memory.read_volatile() });
}
