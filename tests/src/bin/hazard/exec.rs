//! Replaces the program by `exec` while locks are held.

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::mpsc;
use std::{env, io, thread};

use anyhow::{Context, Result};
use clap::ValueEnum;
use shared_value_tests::values::{AccountGuard, SynchronizedAccount};
use shared_value_tests::{DEADLINE, Protocol, RobustMutexes, Taken, await_line, say};

/// Takes the lock of one account in the first thread, and the locks of the others in another thread; writes half of their
/// fields; and calls `exec` in one of the two threads. The new program waits.
#[derive(Debug, clap::Args)]
pub(crate) struct Exec {
    by: Thread,
    first: String,
    others: Vec<String>,
    /// Lets `exec` fail, and releases everything.
    #[arg(long)]
    in_vain: bool,
}

/// The thread that calls `exec`.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum Thread {
    First,
    Other,
}

impl Exec {
    pub(crate) fn run(self) -> Result<()> {
        let (is_held, held) = mpsc::channel();
        let (tell, told) = mpsc::channel::<()>();
        let by_other = self.by == Thread::Other;
        let in_vain = self.in_vain;
        let others = self.others;
        // Mutexes of the C library are in the robust list too.
        let mutexes = RobustMutexes::new(&[Protocol::Plain; 2]);
        assert_eq!(mutexes.take(0), Taken::Free);
        let first = hold(&self.first)?;
        let other = thread::spawn(move || {
            let guards = others.iter().map(|name| hold(name)).collect::<Result<Vec<_>>>()?;
            is_held.send(()).context("the first thread waits")?;
            // Without a deadline: no message comes if the first thread calls `exec`.
            told.recv().context("the first thread tells")?;
            become_another(by_other, in_vain)?;
            drop(guards);
            anyhow::Ok(())
        });
        held.recv_timeout(DEADLINE).context("the other thread holds its locks")?;
        say("held");
        await_line();
        if by_other {
            tell.send(())?;
            other.join().expect("the thread did not panic")?;
        } else {
            become_another(true, in_vain)?;
            tell.send(())?;
            other.join().expect("the thread did not panic")?;
        }
        drop(first);
        Ok(())
    }
}

/// Calls `exec`, and returns if that fails as planned.
fn become_another(is_this_one: bool, in_vain: bool) -> Result<()> {
    if !is_this_one {
        return Ok(());
    }
    let program = if in_vain { "/nowhere/nothing".into() } else { env::current_exe()? };
    let error = Command::new(program).arg("replaced").exec();
    if in_vain && error.kind() == io::ErrorKind::NotFound {
        say("failed");
        await_line();
        return Ok(());
    }
    Err(error).context("replace the program")
}

/// The program that replaces the first one.
pub(crate) fn replaced() {
    say("replaced");
    await_line();
}

fn hold(name: &str) -> Result<AccountGuard<'static>> {
    let account: &'static SynchronizedAccount = Box::leak(Box::new(SynchronizedAccount::open(name)?));
    let guard = account.lock()?;
    guard.set_balance(-1)?;
    Ok(guard)
}
