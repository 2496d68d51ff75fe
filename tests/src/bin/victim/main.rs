//! The program that is killed: at every instruction of an operation, for which it forks itself, or at any moment.

mod arenas;
mod elements;
mod helper;
mod kindred;
mod naming;
mod operations;
mod stage;
mod sweep;
mod transfer;
mod triple;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use rustix::process::{Signal, set_parent_process_death_signal};
use shared_value_tests::stepper::Arena;

#[global_allocator]
static ARENA: Arena = Arena::new();

#[derive(Debug, Parser)]
enum Role {
    Sweep(sweep::Arguments),
    Transfer(transfer::Transfer),
}

fn main() -> Result<ExitCode> {
    // A test that is killed takes this with it.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    match Role::parse() {
        Role::Sweep(arguments) => arguments.run(),
        Role::Transfer(transfer) => transfer.run().map(|()| ExitCode::SUCCESS),
    }
}
