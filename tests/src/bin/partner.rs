//! The other side of the tests about handing values over and waiting for them.

use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;
use clap::Parser;
use ipc_channel::ipc::{self, IpcSender};
use shared_value::{DynValue, Options, RLock, ReadOnly, Synchronized};
use shared_value_tests::intruder::attempts_to_write;
use shared_value_tests::job::Job;
use shared_value_tests::{DEADLINE, say};

#[derive(Parser)]
enum Role {
    /// Adds to the value that was passed under the name.
    Add { name: String, count: u64 },
    /// Says what becomes of taking the value as one of another type.
    Mistake { name: String },
    /// Says the value that was passed, from a handle that can only read.
    Read { name: String },
    /// Says what becomes of taking the value for writing.
    Write { name: String },
    /// Says a value of whatever type, and changes a part of it to a number.
    Change { name: String, path: String, number: u64 },
    /// Takes the value for reading, tries to write to it, and says what the kernel allowed.
    Intrude { name: String },
    /// Does the job that comes as JSON on standard input.
    WorkByJson,
    /// Does the jobs that come by a channel of the `ipc-channel` crate, until there are no more.
    WorkByChannel { server: String },
    /// Adds to two values under their lock.
    AddUnderLock { count: u64 },
    /// Adds to the value that was passed under the name, and starts a program that does so too.
    PassOn { name: String, count: u64 },
    /// Takes the value, and starts a program that tries to.
    PassNothingOn { name: String },
    /// Says the number of descriptors and whether there is such an entry in the environment.
    Look { name: String },
    /// Says the token of the value that was passed, and keeps the value.
    Token { name: String },
    /// Takes the lock of the value that the token leads to, says so, and keeps it.
    HoldByToken { token: String },
    /// Adds to the value that the token leads to.
    AddByToken { token: String, count: u64 },
    /// Adds to the value that comes over the socket.
    AddBySocket { path: PathBuf, count: u64 },
    /// Waits for each odd number, and makes it even.
    Answer { token: String, rounds: u64 },
    /// Waits for what never comes.
    Wait { token: String },
    /// Reads until the value is zero, and fails if its two halves ever differ.
    Watch { token: String },
}

fn main() -> Result<()> {
    match Role::parse() {
        Role::Add { name, count } => add(&Synchronized::inherited(&name)?, count)?,
        Role::Mistake { name } => say(said(Synchronized::<f64>::inherited(&name).map(|value| value.get()))),
        Role::Read { name } => {
            say(said(Synchronized::<u64, ReadOnly>::inherited_read_only(&name).map(|value| value.get())));
        }
        Role::Write { name } => say(said(Synchronized::<u64>::inherited(&name).map(|value| value.get()))),
        Role::Change { name, path, number } => {
            say(DynValue::inherited_read_only(&name)?);
            DynValue::inherited(&name)?.set(&path, number)?;
        }
        Role::Intrude { name } => {
            let value = Synchronized::<u64, ReadOnly>::inherited_read_only(&name)?;
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
            let lock = RLock::inherited("LOCK")?;
            let guarded = Options::new().lock(&lock);
            let (one, other) = (guarded.inherited::<u64>("ONE")?, guarded.inherited::<u64>("OTHER")?);
            for _ in 0..count {
                let _guard = lock.lock()?;
                one.set(one.get() + 1)?;
                other.set(other.get() + 1)?;
            }
        }
        Role::PassOn { name, count } => {
            let value = Synchronized::inherited(&name)?;
            add(&value, count)?;
            let mut command = Command::new(std::env::current_exe()?);
            value.pass_to(command.args(["add", &name, &count.to_string()]), &name)?;
            let status = command.status()?;
            anyhow::ensure!(status.success(), "{status}");
        }
        Role::PassNothingOn { name } => {
            Synchronized::<u64>::inherited(&name)?;
            let status = Command::new(std::env::current_exe()?).args(["write", &name]).status()?;
            anyhow::ensure!(status.success(), "{status}");
        }
        Role::Look { name } => {
            let descriptors = std::fs::read_dir("/proc/self/fd")?.count();
            say(format!("{descriptors} {}", std::env::var_os(name).is_some()));
        }
        Role::Token { name } => {
            let value = Synchronized::<u64>::inherited(&name)?;
            say(value.token()?);
            std::thread::sleep(DEADLINE);
        }
        Role::HoldByToken { token } => {
            let value = Synchronized::<u64>::from_token(&token)?;
            let _guard = value.lock()?;
            say("held");
            std::thread::sleep(DEADLINE);
        }
        Role::AddByToken { token, count } => add(&Synchronized::from_token(&token)?, count)?,
        Role::AddBySocket { path, count } => add(&Synchronized::open(&UnixStream::connect(path)?)?, count)?,
        Role::Answer { token, rounds } => {
            let ball = Synchronized::<u64>::from_token(&token)?;
            for round in 0..rounds {
                ball.wait_for(|ball| *ball == 2 * round + 1, DEADLINE)?;
                ball.update(|ball| *ball += 1)?;
            }
        }
        Role::Wait { token } => {
            let value = Synchronized::<u64>::from_token(&token)?;
            say("waiting");
            value.wait_for(|value| *value == u64::MAX, DEADLINE)?;
        }
        Role::Watch { token } => {
            let twins = Synchronized::<[u64; 8], ReadOnly>::from_token_read_only(&token)?;
            let mut reads = 0_u64;
            loop {
                let seen = twins.get();
                anyhow::ensure!(seen.iter().all(|number| *number == seen[0]), "torn: {seen:?}");
                if seen[0] == u64::MAX {
                    break;
                }
                reads += 1;
            }
            say(reads.to_string());
        }
    }
    Ok(())
}

fn add(value: &Synchronized<u64>, count: u64) -> Result<()> {
    for _ in 0..count {
        value.update(|number| *number += 1)?;
    }
    Ok(())
}

fn said<V: std::fmt::Display>(result: Result<V, shared_value::Error>) -> String {
    match result {
        Ok(value) => value.to_string(),
        Err(error) => error.to_string(),
    }
}
