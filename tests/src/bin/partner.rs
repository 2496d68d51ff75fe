//! The other process of the tests in which values are handed over or waited for.

use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use ipc_channel::ipc::{self, IpcSender};
use shared_value::{DynValue, RLock, Source, Synchronized};
use shared_value_tests::intruder::attempts_to_write;
use shared_value_tests::job::Job;
use shared_value_tests::{DEADLINE, say};

#[derive(Parser)]
enum Role {
    /// Adds to the value that was passed under the name.
    Add { name: String, count: u64 },
    /// Opens the value as one of another type, and prints the result.
    Mistake { name: String },
    /// Opens the value read-only, and prints it.
    Read { name: String },
    /// Opens the value for writing, and prints the result.
    Write { name: String },
    /// Prints a value of any type, and sets a part of it to a number.
    Change { name: String, path: String, number: u64 },
    /// Opens the value read-only, tries to write to it, and prints the attempts that the kernel allowed.
    Intrude { name: String },
    /// Does the job that comes as JSON on standard input.
    WorkByJson,
    /// Does the jobs that come through a channel of the `ipc-channel` crate.
    WorkByChannel { server: String },
    /// Adds to two values under their lock.
    AddUnderLock { count: u64 },
    /// Adds to the value that was passed under the name, and passes it on to a program that adds too.
    PassOn { name: String, count: u64 },
    /// Opens the value, and starts a program that tries to open it.
    PassNothingOn { name: String },
    /// Prints the number of descriptors, and whether the environment has an entry of the name.
    Look { name: String },
    /// Prints the token of the value that was passed, and keeps the value open.
    Token { name: String },
    /// Takes the lock of a token's value, prints a line, and keeps the lock.
    HoldByToken { token: String },
    /// Adds to a token's value.
    AddByToken { token: String, count: u64 },
    /// Opens the value of the descriptor that is standard input, tries its lock, and adds to it without waiting.
    AddByDescriptor { count: u64 },
    /// Adds to a value that comes over a socket.
    AddBySocket { path: PathBuf, count: u64 },
    /// Waits for each odd number, and adds 1.
    Answer { token: String, rounds: u64 },
    /// Waits for a number that never comes.
    Wait { token: String },
    /// Reads until the value is the largest, and fails if its numbers ever differ.
    Watch { token: String },
}

