//! The program that reproduces dangers for locks, such as forks, dying threads and signals: one role a run.
//!
//! It prints its findings, and `done` at the end if all checks have passed.

mod allocator;
mod child;
mod descriptors;
mod die;
mod exec;
mod exit_hooks;
mod fork_held;
mod fork_hooks;
mod gone;
mod interrupted;
mod leaks;
mod limits;
mod memory;
mod namespaces;
mod own;
mod raw_thread;
mod thread_end;
mod thread_key;
mod thread_locals;
mod usage;

use anyhow::Result;
use clap::Parser;
use rustix::process::{Signal, set_parent_process_death_signal};
use shared_value_tests::say;

/// A role.
#[derive(Debug, Parser)]
enum Role {
    Allocator {
        case: allocator::Case,
    },
    Fork {
        case: fork_held::Case,
    },
    ForkHooks {
        case: fork_hooks::Case,
    },
    Exec(exec::Exec),
    /// The program that replaces the one of the role `exec`.
    Replaced,
    ThreadEnd {
        case: thread_end::Case,
    },
    Die(die::Die),
    Own(own::Own),
    Count(own::Count),
    Interrupted(interrupted::Interrupted),
    ThreadLocals {
        case: thread_locals::Case,
    },
    ExitHooks(exit_hooks::ExitHooks),
    Namespaces(namespaces::Namespaces),
    Leaks {
        case: leaks::Case,
    },
    Limits {
        case: limits::Case,
    },
    Gone {
        case: gone::Case,
    },
    Descriptors {
        case: descriptors::Case,
    },
    Memory {
        case: memory::Case,
    },
}

fn main() -> Result<()> {
    // When the test is killed, this process dies too.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    match Role::parse() {
        Role::Allocator { case } => case.run(),
        Role::Fork { case } => case.run(),
        Role::ForkHooks { case } => case.run(),
        Role::Exec(role) => role.run(),
        Role::Replaced => {
            exec::replaced();
            Ok(())
        }
        Role::ThreadEnd { case } => case.run(),
        Role::Die(role) => role.run(),
        Role::Own(role) => role.run(),
        Role::Count(role) => role.run(),
        Role::Interrupted(role) => role.run(),
        Role::ThreadLocals { case } => case.run(),
        Role::ExitHooks(role) => role.run(),
        Role::Namespaces(role) => role.run(),
        Role::Leaks { case } => case.run(),
        Role::Limits { case } => case.run(),
        Role::Gone { case } => case.run(),
        Role::Descriptors { case } => case.run(),
        Role::Memory { case } => case.run(),
    }?;
    say("done");
    Ok(())
}
