//! The program that is killed: at every instruction of an operation, for which it forks itself, or at a random moment.

mod arenas;
mod arguments;
mod counters;
mod edits;
mod elements;
mod forking;
mod helper;
mod kindred;
mod live;
mod naming;
mod operations;
mod several;
mod stage;
mod transfer;
mod triple;
mod versions;
mod watcher;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use rustix::process::{Signal, set_parent_process_death_signal};
use shared_value_tests::stepper::VictimAllocator;

#[global_allocator]
static ALLOCATOR: VictimAllocator = VictimAllocator::new();

#[derive(Debug, Parser)]
enum Role {
    Sweep(arguments::Arguments),
    Transfer(transfer::Transfer),
}

fn main() -> Result<ExitCode> {
    // When the test is killed, this process dies too.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    match Role::parse() {
        Role::Sweep(arguments) => arguments.run(),
        Role::Transfer(transfer) => transfer.run().map(|()| ExitCode::SUCCESS),
    }
}