fn main() -> Result<()> {
    match Role::parse() {
        Role::Add { name, count } => add(&inherited(&name)?, count)?,
        Role::Mistake { name } => {
            say(text(Synchronized::<f64>::open(Source::inherited(name)).map(|value| value.get())));
        }
        Role::Read { name } => {
            say(text(Synchronized::<u64>::open_read_only(Source::inherited(name)).map(|value| value.get())));
        }
        Role::Write { name } => say(text(inherited(&name).map(|value| value.get()))),
        Role::Change { name, path, number } => {
            say(DynValue::open_read_only(Source::inherited(&name))?);
            DynValue::open(Source::inherited(&name))?.set(&path, number)?;
        }
        Role::Intrude { name } => {
            let value = Synchronized::<u64>::open_read_only(Source::inherited(&name))?;
            let entry = std::env::var(&name)?;
            let number = entry.split(' ').nth(1).unwrap_or_default();
            let descriptor = std::fs::File::open(format!("/proc/self/fd/{number}"))?;
            let allowed: Vec<_> =
                attempts_to_write(&descriptor).into_iter().filter(|(_, result)| result.is_ok()).collect();
            say(format!("{} {:?}", value.get(), allowed.iter().map(|(what, _)| what).collect::<Vec<_>>()));
        }
        Role::WorkByJson => serde_json::from_reader::<_, Job>(std::io::stdin())?.work()?,
        Role::WorkByChannel { server } => {
            let (sender, jobs) = ipc::channel::<Job>()?;
            IpcSender::connect(server)?.send(sender)?;
            while let Ok(job) = jobs.recv() {
                job.work()?;
            }
        }
        Role::AddUnderLock { count } => {
            let lock = RLock::open(Source::inherited("LOCK"))?;
            let guarded = Synchronized::<u64>::options().lock(&lock);
            let [one, other] = ["ONE", "OTHER"].map(|name| guarded.open(Source::inherited(name)));
            let (one, other) = (one?, other?);
            for _ in 0..count {
                let _guard = lock.lock()?;
                one.set(one.get() + 1)?;
                other.set(other.get() + 1)?;
            }
        }
        Role::PassOn { name, count } => {
            let value = inherited(&name)?;
            add(&value, count)?;
            let mut command = Command::new(std::env::current_exe()?);
            value.pass_to(command.args(["add", &name, &count.to_string()]), &name)?;
            let status = command.status()?;
            anyhow::ensure!(status.success(), "{status}");
        }
        Role::PassNothingOn { name } => {
            inherited(&name)?;
            let status = Command::new(std::env::current_exe()?).args(["write", &name]).status()?;
            anyhow::ensure!(status.success(), "{status}");
        }
        Role::Look { name } => look(&name)?,
        Role::AddByDescriptor { count } => add_by_descriptor(count)?,
        Role::Token { name } => {
            let value = inherited(&name)?;
            say(value.token()?);
            std::thread::sleep(DEADLINE);
        }
        Role::HoldByToken { token } => {
            let value = Synchronized::<u64>::open(Source::token(token))?;
            let _guard = value.lock()?;
            say("held");
            std::thread::sleep(DEADLINE);
        }
        Role::AddByToken { token, count } => add(&Synchronized::open(Source::token(token))?, count)?,
        Role::AddBySocket { path, count } => add(&Synchronized::open(&UnixStream::connect(path)?)?, count)?,
        Role::Answer { token, rounds } => {
            let ball = Synchronized::<u64>::open(Source::token(token))?;
            for round in 0..rounds {
                ball.wait_for(|ball| *ball == 2 * round + 1, DEADLINE)?;
                ball.update(|ball| *ball += 1)?;
            }
        }
        Role::Wait { token } => {
            let value = Synchronized::<u64>::open(Source::token(token))?;
            say("waiting");
            value.wait_for(|value| *value == u64::MAX, DEADLINE)?;
        }
        Role::Watch { token } => {
            let twins = Synchronized::<[u64; 8]>::open_read_only(Source::token(token))?;
            let mut reads = 0_u64;
            loop {
                let seen = twins.get();
                anyhow::ensure!(seen.iter().all(|number| *number == seen[0]), "torn: {seen:?}");
                if seen[0] == u64::MAX {
                    break;
                }
                reads += 1;
                if reads == 1_000 {
                    say("reading");
                }
            }
        }
    }
    Ok(())
}

fn inherited(name: &str) -> Result<Synchronized<u64>, shared_value::Error> {
    Synchronized::open(Source::inherited(name))
}

fn add(value: &Synchronized<u64>, count: u64) -> Result<()> {
    for _ in 0..count {
        value.update(|number| *number += 1)?;
    }
    Ok(())
}

/// Returns the text of a value or of an error.
fn look(name: &str) -> Result<()> {
    let descriptors = std::fs::read_dir("/proc/self/fd")?.count();
    say(format!("{descriptors} {}", std::env::var_os(name).is_some()));
    Ok(())
}

fn add_by_descriptor(count: u64) -> Result<()> {
    let value = Synchronized::<u64>::open(Source::descriptor(&std::io::stdin()))?;
    say(text(value.try_lock().map(|_| "free")));
    say(text(value.within(Duration::ZERO).update(|number| *number += count).map(|()| "added")));
    Ok(())
}

fn text<V: std::fmt::Display>(result: Result<V, shared_value::Error>) -> String {
    match result {
        Ok(value) => value.to_string(),
        Err(error) => error.to_string(),
    }
}
