//! The program that plays the other processes in the tests: one role a run.
//!
//! It reports its steps as lines on standard output, and waits for lines on standard input. If it finds an error, it fails.

mod accessors;
mod atomic;
mod create;
mod damaged;
mod dynamic;
mod full;
mod hold;
mod increment;
mod inherited;
mod many;
mod mix;
mod padding;
mod soak;
mod storm;
mod twins;

use anyhow::Result;
use clap::Parser;
use rustix::process::{Signal, set_parent_process_death_signal};

/// A role.
#[derive(Debug, Parser)]
enum Role {
    Increment(increment::Increment),
    Atomic(atomic::Atomic),
    WriteTwins(twins::Write),
    ReadTwins(twins::Read),
    Hold(hold::Hold),
    Take(hold::Take),
    LockTwice(hold::LockTwice),
    Storm(storm::Storm),
    Soak(soak::Soak),
    Fork(inherited::Fork),
    /// Takes two locks and two mutexes in every order, and then releases some of them in every order.
    MixOrders,
    MixRandom(mix::Random),
    /// Takes one lock more than a thread may hold.
    TooMany,
    ReleaseAtRandom(many::ReleaseAtRandom),
    ReleaseInOrder(many::ReleaseInOrder),
    /// Creates values until there is no room left, and values that are larger than the room.
    Full,
    Umask(create::Umask),
    Race(create::Race),
    Churn(create::Churn),
    OpenOften(create::OpenOften),
    MakeFile(create::MakeFile),
    Damage(damaged::Damage),
    Accessors(accessors::Accessors),
    Dynamic(dynamic::Dynamic),
    Padding(padding::Padding),
}

fn main() -> Result<()> {
    // When the test is killed, its workers die too.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    match Role::parse() {
        Role::Increment(role) => role.run(),
        Role::Atomic(role) => role.run(),
        Role::WriteTwins(role) => role.run(),
        Role::ReadTwins(role) => role.run(),
        Role::Hold(role) => role.run(),
        Role::Take(role) => role.run(),
        Role::LockTwice(role) => role.run(),
        Role::Storm(role) => role.run(),
        Role::Soak(role) => role.run(),
        Role::Fork(role) => role.run(),
        Role::MixOrders => mix::orders(),
        Role::MixRandom(role) => role.run(),
        Role::TooMany => many::too_many(),
        Role::ReleaseAtRandom(role) => role.run(),
        Role::ReleaseInOrder(role) => role.run(),
        Role::Full => full::full(),
        Role::Umask(role) => role.run(),
        Role::Race(role) => role.run(),
        Role::Churn(role) => role.run(),
        Role::OpenOften(role) => role.run(),
        Role::MakeFile(role) => role.run(),
        Role::Damage(role) => role.run(),
        Role::Accessors(role) => role.run(),
        Role::Dynamic(role) => role.run(),
        Role::Padding(role) => role.run(),
    }
}
